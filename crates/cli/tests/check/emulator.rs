//! The emulator itself cannot start.

use crate::support::Launch;
use plan::Tuple;
use std::fs;
use std::path::Path;
use testkit::{ElfBuilder, TreeBuilder};

/// A runtime for 64-bit ARM as far as it is looked at, and a game for it.
fn runtime() -> TreeBuilder {
    let tuple = Tuple::Aarch64;
    let program = ElfBuilder::program(tuple).needed("libc.so.6").build();
    let mut tree =
        TreeBuilder::new().unwrap().table("usr/lib/\netc/\nbin -> usr/bin\nlib -> usr/lib");
    for name in ["sh", "env", "game"] {
        tree = tree.and_then(|t| t.program(format!("usr/bin/{name}"), &program));
    }
    for name in ["libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0"] {
        let library = ElfBuilder::shared(tuple).soname(name).build();
        tree = tree.and_then(|t| t.file(format!("usr/lib/aarch64-linux-gnu/{name}"), &library));
    }
    let loader = ElfBuilder::shared(tuple).soname("ld-linux-aarch64.so.1").build();
    tree.and_then(|t| t.program("usr/lib/ld-linux-aarch64.so.1", &loader)).unwrap()
}

fn emulator(home: &Path, program: &[u8]) {
    let path = home.join("emulator");
    fs::write(&path, program).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&path, mode).unwrap();
    let manifest = r#"{"emulator_v0": {"argv": ["./emulator"],
        "emulated_architectures": ["aarch64-linux-gnu"]}}"#;
    fs::write(home.join("emulator.json"), manifest).unwrap();
}

/// The program that the existing tool ends with: the emulator is there, its interpreter is not, and the
/// kernel says "No such file or directory" of the emulator.
#[test]
fn an_emulator_without_its_interpreter() {
    let runtime = runtime();
    for (option, code) in [("--verbose", "BS0036"), ("--no-check", "BS0008")] {
        let launch = Launch::new().runtime(runtime.path()).option(option);
        let broken = ElfBuilder::program(Tuple::X86_64).interpreter("/lib64/ld-gone.so.9").build();
        emulator(launch.home(), &broken);
        let manifest = launch.home().join("emulator.json");
        let outcome = launch
            .pair("--emulator", manifest)
            .pair("--architectures", "aarch64-linux-gnu")
            .pair("--graphics-provider", "")
            .run(&["game"]);
        outcome.fails(126, code);
        assert!(outcome.stderr().contains("/lib64/ld-gone.so.9"), "{}", outcome.account());
    }
}
