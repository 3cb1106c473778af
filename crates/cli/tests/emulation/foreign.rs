//! The program itself, built for the foreign architecture and run by the emulator: it hands over to its
//! native sibling, or says that it cannot work.

use crate::direction::direction;
use crate::support::{need, program};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// An installation with the foreign build at `bin/bathysphere`.
struct Installed {
    directory: tempfile::TempDir,
}

impl Installed {
    fn new() -> Result<Self, String> {
        let emulator = direction().emulator;
        if !Path::new(emulator).exists() {
            return Err(format!("there is no {emulator}"));
        }
        let target = direction().guest.replace("-linux-gnu", "-unknown-linux-musl");
        let builds = std::env::var_os("BATHYSPHERE_BIN_DIR");
        let builds = builds.ok_or("BATHYSPHERE_BIN_DIR is not set (cargo xtask test sets it)")?;
        let build = PathBuf::from(builds).join(target).join("bathysphere");
        if !build.exists() {
            return Err(format!("{} does not exist", build.display()));
        }
        let installed = Self { directory: tempfile::tempdir().map_err(|e| e.to_string())? };
        installed.copy(&build, "bin/bathysphere");
        Ok(installed)
    }

    fn copy(&self, from: &Path, to: &str) {
        let to = self.directory.path().join(to);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(from, to).unwrap();
    }

    /// Where the native build belongs.
    fn sibling() -> String {
        format!("libexec/bathysphere/{}/bathysphere", direction().native)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(direction().emulator);
        command.arg(self.directory.path().join("bin/bathysphere")).args(arguments).env_clear();
        command.env("PATH", "/usr/bin:/bin").env("ONE", "a b").env("HOME", self.directory.path());
        command.env("BATHYSPHERE_STORE", self.directory.path().join("store"));
        command.output().unwrap()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_native_sibling_takes_over() {
    for place in [Installed::sibling(), format!("bin/bathysphere-{}", direction().native)] {
        let installed = need!(Installed::new());
        installed.copy(&program(), &place);
        let ran = installed.run(&["run", "--runtime", "host", "--", "uname", "-m"]);
        let machine = direction().native.replace("-linux-gnu", "\n");
        assert_eq!(text(&ran.stdout), machine, "{place} {ran:?}");
        assert!(ran.status.success(), "{place} {ran:?}");
    }
}

#[test]
fn arguments_and_environment_are_handed_over() {
    for (tool, arguments, want) in [
        ("/usr/bin/printf", &["[%s]", "a b", "", "-x"][..], "[a b][][-x]".to_owned()),
        ("/usr/bin/printenv", &["ONE"], "a b\n".to_owned()),
    ] {
        // Any native program does.
        let installed = need!(Installed::new());
        installed.copy(Path::new(tool), &Installed::sibling());
        let ran = installed.run(arguments);
        assert_eq!(text(&ran.stdout), want, "{ran:?}");
    }
}

#[test]
fn without_one_it_says_so() {
    let installed = need!(Installed::new());
    // What is there is for the wrong machine.
    let own = installed.directory.path().join("bin/bathysphere");
    installed.copy(&own, &Installed::sibling());
    for verb in ["run", "plan", "check"] {
        let ran = installed.run(&[verb, "--runtime", "host", "--", "true"]);
        let said = text(&ran.stderr);
        assert_eq!(ran.status.code(), Some(125), "{verb} {ran:?}");
        for part in ["BS0060", direction().guest, direction().native, "hint: ", "libexec"] {
            assert!(said.contains(part), "{verb}: {part}\n{said}");
        }
    }
    let explained = installed.run(&["explain", "BS0060"]);
    assert!(text(&explained.stdout).contains("another architecture"), "{explained:?}");
}
