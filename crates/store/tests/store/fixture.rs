//! Building descriptions and directories, and looking at results.

use plan::{ByteString, HostPath, LayerEntry, LayerSpec, RootPath};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use store::Store;

pub(crate) struct Place {
    pub(crate) tmp: tempfile::TempDir,
    pub(crate) store: Store,
}

pub(crate) fn place() -> Place {
    let tmp = tempfile::tempdir().unwrap();
    let store = Store::open(&host(&tmp.path().join("deep/store"))).unwrap();
    Place { tmp, store }
}

pub(crate) fn host(path: &Path) -> HostPath {
    HostPath::new(path).unwrap()
}

pub(crate) fn spec(entries: &[(&[u8], LayerEntry)]) -> LayerSpec {
    let mut spec = LayerSpec::new("test");
    for (path, entry) in entries {
        spec.entries.insert(RootPath::new(OsStr::from_bytes(path)).unwrap(), entry.clone());
    }
    spec
}

pub(crate) fn file(content: &[u8]) -> LayerEntry {
    LayerEntry::file(ByteString(content.to_vec()))
}

pub(crate) fn program(content: &[u8]) -> LayerEntry {
    LayerEntry::File { content: ByteString(content.to_vec()), executable: true, modified: None }
}

pub(crate) fn link(target: &str) -> LayerEntry {
    LayerEntry::Symlink { target: target.into() }
}

pub(crate) fn copy_of(path: &Path, executable: bool, modified: Option<i64>) -> LayerEntry {
    let m = fs::symlink_metadata(path).unwrap();
    let identity = (m.len(), m.mtime() * 1_000_000_000 + m.mtime_nsec(), m.ino());
    LayerEntry::CopyOf { source: host(path), executable, modified, identity }
}

/// Every path below `dir` with what is there: type, mode, content or target. Directories of the name
/// given in `without` are left out.
pub(crate) fn snapshot(dir: &Path) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    walk(dir, dir, &mut out);
    out
}

fn walk(top: &Path, at: &Path, out: &mut BTreeMap<String, String>) {
    let m = fs::symlink_metadata(at).unwrap();
    let mode = m.mode() & 0o7777;
    let what = if m.is_symlink() {
        format!("-> {}", fs::read_link(at).unwrap().to_string_lossy())
    } else if m.is_dir() {
        format!("dir {mode:o}")
    } else if m.file_type().is_char_device() {
        format!("char {}", m.rdev())
    } else if m.is_file() {
        match fs::read(at) {
            Ok(content) => format!("file {mode:o} {}", content.escape_ascii()),
            Err(e) => format!("file {mode:o} {}", e.kind()),
        }
    } else {
        "other".into()
    };
    let name = at.strip_prefix(top).unwrap().as_os_str().as_bytes().escape_ascii().to_string();
    out.insert(name, what);
    if m.is_dir() {
        for entry in fs::read_dir(at).unwrap() {
            walk(top, &entry.unwrap().path(), out);
        }
    }
}

pub(crate) fn expected(rows: &[(&str, &str)]) -> BTreeMap<String, String> {
    rows.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect()
}

/// A tree of the host: `name/` is a directory, `name -> target` a link, `name = content` a file of
/// mode 0644, `name * content` one of mode 0755.
pub(crate) fn make(top: &Path, rows: &[&str]) {
    fs::create_dir_all(top).unwrap();
    for row in rows {
        let put = |name: &str, content: &str, mode| {
            let path = top.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        };
        if let Some(name) = row.strip_suffix('/') {
            fs::create_dir_all(top.join(name)).unwrap();
        } else if let Some((name, target)) = row.split_once(" -> ") {
            std::os::unix::fs::symlink(target, top.join(name)).unwrap();
        } else if let Some((name, content)) = row.split_once(" = ") {
            put(name, content, 0o644);
        } else if let Some((name, content)) = row.split_once(" * ") {
            put(name, content, 0o755);
        } else {
            panic!("{row}");
        }
    }
}

/// What is left in the store's `tmp`.
pub(crate) fn leftovers(store: &Store) -> Vec<String> {
    let Ok(entries) = fs::read_dir(store.path().at("tmp").as_path()) else { return vec![] };
    entries.map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

const DIRECTORY: &str = "BATHYSPHERE_TEST_DIRECTORY";

/// Where [`again`] wants this process to work; `None` when the test was not started by it.
pub(crate) fn directory_of_child() -> Option<std::path::PathBuf> {
    std::env::var_os(DIRECTORY).map(Into::into)
}

/// This test binary once more, with one test, in `directory`; `inside` a new user and mount namespace or
/// not.
pub(crate) fn again(test: &str, directory: &Path, inside: bool) -> Command {
    let exe = std::env::current_exe().unwrap();
    let mut command = if inside {
        let mut unshare = Command::new("unshare");
        unshare.arg("-Urm").arg(exe);
        unshare
    } else {
        Command::new(exe)
    };
    command.args(["--exact", test, "--nocapture"]).env(DIRECTORY, directory);
    command
}

/// Whether mounts can be made here; says so once where not.
pub(crate) fn can_mount() -> bool {
    static ANSWER: OnceLock<bool> = OnceLock::new();
    *ANSWER.get_or_init(|| {
        let tmp = tempfile::tempdir().unwrap();
        let ok = Command::new("unshare")
            .args(["-Urm", "mount", "-t", "tmpfs", "none"])
            .arg(tmp.path())
            .output()
            .is_ok_and(|o| o.status.success());
        if !ok {
            eprintln!("SKIP: no mounts in a user namespace here");
        }
        ok
    })
}

pub(crate) fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
