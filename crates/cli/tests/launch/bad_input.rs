//! Bad input gets a code, a cause and a hint, and leaves nothing behind.

use crate::support::{BACKENDS, Launch, lab, need, path_of, sh};
use std::os::unix::fs::PermissionsExt;

#[test]
fn a_runtime_that_does_not_exist() {
    Launch::new().runtime("/does/not/exist").run(&["true"]).fails(125, "BS0001");
    Launch::new().runtime("no-such-name").run(&["true"]).fails(125, "BS0001");
}

#[test]
fn a_runtime_that_is_half_unpacked() {
    let home = tempfile::tempdir().unwrap();
    let runtime = home.path().join("runtime");
    std::fs::create_dir_all(runtime.join("files/lib")).unwrap();
    Launch::new().runtime(&runtime).run(&["true"]).fails(125, "BS000");
    let empty = home.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    Launch::new().runtime(&empty).run(&["true"]).fails(125, "BS000");
}

#[test]
fn a_depot_with_a_broken_manifest() {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join("files")).unwrap();
    std::fs::write(home.path().join("usr-mtree.txt"), "#mtree\n./x type=nonsense\n").unwrap();
    Launch::new().runtime(home.path()).run(&["true"]).fails(125, "BS0017");
}

#[test]
fn an_architecture_that_the_runtime_lacks() {
    let runtime = need!(lab("runtime-bullseye"));
    let launch = |list| Launch::new().runtime(&runtime).pair("--architectures", list);
    launch("aarch64-linux-gnu").run(&["/usr/bin/true"]).fails(125, "BS0003");
    launch("riscv64-linux-gnu").run(&["/usr/bin/true"]).fails(2, "BS0020");
    // Left out in one line; the launch goes on.
    let outcome = launch("x86_64-linux-gnu:aarch64-linux-gnu").run(&["/usr/bin/true"]);
    outcome.ok();
    let lines = outcome.stderr();
    let about: Vec<&str> = lines.lines().filter(|l| l.contains("BS0005")).collect();
    assert_eq!(about.len(), 1, "{}", outcome.account());
    assert!(about[0].contains("aarch64-linux-gnu"), "{}", outcome.account());
}

#[test]
fn commands_that_cannot_be_started() {
    let runtime = need!(lab("runtime-bullseye"));
    for backend in BACKENDS {
        let launch = || Launch::new().runtime(&runtime).backend(backend);
        launch().run(&["no-such-command"]).fails(127, "BS0007");
        launch().run(&["/no/such/command"]).fails(127, "BS0007");
        launch().run(&["/usr/share"]).fails(126, "BS0008");
        launch().run(&["/etc/os-release"]).fails(126, "BS0008");
    }
}

/// A file that exists and whose interpreter does not: the message names the interpreter.
#[test]
fn a_script_whose_interpreter_is_missing() {
    let runtime = need!(lab("runtime-bullseye"));
    for backend in BACKENDS {
        let launch = Launch::new().runtime(&runtime).backend(backend);
        let script = launch.home().join("script");
        std::fs::write(&script, "#!/no/such/interpreter\n").unwrap();
        std::fs::set_permissions(&script, PermissionsExt::from_mode(0o755)).unwrap();
        let outcome = launch.run(&[&script]);
        assert!([126, 127].contains(&outcome.status()), "{}", outcome.account());
        assert!(outcome.stderr().contains("/no/such/interpreter"), "{}", outcome.account());
    }
}

/// Paths with any byte but NUL work as working directory, shared path and argument.
#[test]
fn odd_paths() {
    let runtime = need!(lab("runtime-bullseye"));
    for backend in BACKENDS {
        for name in [
            &b"with space"[..],
            b"new\nline",
            b"not \xff utf-8",
            b"co:lon",
            b"back\\slash",
            b"comma,equals=",
            b"\"quo'tes$HOME",
        ] {
            let outside = tempfile::Builder::new().prefix("odd").tempdir_in("/var/tmp").unwrap();
            let directory = outside.path().join(path_of(name));
            std::fs::create_dir(&directory).unwrap();
            std::fs::write(directory.join("file"), "content\n").unwrap();
            let outcome = Launch::new()
                .runtime(&runtime)
                .backend(backend)
                .pair("--filesystem", &directory)
                .in_directory(&directory)
                .run(&sh("cat file && cat \"$PWD/file\" && touch new"));
            assert_eq!(outcome.ok(), "content\ncontent\n", "{backend} {}", name.escape_ascii());
            assert!(directory.join("new").exists(), "{backend} {}", name.escape_ascii());
        }
    }
}

/// A runtime below a directory with every awkward byte.
#[test]
fn a_runtime_with_an_odd_path() {
    let runtime = need!(lab("runtime-bullseye"));
    let home = tempfile::tempdir().unwrap();
    let odd = home.path().join(path_of(b"a b:c\\d,e\n\xff"));
    std::os::unix::fs::symlink(&runtime, &odd).unwrap();
    for backend in BACKENDS {
        for stacking in ["auto", "tree"] {
            let launch = Launch::new().runtime(&odd).backend(backend).pair("--stacking", stacking);
            launch.run(&["/usr/bin/true"]).ok();
        }
    }
}

#[test]
fn wrong_usage() {
    for options in [&["--backend=nonsense"][..], &["--home=/a", "--transient-home"], &["--env==x"]]
    {
        let mut launch = Launch::new().runtime("host");
        for option in options {
            launch = launch.option(option);
        }
        let outcome = launch.run(&["true"]);
        assert_eq!(outcome.status(), 2, "{}", outcome.account());
    }
}
