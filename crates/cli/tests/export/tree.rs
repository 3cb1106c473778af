//! `plan --format tree` of real containers.

use crate::support::{FORMS, Launch, lab, need};
use crate::walk::{self, RUNTIME};

/// The line of an entry, whatever its depth.
#[track_caller]
fn line<'t>(tree: &'t str, entry: &str) -> &'t str {
    let found = tree.lines().find(|line| {
        let name = line.trim_start_matches(['│', '├', '└', '─', ' ']);
        name.strip_prefix(entry).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    });
    found.unwrap_or_else(|| panic!("no {entry} in:\n{tree}"))
}

#[test]
fn every_form_of_a_runtime_is_drawn() {
    for form in FORMS {
        let runtime = need!(lab(form));
        let tree =
            Launch::verb("plan").runtime(&runtime).pair("--format", "tree").run(&["true"]).ok();
        assert!(!tree.contains('\x1b'), "{form}: colours in a pipe:\n{tree}");
        assert!(tree.starts_with("/ "), "{form}:\n{tree}");
        for entry in
            ["dev/", "run/", "container-manager", "overrides -> usr/lib/pressure-vessel/overrides"]
        {
            line(&tree, entry);
        }
        let usr = tree.lines().find(|line| line.starts_with("├── usr/"));
        assert!(usr.is_some_and(|line| line.contains("layer usr over /")), "{form}:\n{tree}");
        assert!(tree.contains("libGL.so.1 -> /run/host/"), "{form}:\n{tree}");
        // At the top; the host's own is further down.
        let split = form.ends_with("nonmerged") || form.ends_with("hybrid");
        let lib = if split { "├── lib/ " } else { "├── lib -> usr/lib " };
        assert!(tree.lines().any(|line| line.starts_with(lib)), "{form}: no {lib} in:\n{tree}");
    }
}

#[test]
fn long_lists_are_cut_unless_all_is_asked_for() {
    let home = tempfile::tempdir().unwrap();
    let tree = |option: &str| {
        let launch = walk::launch("plan", RUNTIME, home.path())?.pair("--format", "tree");
        Ok::<String, String>(launch.option(option).run(&["true"]).ok())
    };
    let (short, whole) = (need!(tree("--stacking=overlay")), need!(tree("-v")));
    assert!(short.contains("… ") && short.contains(" more\n"), "{short}");
    assert!(!whole.contains(" more\n"), "{whole}");
    assert!(whole.lines().count() > short.lines().count());
}
