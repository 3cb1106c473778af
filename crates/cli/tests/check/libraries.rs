//! Libraries that are missing, too old, or cannot be preloaded.

use crate::broken::{LIB, Small, nothing_found, warned};
use crate::support::{Launch, host_name, lab, need};
use plan::Tuple;
use testkit::ElfBuilder;

#[test]
fn a_library_that_the_command_needs_is_missing() {
    let small = need!(Small::new()).without(&format!("{LIB}/libpcre2-8.so.0"));
    let outcome = small.launch().run(&["ls", "/"]);
    let line = warned(&outcome, "BS0028");
    assert!(line.contains("libpcre2-8.so.0"), "{line}");
    // The dynamic linker says the same, and `true` does not need it.
    assert_eq!(outcome.status(), 127, "{}", outcome.account());
    assert!(outcome.stderr().contains("libpcre2-8.so.0: cannot open"), "{}", outcome.account());
    let outcome = small.launch().run(&["true"]);
    outcome.ok();
    nothing_found(&outcome);
}

/// A library elsewhere is found as the dynamic linker finds it.
#[test]
fn a_library_that_is_found_elsewhere() {
    let small = need!(Small::new());
    let from = small.path().join(LIB).join("libpcre2-8.so.0");
    let launch = small.launch();
    let at = launch.home().join("libpcre2-8.so.0");
    std::fs::copy(&from, at).unwrap();
    std::fs::remove_file(from).unwrap();
    let directory = launch.home().to_string_lossy().into_owned();
    let outcome = launch.pair("--env", format!("LD_LIBRARY_PATH={directory}")).run(&["ls", "/"]);
    outcome.ok();
    nothing_found(&outcome);
}

/// The host's `ls`, where the host is newer than the demo runtime, needs a newer C library.
#[test]
fn a_library_that_is_too_old() {
    let runtime = need!(lab("runtime-bullseye"));
    let launch = || Launch::new().runtime(&runtime).pair("--graphics-provider", "");
    let outcome = launch().run(&["/run/host/bin/ls", "/"]);
    if host_name().is_some_and(|name| name.contains("bullseye")) {
        outcome.ok();
        nothing_found(&outcome);
    } else {
        let line = warned(&outcome, "BS0029");
        assert!(line.contains("GLIBC_2.3"), "{line}");
        assert!(line.contains("GLIBC_2.30 at most"), "{line}");
        assert_eq!(outcome.status(), 1, "{}", outcome.account());
        assert!(outcome.stderr().contains("not found (required by"), "{}", outcome.account());
    }
    // With the host's C library it works, and nothing is found.
    let outcome = Launch::new().runtime(&runtime).run(&["/run/host/bin/ls", "/"]);
    outcome.ok();
    nothing_found(&outcome);
}

#[test]
fn preloaded_modules() {
    let runtime = need!(lab("runtime-bullseye"));
    let launch = Launch::new().runtime(&runtime);
    let module = launch.home().join("none.so");
    let outcome = launch.pair("--ld-preload", &module).run(&["true"]);
    outcome.ok();
    assert!(warned(&outcome, "BS0032").contains("none.so"), "{}", outcome.account());
    assert!(outcome.stderr().contains("cannot be preloaded"), "{}", outcome.account());
    // One for each architecture: the dynamic linker complains of the other one, and that is in order.
    let launch = Launch::new().runtime(&runtime);
    let build = |tuple| ElfBuilder::shared(tuple).build();
    std::fs::write(launch.home().join("m32.so"), build(Tuple::I386)).unwrap();
    let module = launch.home().join("m32.so");
    let outcome =
        launch.pair("--ld-preload", module).pair("--ld-preload", "libm.so.6").run(&["true"]);
    outcome.ok();
    nothing_found(&outcome);
}

/// The C library is not there at all.
#[test]
fn a_runtime_with_a_hole() {
    let small = need!(Small::new()).without(&format!("{LIB}/libm.so.6"));
    let outcome = small.launch().run(&["true"]);
    outcome.ok();
    let line = warned(&outcome, "BS0035");
    assert!(line.contains("libm.so.6") && line.contains("x86_64-linux-gnu"), "{line}");
}
