//! `explain` about a real container.

use crate::support::{Launch, Outcome, lab, need};
use crate::walk::RUNTIME;

/// Its names take the place of the command, without `--`.
fn explain(names: &[&str]) -> Result<Outcome, String> {
    let runtime = lab(RUNTIME)?;
    let launch = Launch::verb("explain").runtime(&runtime);
    Ok(names.iter().fold(launch, |launch, name| launch.option(name)).run::<&str>(&[]))
}

#[test]
fn a_library_has_candidates_a_winner_and_a_way() {
    let text = need!(explain(&["libGL.so.1"])).ok();
    for part in [
        "libGL.so.1 for x86_64-linux-gnu\n",
        "found in /etc/ld.so.cache",
        "links ",
        "-> /run/host/",
        "on the host",
        "decided     the graphics provider's, seen at /usr/lib/pressure-vessel/overrides/",
        "* the graphics provider's: /",
        "- the runtime's: /",
    ] {
        assert!(text.contains(part), "no {part} in:\n{text}");
    }
    let needed = need!(explain(&["libdrm.so.2"])).ok();
    assert!(needed.contains("needed by "), "{needed}");
}

#[test]
fn patterns_paths_and_codes_in_one_call() {
    let names = ["libGLX*", "/bin/sh", "/etc/ld.so.cache", "BS0007", "/usr/lib"];
    let text = need!(explain(&names)).ok();
    for part in [
        "libGLX.so.0 for x86_64-linux-gnu\n",
        "libGLX_mesa.so.0 for x86_64-linux-gnu\n",
        "\n/bin/sh\n",
        "is          a file of x86_64-linux-gnu, mode 0755",
        "provided by stack ",
        "found by    /bin -> usr/bin",
        "\n/etc/ld.so.cache\n",
        "content     /ld.so.cache of layer ",
        "## BS0007 ",
        "is          a directory, mode 0755",
    ] {
        assert!(text.contains(part), "no {part} in:\n{text}");
    }
}

#[test]
fn what_is_not_known_is_said() {
    for name in ["libnosuch.so.1", "/no/such/path", "lib?nosuch*"] {
        need!(explain(&[name])).fails(1, "BS0073");
    }
    // What is known of several is printed nevertheless.
    let outcome = need!(explain(&["libnosuch.so.1", "libGL.so.1"]));
    assert_eq!(outcome.status(), 1, "{}", outcome.account());
    assert!(outcome.stdout().contains("libGL.so.1 for"), "{}", outcome.account());
    assert!(outcome.stderr().contains("BS0073"), "{}", outcome.account());
    let outcome = need!(explain(&["BS9999"]));
    assert_eq!(outcome.status(), 2, "{}", outcome.account());
}

/// A code needs no machine that can be planned for.
#[test]
fn codes_need_no_plan() {
    let outcome = Launch::verb("explain").runtime("/nowhere").option("BS0001").run::<&str>(&[]);
    assert!(outcome.ok().starts_with("## BS0001 "));
}
