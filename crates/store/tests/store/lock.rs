use crate::fixture::*;
use crate::holder::{CALLS, hold};
use store::lock::{self, Error, Kind, Missing};
use store::runtimes::is_used;

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

/// Where the kernel knows no locks of open file descriptions, they are the process's, and all exclude each other.
#[test]
fn without_locks_of_descriptions() {
    // Only this thread and its children have the filter.
    let older = std::thread::spawn(|| {
        testkit::inject::fail("ofd-locks=EINVAL").unwrap();
        let tmp = tempfile::tempdir().unwrap();
        let path = host(&tmp.path().join(".ref"));
        let held = lock::exclusive(&path, Missing::Create).unwrap();
        assert!(hold(path.as_path(), "F_SETLK", false).is_none());
        drop(held);
        let held = lock::waiting(&path, Kind::Shared, Missing::Fail).unwrap();
        assert!(hold(path.as_path(), "F_SETLK", true).is_none());
        drop(held);
        let other = hold(path.as_path(), "F_SETLK", false).expect("nobody has it");
        assert_eq!(lock::shared(&path, Missing::Fail).map(drop), Ok(()));
        assert_eq!(
            lock::exclusive(&path, Missing::Fail).unwrap_err(),
            Error::Busy { path: path.clone() }
        );
        assert!(is_used(&host(tmp.path())));
        drop(other);
        assert!(!is_used(&host(tmp.path())));
        (lock::shared(&path, Missing::Fail).unwrap(), path, tmp)
    });
    let (held, path, _tmp) = older.join().unwrap();
    // What the kernel has is a lock of this process, and others that know both kinds respect it.
    for call in CALLS {
        assert!(hold(path.as_path(), call, true).is_none(), "{call}");
        assert!(hold(path.as_path(), call, false).is_some(), "{call}");
    }
    let inode = format!(":{} ", rustix::fs::fstat(&held).unwrap().st_ino);
    let locks = std::fs::read_to_string("/proc/locks").unwrap();
    let ours: Vec<&str> = locks.lines().filter(|line| line.contains(&inode)).collect();
    assert!(ours.len() == 1 && ours[0].contains("POSIX"), "{ours:?}");
}
