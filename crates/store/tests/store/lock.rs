use crate::fixture::*;
use store::lock::{self, Error, Missing};

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
