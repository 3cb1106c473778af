//! `bathysphere check`: what it prints, and its exit status.

use crate::broken::{Small, program};
use crate::support::{Launch, lab, need};
use serde_json::Value;

#[test]
fn exit_status_and_text() {
    let runtime = need!(lab("runtime-bullseye"));
    let check =
        || Launch::verb("check").runtime(&runtime).pair("--architectures", "x86_64-linux-gnu");
    let outcome = check().run(&["true"]);
    assert_eq!(outcome.ok(), "Nothing was found that will not work.\n", "{}", outcome.account());
    for (command, status, code) in [("no-such", 127, "BS0007"), ("/usr/share", 126, "BS0008")] {
        let outcome = check().run(&[command]);
        assert_eq!(outcome.status(), status, "{}", outcome.account());
        let text = outcome.stdout();
        assert!(text.contains(&format!("error: {code}: ")), "{text}");
        assert!(text.contains("hint: "), "{text}");
    }
    // What is wrong with the options is said in the same way.
    let outcome = Launch::verb("check").runtime("/does/not/exist").run(&["true"]);
    assert_eq!(outcome.status(), 125, "{}", outcome.account());
    assert!(outcome.stdout().contains("BS0001"), "{}", outcome.account());
}

/// Warnings come with their evidence, which a launch has no room for.
#[test]
fn evidence_of_warnings() {
    let small = need!(Small::new()).without("usr/bin/env");
    let outcome = Launch::verb("check")
        .runtime(small.path())
        .pair("--graphics-provider", "")
        .pair("--architectures", "x86_64-linux-gnu")
        .run(&["true"]);
    let text = outcome.ok();
    assert!(text.contains("warning: BS0027: `/usr/bin/env`"), "{text}");
    assert!(text.contains("\n    /usr/bin/env: it does not exist\n"), "{text}");
    assert!(text.contains("\nhint: "), "{text}");
}

#[test]
fn json() {
    let runtime = need!(lab("runtime-bullseye"));
    let launch = Launch::verb("check").runtime(&runtime).option("--json");
    let script = program(&launch, "script", b"#!/no/such/interpreter\n");
    let outcome = launch.run(&[&script]);
    assert_eq!(outcome.status(), 126, "{}", outcome.account());
    let report: Value = serde_json::from_str(&outcome.stdout()).expect("JSON");
    assert_eq!((&report["schema"], &report["blocked"]), (&1.into(), &true.into()));
    let first = &report["problems"][0];
    assert_eq!((&first["code"], &first["severity"]), (&"BS0023".into(), &"blocking".into()));
    assert!(first["evidence"].as_array().is_some_and(|lines| !lines.is_empty()), "{first}");
    for member in ["title", "cause", "hint"] {
        assert!(first[member].is_string(), "{member}: {first}");
    }
    let launch = Launch::verb("check").runtime(&runtime).option("--json");
    let sound: Value = serde_json::from_str(&launch.run(&["true"]).ok()).expect("JSON");
    assert_eq!(sound["blocked"], false);
}
