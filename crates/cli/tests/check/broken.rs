//! Small runtimes, made of files of the demo runtime, that lack something.

use crate::support::{Launch, Outcome, lab};
use inspect::root::Root;
use plan::{HostPath, RootPath};
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

/// Where the demo runtime has its 64-bit libraries.
pub(crate) const LIB: &str = "usr/lib/x86_64-linux-gnu";

/// What `sh`, `env`, `true` and `ls` need, by the names that they ask for.
const LIBRARIES: &[&str] = &[
    "libc.so.6",
    "libdl.so.2",
    "libm.so.6",
    "libpcre2-8.so.0",
    "libpthread.so.0",
    "libselinux.so.1",
];

const PROGRAMS: &[&str] = &["env", "ls", "sh", "true"];

/// The dynamic linker.
pub(crate) const LOADER: &str = "usr/lib64/ld-linux-x86-64.so.2";

/// A merged runtime in which `sh`, `env`, `ls` and `true` work.
pub(crate) struct Small {
    from: PathBuf,
    directory: tempfile::TempDir,
}

impl Small {
    /// Made of hard links where the laboratory's file system can be written, else of copies.
    pub(crate) fn new() -> Result<Self, String> {
        let from = lab("runtime-bullseye")?;
        let near = lab(".stores").and_then(|dir| {
            let made = tempfile::Builder::new().prefix("small-").tempdir_in(dir);
            made.map_err(|error| error.to_string())
        });
        let directory = near.or_else(|_| tempfile::tempdir()).map_err(|e| e.to_string())?;
        let small = Self { from, directory };
        for name in PROGRAMS {
            small.take(&format!("usr/bin/{name}"));
        }
        for name in LIBRARIES {
            small.take(&format!("{LIB}/{name}"));
        }
        small.take(LOADER);
        fs::create_dir_all(small.path().join("etc")).map_err(|e| e.to_string())?;
        for name in ["bin", "lib", "lib64"] {
            symlink(format!("usr/{name}"), small.path().join(name)).map_err(|e| e.to_string())?;
        }
        Ok(small)
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Takes a file of the demo runtime, under the name by which it is asked for.
    pub(crate) fn take(&self, path: &str) {
        let root = Root::open(HostPath::new(&self.from).expect("absolute")).expect("a runtime");
        let found = root.resolve(&RootPath::literal(&format!("/{path}"))).expect(path);
        let source = found.host.as_path();
        self.place(path, |to| {
            fs::hard_link(source, to).or_else(|_| fs::copy(source, to).map(drop))
        });
    }

    /// Puts a program of these bytes at a place.
    pub(crate) fn put(&self, path: &str, content: &[u8]) {
        self.place(path, |to| {
            fs::write(to, content)?;
            fs::set_permissions(to, Permissions::from_mode(0o755))
        });
    }

    fn place(&self, path: &str, make: impl FnOnce(&Path) -> std::io::Result<()>) {
        let to = self.path().join(path);
        fs::create_dir_all(to.parent().expect("below the runtime")).unwrap();
        // Never through a hard link into the laboratory.
        let _ = fs::remove_file(&to);
        make(&to).expect(path);
    }

    pub(crate) fn without(self, path: &str) -> Self {
        fs::remove_file(self.path().join(path)).expect(path);
        self
    }

    /// A launch in it, with its own drivers, of which it has none.
    pub(crate) fn launch(&self) -> Launch {
        Launch::new()
            .runtime(self.path())
            .pair("--graphics-provider", "")
            .pair("--architectures", "x86_64-linux-gnu")
    }
}

/// Makes a program in the home of a launch; its path.
pub(crate) fn program(launch: &Launch, name: &str, content: &[u8]) -> PathBuf {
    let path = launch.home().join(name);
    fs::write(&path, content).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    path
}

/// The lines of a warning with this code: exactly one, with a hint.
#[track_caller]
pub(crate) fn warned(outcome: &Outcome, code: &str) -> String {
    let stderr = outcome.stderr();
    let lines: Vec<&str> = stderr.lines().filter(|l| l.contains(code)).collect();
    assert_eq!(lines.len(), 1, "not one line about {code}: {}", outcome.account());
    assert!(lines[0].contains("warning: "), "{}", outcome.account());
    assert!(lines[0].contains("hint: "), "no hint: {}", outcome.account());
    lines[0].to_owned()
}

/// No finding of the checks (BS0023 to BS0039, 7 and 8 among them).
#[track_caller]
pub(crate) fn nothing_found(outcome: &Outcome) {
    let stderr = outcome.stderr();
    for code in ["BS0007", "BS0008", "BS002", "BS003"] {
        let others = ["BS0020", "BS0021", "BS0022"];
        let found = stderr
            .lines()
            .filter(|line| line.contains(code) && !others.iter().any(|other| line.contains(other)));
        assert_eq!(found.count(), 0, "{}", outcome.account());
    }
}
