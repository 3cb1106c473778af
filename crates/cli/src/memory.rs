//! The memory of earlier launches, kept in the store.

use compose::Memory;
use rustix::fs::{AtFlags, CWD, StatxFlags};
use store::{Key, Store};

/// What this program has decided before. Another build of it may decide otherwise, so its identity is
/// part of every key.
pub(crate) struct StoreMemory<'a> {
    store: &'a Store,
    program: String,
}

impl<'a> StoreMemory<'a> {
    pub(crate) fn new(store: &'a Store) -> Self {
        let version = env!("CARGO_PKG_VERSION");
        let own =
            rustix::fs::statx(CWD, "/proc/self/exe", AtFlags::empty(), StatxFlags::BASIC_STATS);
        let program = match own {
            Ok(s) => format!(
                "{version} {} {} {}.{}",
                s.stx_ino, s.stx_size, s.stx_mtime.tv_sec, s.stx_mtime.tv_nsec
            ),
            Err(_) => version.into(),
        };
        Self { store, program }
    }

    fn key(&self, question: &[u8]) -> Key {
        Key::of("captured", &[self.program.as_bytes(), question])
    }
}

impl Memory for StoreMemory<'_> {
    fn recall(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.store.memo_get(&self.key(key)).unwrap_or_else(|error| {
            log::info!("what was decided before cannot be read: {error}");
            None
        })
    }

    fn keep(&self, key: &[u8], value: &[u8]) {
        if let Err(error) = self.store.memo_put(&self.key(key), value) {
            log::info!("what was decided is not remembered: {error}");
        }
    }
}
