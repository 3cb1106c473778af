//! A launch that is asked for again is not decided again, and one that is asked for otherwise is.

use super::{by, sh, wrap_in};
use crate::support::{BACKENDS, lab, need};
use crate::tool::Places;
use std::path::Path;
use std::process::Command;

/// The launches that a store remembers.
fn launches(places: &Places) -> Vec<String> {
    let mut find = Command::new("find");
    find.arg(places.at("store/launches")).args(["-type", "f", "-printf", "%f %T@ %i\\n"]);
    let text = String::from_utf8_lossy(&find.output().unwrap().stdout).into_owned();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

/// Ages what was made a moment ago, so that decisions from it are remembered.
fn age(path: &Path) {
    let mut find = Command::new("find");
    find.arg(path).args(["-exec", "touch", "-h", "-d", "2 minutes ago", "{}", "+"]);
    assert!(find.status().unwrap().success());
}

#[test]
fn who_asks_the_same_gets_the_same() {
    let runtime = need!(lab("runtime-bullseye"));
    for backend in BACKENDS {
        let mut places = Places::new();
        age(&places.at(""));
        let run = |places: Places, options: &[&str], variables: &[(&str, &str)]| {
            let tool = by(wrap_in(places).pair("--runtime", &runtime), backend);
            let tool = tool.args(options).envs(variables);
            let (outcome, places) = sh(tool, "echo $STEAM_COMPAT_DATA_PATH; exit 7").run_in();
            assert_eq!(outcome.status(), 7, "{}", outcome.account());
            (launches(&places), outcome.stdout(), places)
        };
        let (first, _, p) = run(places, &[], &[]);
        assert_eq!(first.len(), 1, "{backend}");
        let (second, _, p) = run(p, &[], &[]);
        assert_eq!(first, second, "{backend}: the record serves");
        let (third, _, p) = run(p, &["--devel"], &[]);
        assert_eq!(third.len(), 2, "{backend}: another option is another question");
        let (fourth, said, p) = run(p, &[], &[("STEAM_COMPAT_DATA_PATH", "/var/tmp")]);
        assert_eq!(
            (fourth.len(), said.as_str()),
            (3, "/var/tmp\n"),
            "{backend}: another environment too"
        );
        let (fifth, said, p) = run(p, &[], &[("STEAM_COMPAT_DATA_PATH", "/var/tmp")]);
        assert_eq!((fifth, said.as_str()), (fourth, "/var/tmp\n"), "{backend}");
        let (sixth, _, p) = run(p, &["--verbose"], &[]);
        assert_eq!(sixth.len(), 3, "{backend}: who wants to hear has it decided");
        places = p;
        drop(places);
    }
}
