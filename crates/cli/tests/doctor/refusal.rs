//! A machine that allows no namespaces: `doctor` and `run` give the same diagnosis. Every rule is provoked
//! in `crates/sandbox/tests/refusal.rs`.

use crate::support::{Call, causes, doctor};

const LIMIT: &str = "echo 0 > /proc/sys/user/max_user_namespaces";

#[test]
fn no_namespaces() {
    let ran = doctor().after(LIMIT).run();
    let report = ran.json(1);
    let namespaces = &report["kernel"]["namespaces"];
    assert_eq!(namespaces["executor"], serde_json::Value::Null);
    assert_eq!(namespaces["rule"], "max-user-namespaces");
    assert!(causes(&report, "BS0041")[0].contains("user.max_user_namespaces"), "{report}");
    let text = Call::new(&["doctor"]).after(LIMIT).run();
    assert_eq!(text.status(), 1, "{}", text.account());
    for part in
        ["A launch cannot work", "error: BS0041", "hint: run `sudo sysctl user.max_user_namespaces"]
    {
        assert!(text.stdout().contains(part), "no `{part}` in {}", text.account());
    }
    let run = Call::new(&["run", "--runtime=host", "true"]).after(LIMIT).run();
    assert_eq!(run.status(), 125, "{}", run.account());
    for part in ["BS0041", "max_user_namespaces is 0", "bwrap failed", "hint: run `sudo sysctl"] {
        assert!(run.stderr().contains(part), "no `{part}` in {}", run.account());
    }
}

/// Ambient capabilities: the built-in executor works, and bwrap says why it does not.
#[test]
fn capabilities() {
    let with = |words: &[&str]| {
        let call = Call::new(words);
        let inner = call.command();
        let mut outer = std::process::Command::new("unshare");
        outer.args(["--user", "--map-current-user", "--keep-caps"]).arg(inner.get_program());
        outer.args(inner.get_args()).env_clear().current_dir(call.home());
        for (name, value) in inner.get_envs() {
            outer.env(name, value.unwrap_or_default());
        }
        let output = outer.output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    assert_eq!(with(&["doctor"]).0, Some(0));
    assert_eq!(with(&["run", "--runtime=host", "--backend=builtin", "true"]).0, Some(0));
    let (status, err) = with(&["run", "--runtime=host", "--backend=bwrap", "true"]);
    assert_eq!(status, Some(125), "{err}");
    for part in ["BS0045", "starts with capabilities", "CapAmb", "--ambient-caps=-all"] {
        let part = part.replace("starts", "started");
        assert!(err.contains(&part), "no `{part}` in {err}");
    }
}
