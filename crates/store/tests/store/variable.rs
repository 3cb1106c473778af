//! The variable directory, shared with other tools.

use crate::fixture::*;
use crate::holder::{CALLS, hold};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use store::runtimes::Variable;

fn variable(tmp: &tempfile::TempDir) -> Variable {
    Variable::open(&host(&tmp.path().join("deep/var"))).unwrap()
}

fn copy(variable: &Variable, name: &str) -> std::path::PathBuf {
    let path = variable.path().as_path().join(name);
    fs::create_dir_all(path.join("usr")).unwrap();
    fs::write(path.join("usr/.ref"), "").unwrap();
    symlink("usr/.ref", path.join(".ref")).unwrap();
    path
}

fn names(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(path).unwrap();
    let mut names: Vec<String> =
        entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn what_is_collected() {
    let tmp = tempfile::tempdir().unwrap();
    let variable = variable(&tmp);
    let var = variable.path().as_path().to_owned();
    let mut holders = vec![];
    for call in CALLS {
        let used = copy(&variable, &format!("tmp-{call}"));
        // By the link, as a program in the container finds it, and by the file.
        holders.push(hold(&used.join(".ref"), call, false).unwrap());
    }
    fs::write(copy(&variable, "tmp-kept").join("keep"), "").unwrap();
    symlink("nowhere", copy(&variable, "tmp-kept-too").join("keep")).unwrap();
    copy(&variable, "tmp-unused");
    fs::create_dir(var.join("tmp-bare")).unwrap();
    fs::create_dir(var.join("tmp-killed")).unwrap();
    symlink("usr/.ref", var.join("tmp-killed/.ref")).unwrap();
    copy(&variable, "deploy-1");
    copy(&variable, "other");
    symlink("other", var.join("tmp-link")).unwrap();
    fs::write(var.join("tmp-file"), "").unwrap();

    let swept = variable.collect().unwrap().unwrap();
    let mut removed: Vec<_> =
        swept.removed.iter().map(|p| p.file_name().unwrap().to_str().unwrap()).collect();
    removed.sort();
    assert_eq!(removed, ["tmp-bare", "tmp-killed", "tmp-unused"]);
    assert_eq!((swept.in_use, swept.kept), (2, 2));
    let left = [
        ".ref",
        "deploy-1",
        "other",
        "tmp-F_OFD_SETLK",
        "tmp-F_SETLK",
        "tmp-file",
        "tmp-kept",
        "tmp-kept-too",
        "tmp-link",
    ];
    assert_eq!(names(&var), left);
    drop(holders);
    assert_eq!(variable.collect().unwrap().unwrap().removed.len(), 2);
}

#[test]
fn nothing_is_collected_while_another_tool_sets_up() {
    let tmp = tempfile::tempdir().unwrap();
    let variable = variable(&tmp);
    copy(&variable, "tmp-new");
    let lock = variable.path().as_path().join(".ref");
    for call in CALLS {
        let setting_up = hold(&lock, call, false).unwrap();
        assert_eq!(variable.collect().unwrap(), None, "{call}");
        drop(setting_up);
    }
    assert_eq!(names(variable.path().as_path()), [".ref", "tmp-new"]);
    assert_eq!(variable.collect().unwrap().unwrap().removed.len(), 1);
}

#[test]
fn a_file_in_its_place() {
    let tmp = tempfile::tempdir().unwrap();
    let path = tmp.path().join("file");
    fs::write(&path, "").unwrap();
    let error = Variable::open(&host(&path)).unwrap_err();
    assert_eq!(error.problem().code, plan::Code::COPY_IMPOSSIBLE);
    assert!(error.problem().hint.is_some());
}
