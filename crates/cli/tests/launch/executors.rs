//! Both executors build the same namespace: the probe walks the tree under each.

use crate::support::{FORMS, Launch, lab, need, probe};

/// The probe's account of the whole tree under one executor. The home is the same for both.
fn walk(runtime: &str, backend: &str, stacking: &str, home: &std::path::Path) -> Result<String, String> {
    let probe = probe()?;
    let directory = probe.parent().ok_or("the probe has no directory")?;
    let runtime = if runtime == "host" { "host".into() } else { lab(runtime)?.into_os_string() };
    let outcome = Launch::new()
        .env("HOME", home)
        .in_directory(home)
        .runtime(&runtime)
        .backend(backend)
        .pair("--stacking", stacking)
        .pair("--filesystem", format!("{}:ro", directory.display()))
        .run(&[probe.as_os_str(), "walk".as_ref()]);
    Ok(outcome.ok())
}

/// The first lines in which two accounts differ.
fn difference(a: &str, b: &str) -> Vec<String> {
    let (left, right): (std::collections::BTreeSet<_>, std::collections::BTreeSet<_>) =
        (a.lines().collect(), b.lines().collect());
    let only = |x: &std::collections::BTreeSet<&str>, y: &std::collections::BTreeSet<&str>, s| {
        x.difference(y).take(12).map(move |l| format!("{s} {l}")).collect::<Vec<_>>()
    };
    [only(&left, &right, "-"), only(&right, &left, "+")].concat()
}

#[test]
fn both_build_the_same_namespace() {
    let home = tempfile::tempdir().unwrap();
    for runtime in FORMS.iter().chain(&["host"]) {
        let builtin = need!(walk(runtime, "builtin", "auto", home.path()));
        assert!(builtin.lines().count() > 1000, "{runtime}: the walk saw too little:\n{builtin}");
        for (backend, stacking) in [("bwrap", "auto"), ("builtin", "tree"), ("bwrap", "tree")] {
            let other = need!(walk(runtime, backend, stacking, home.path()));
            let difference = difference(&builtin, &other);
            assert!(
                difference.is_empty(),
                "{runtime}: builtin (-) and {backend}, {stacking} (+):\n{}",
                difference.join("\n")
            );
        }
    }
}

/// No capability and `no_new_privs` in the game; no descriptor that was not asked for.
#[test]
fn privileges_and_descriptors() {
    let runtime = need!(lab("runtime-bullseye"));
    let script = "grep -E '^(CapInh|CapPrm|CapEff|CapBnd|CapAmb|NoNewPrivs)' /proc/self/status; \
         ls /proc/self/fd | wc -l";
    for backend in crate::support::BACKENDS {
        let outcome =
            Launch::new().runtime(&runtime).backend(backend).run(&crate::support::sh(script));
        let text = outcome.ok();
        for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
            assert!(text.contains(&format!("{set}:\t0000000000000000")), "{backend}: {text}");
        }
        assert!(text.contains("NoNewPrivs:\t1"), "{backend}: {text}");
        // 0, 1, 2 and the directory that ls reads.
        assert_eq!(text.lines().last(), Some("4"), "{backend}: {text}");
    }
}

/// `auto` falls back to bwrap in one line with the reason, and the launch works.
#[test]
fn auto_uses_the_built_in_executor_here() {
    let runtime = need!(lab("runtime-bullseye"));
    let outcome = Launch::new().runtime(&runtime).option("--verbose").run(&["/usr/bin/true"]);
    outcome.ok();
    assert!(outcome.stderr().contains("executor: built in"), "{}", outcome.account());
}
