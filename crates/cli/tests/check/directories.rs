//! Links that lead out of what is shared.

use crate::broken::{nothing_found, warned};
use crate::support::{Launch, lab, need};
use std::os::unix::fs::symlink;

#[test]
fn links_that_lead_out_of_what_is_shared() {
    let runtime = need!(lab("runtime-bullseye"));
    // `/var/cache` of the machine is not shared.
    let outside = std::fs::canonicalize(&runtime).unwrap().join("usr");
    let shared = tempfile::tempdir_in("/var/tmp").unwrap();
    std::fs::write(shared.path().join("file"), "x").unwrap();
    symlink("file", shared.path().join("in")).unwrap();
    symlink("/no/such", shared.path().join("dangling")).unwrap();
    let launch = || Launch::new().runtime(&runtime).pair("--filesystem", shared.path());
    let outcome = launch().run(&["true"]);
    outcome.ok();
    nothing_found(&outcome);
    symlink(&outside, shared.path().join("out")).unwrap();
    let list = |launch: Launch| {
        let path = shared.path().join("out/bin").to_string_lossy().into_owned();
        launch.run(&["/bin/ls", &path])
    };
    let outcome = list(launch());
    assert!(!outcome.output.status.success(), "{}", outcome.account());
    let line = warned(&outcome, "BS0034");
    assert!(line.contains("/out`"), "{line}");
    // What the hint says helps.
    let at = line.find("--filesystem ").expect("the option") + "--filesystem ".len();
    let option = line[at..].trim_end_matches('`').to_owned();
    let outcome = list(launch().pair("--filesystem", option));
    outcome.ok();
    nothing_found(&outcome);
}
