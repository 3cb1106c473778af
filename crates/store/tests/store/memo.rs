use crate::fixture::*;
use std::fs;
use store::{Error, Key, Store};

#[test]
fn put_and_get() {
    let Place { store, tmp: _tmp } = place();
    let key = Key::of("memo", &[b"x"]);
    assert_eq!(store.memo_get(&key).unwrap(), None);
    for bytes in [&b""[..], b"one", &[0xff; 100_000]] {
        store.memo_put(&key, bytes).unwrap();
        assert_eq!(store.memo_get(&key).unwrap().as_deref(), Some(bytes));
    }
    let too_long = store.memo_put(&key, &vec![0; Store::MAX_MEMO + 1]);
    assert!(matches!(too_long, Err(Error::Io { call: "write", .. })));
    assert_eq!(store.memo_get(&key).unwrap().unwrap().len(), 100_000, "the old one stays");
    // As a crash of the machine may leave it.
    let path = store.path().at("memo").at(key.as_str());
    let whole = fs::read(path.as_path()).unwrap();
    for damaged in [&whole[..0], &whole[..20], &whole[..whole.len() - 1], &vec![0; whole.len()]] {
        fs::write(path.as_path(), damaged).unwrap();
        assert_eq!(store.memo_get(&key).unwrap(), None);
    }
    assert_eq!(leftovers(&store), Vec::<String>::new());
}
