//! The memory of earlier launches, kept in the store.

use crate::session::Session;
use compose::Memory;
use plan::RootPath;
use sandbox::{Bwrap, Features};
use store::{Key, Store};

/// What this program has decided before. Another build of it may decide otherwise, so its identity is
/// part of every key.
pub(crate) struct StoreMemory<'a> {
    store: &'a Store,
    program: String,
}

impl<'a> StoreMemory<'a> {
    pub(crate) fn new(store: &'a Store) -> Self {
        let program = crate::warm::program();
        Self { store, program }
    }

    /// The bwrap that this session leads to, with what it can do. It is asked once: afterwards its inode,
    /// size and times tell that it is the same.
    pub(crate) fn bwrap(&self, session: &Session) -> Option<Bwrap> {
        let mut options = session.edge.options(session.backend);
        let path = Bwrap::path(&options).ok()?;
        // Whoever records sees where it was looked for.
        for directory in session.edge.search_path() {
            if let Ok(directory) = RootPath::new(directory) {
                let _ = session.facts.host.find(&directory.at("bwrap"));
            }
        }
        let found = session.facts.host.find(&RootPath::new(&path).ok()?)?;
        let id = found.identity;
        let text = format!("{found:?} {} {} {} {}", id.inode, id.size, id.modified, id.changed);
        let key = Key::of("bwrap", &[self.program.as_bytes(), text.as_bytes()]);
        let known = self.store.memo_get(&key).ok().flatten();
        if let Some([bits]) = known.as_deref() {
            return Some(Bwrap { path, features: Features::from_bits(*bits) });
        }
        options.known_bwrap = None;
        let bwrap = Bwrap::find(&options).ok()?;
        if let Err(error) = self.store.memo_put(&key, &[bwrap.features.to_bits()]) {
            log::info!("what bwrap can do is not remembered: {error}");
        }
        Some(bwrap)
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
