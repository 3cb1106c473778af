use crate::fixture::*;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use store::lock::{self, Error, Missing, RuntimeLock};

#[test]
fn shared_and_exclusive() {
    let tmp = tempfile::tempdir().unwrap();
    let path = host(&tmp.path().join("lock"));
    assert!(matches!(lock::shared(&path, Missing::Fail), Err(Error::Io { call: "open", .. })));
    let first = lock::shared(&path, Missing::Create).unwrap();
    let second = lock::shared(&path, Missing::Fail).unwrap();
    assert_eq!(
        lock::exclusive(&path, Missing::Fail).unwrap_err(),
        Error::Busy { path: path.clone() }
    );
    drop(first);
    // A duplicate keeps an OFD lock, unlike a traditional one.
    let duplicate = second.try_clone().unwrap();
    drop(second);
    assert!(matches!(lock::exclusive(&path, Missing::Fail), Err(Error::Busy { .. })));
    drop(duplicate);
    let alone = lock::exclusive(&path, Missing::Fail).unwrap();
    assert!(matches!(lock::shared(&path, Missing::Fail), Err(Error::Busy { .. })));
    drop(alone);
    lock::shared(&path, Missing::Fail).unwrap();
}

#[test]
fn runtimes() {
    let tmp = tempfile::tempdir().unwrap();
    let files = tmp.path().join("files");
    make(&files, &["lib/x = "]);
    let RuntimeLock::Held(held) = lock::runtime(&host(&files)).unwrap() else { panic!() };
    let reference = host(&files.join(".ref"));
    assert!(matches!(lock::exclusive(&reference, Missing::Fail), Err(Error::Busy { .. })));
    drop(held);
    // Being deleted by another tool.
    let deleting = lock::exclusive(&reference, Missing::Fail).unwrap();
    let busy = lock::runtime(&host(&files)).unwrap_err();
    assert_eq!(busy.problem().code, plan::Code::RUNTIME_BUSY);
    drop(deleting);
    // Read-only: the file that is there serves; where there is none, nothing can be locked.
    fs::set_permissions(reference.as_path(), fs::Permissions::from_mode(0o444)).unwrap();
    fs::set_permissions(&files, fs::Permissions::from_mode(0o555)).unwrap();
    assert!(matches!(lock::runtime(&host(&files)).unwrap(), RuntimeLock::Held(_)));
    let none = lock::runtime(&host(std::path::Path::new("/proc/self"))).unwrap();
    assert!(matches!(none, RuntimeLock::Unlocked { .. }), "{none:?}");
    fs::set_permissions(&files, fs::Permissions::from_mode(0o755)).unwrap();
}
