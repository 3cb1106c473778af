//! Images mounted for a launch, as an ordinary user: used, let go, and what prevents it.

mod common;

use common::{Ran, as_user, open_to_all, stage, tree};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const PATH: &str = "/usr/bin:/bin:/usr/sbin:/sbin";

/// An image and a place to mount it.
struct Case {
    directory: tempfile::TempDir,
}

impl Case {
    fn new() -> Self {
        let case = Self { directory: open_to_all(tempfile::tempdir().unwrap()) };
        let content = tree("usr/lib/file = in the image\nlib -> usr/lib");
        let made = Command::new("mksquashfs")
            .args([content.path(), &case.image()])
            .args(["-quiet", "-no-progress", "-all-root"])
            .output()
            .expect("mksquashfs is needed: cargo xtask setup");
        assert!(made.status.success(), "{made:?}");
        case
    }

    fn image(&self) -> PathBuf {
        self.directory.path().join("image.sqsh")
    }

    fn command(&self, path: &str, script: &str) -> Command {
        self.command_for("squashfs", path, script)
    }

    fn command_for(&self, format: &str, path: &str, script: &str) -> Command {
        let mut command = as_user(stage());
        command.args(["image", format]).arg(self.image()).arg(self.directory.path());
        command.args([path, script]).stdin(Stdio::null());
        command
    }

    fn run(&self, script: &str) -> Ran {
        Ran::of(self.command(PATH, script).output().unwrap())
    }

    /// Directories made for mounts that are still there.
    fn left(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.directory.path()).unwrap();
        let names = entries.map(|e| e.unwrap().file_name().into_string().unwrap());
        names.filter(|name| !name.ends_with(".sqsh")).collect()
    }

    /// Waits until nothing serves the image any more.
    fn until_unserved(&self) {
        while serving(&self.image()) {
            std::thread::yield_now();
        }
    }
}

/// Whether a process has this path among its arguments and is a server of images.
fn serving(image: &Path) -> bool {
    let image = image.to_str().unwrap();
    std::fs::read_dir("/proc").unwrap().flatten().any(|entry| {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).into_owned();
        line.contains("squashfuse") && line.contains(image)
    })
}

#[test]
fn an_image_is_there_for_a_launch_and_gone_after_it() {
    let case = Case::new();
    let ran = case.run("cat $AT/lib/file; stat -c %a $(dirname $AT)/. >/dev/null; exit 3");
    assert_eq!((ran.status, ran.out.as_str()), (3, "in the image"), "{ran:?}");
    assert_eq!(case.left(), [""; 0]);
    case.until_unserved();
}

#[test]
fn launches_of_one_image_do_not_disturb_each_other() {
    let case = Case::new();
    let mut first = case
        .command(PATH, "echo ready; read line; cat $AT/lib/file")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(first.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    assert_eq!(case.run("cat $AT/lib/file").ok(), "in the image");
    assert_eq!(case.left().len(), 1);
    drop(first.stdin.take());
    assert!(first.wait().unwrap().success());
    line.clear();
    out.read_line(&mut line).unwrap();
    assert_eq!(line, "in the image");
    assert_eq!(case.left(), [""; 0]);
    case.until_unserved();
}

#[test]
fn a_launcher_that_is_killed_leaves_nothing() {
    let case = Case::new();
    let mut launcher = case
        .command(PATH, "echo ready; exec cat")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(launcher.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    assert!(serving(&case.image()));
    launcher.kill().unwrap();
    launcher.wait().unwrap();
    case.until_unserved();
    while !case.left().is_empty() {
        std::thread::yield_now();
    }
}

#[test]
fn what_prevents_mounting_is_said() {
    let case = Case::new();
    let whole = std::fs::read(case.image()).unwrap();
    let empty = tempfile::tempdir().unwrap();
    let some = tree("");
    std::os::unix::fs::symlink("/usr/bin/squashfuse", some.path().join("squashfuse")).unwrap();
    let helpless = tree("squashfuse 0755 = #!/bin/false\nfusermount3 0755 = #!/bin/false");
    for (path, bytes, code, part) in [
        (helpless.path(), &whole[..], "BS0062", "fusermount3` is not set-uid root"),
        (helpless.path(), &whole, "BS0062", "hint: let it do its work"),
        (empty.path(), &whole[..], "BS0062", "there is no squashfuse"),
        (empty.path(), &whole, "BS0062", "install the package `squashfuse`"),
        (some.path(), &whole, "BS0062", "install the package `fuse3`"),
        (Path::new("/usr/bin"), &whole[..200], "BS0063", "squashfuse ended with status"),
        (Path::new("/usr/bin"), &b"text"[..], "BS0063", "fetch the image again"),
    ] {
        std::fs::write(case.image(), bytes).unwrap();
        let ran = Ran::of(case.command(path.to_str().unwrap(), "echo ran").output().unwrap());
        assert_eq!((ran.status, ran.out.as_str()), (125, ""), "{ran:?}");
        assert!(ran.err.contains(code) && ran.err.contains(part), "{code} {part}\n{}", ran.err);
        assert_eq!(case.left(), [""; 0], "{code} {part}");
        case.until_unserved();
    }
}

/// Debian 12 has no erofsfuse: another program of the same command line stands in for it.
#[test]
fn the_format_decides_on_the_program() {
    let case = Case::new();
    let ran = Ran::of(case.command_for("erofs", "/nowhere", "echo ran").output().unwrap());
    assert_eq!((ran.status, ran.out.as_str()), (125, ""), "{ran:?}");
    for part in ["BS0062", "there is no erofsfuse", "no /nowhere/erofsfuse", "package `erofsfuse`"]
    {
        assert!(ran.err.contains(part), "{part}\n{}", ran.err);
    }
    let programs = tree("");
    for (name, program) in [("erofsfuse", "squashfuse"), ("fusermount3", "fusermount3")] {
        let program = Path::new("/usr/bin").join(program);
        std::os::unix::fs::symlink(program, programs.path().join(name)).unwrap();
    }
    let path = programs.path().to_str().unwrap();
    let ran = Ran::of(case.command_for("erofs", path, "cat $AT/lib/file").output().unwrap());
    assert_eq!(ran.ok(), "in the image");
    case.until_unserved();
}
