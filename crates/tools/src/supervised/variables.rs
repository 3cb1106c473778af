//! The environment of a command that is to be started.

use plan::ByteString;
use std::ffi::OsString;

/// Variables with their values, each once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Variables(Vec<(ByteString, ByteString)>);

impl Variables {
    /// Those of a process.
    pub(crate) fn of(environment: &[(OsString, OsString)]) -> Self {
        let bytes = |text: &OsString| ByteString::from(text.as_os_str());
        Self(environment.iter().map(|(name, value)| (bytes(name), bytes(value))).collect())
    }

    /// The value of one.
    pub(crate) fn get(&self, name: &str) -> Option<&[u8]> {
        let found = self.0.iter().find(|(known, _)| known.as_bytes() == name.as_bytes());
        found.map(|(_, value)| value.as_bytes())
    }

    /// Sets one.
    pub(crate) fn set(&mut self, name: impl Into<ByteString>, value: impl Into<ByteString>) {
        let (name, value) = (name.into(), value.into());
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some(entry) => entry.1 = value,
            None => self.0.push((name, value)),
        }
    }

    /// Takes one away.
    pub(crate) fn unset(&mut self, name: &ByteString) {
        self.0.retain(|(known, _)| known != name);
    }

    /// All of them.
    pub(crate) fn list(&self) -> &[(ByteString, ByteString)] {
        &self.0
    }

    /// All of them.
    pub(crate) fn into_list(self) -> Vec<(ByteString, ByteString)> {
        self.0
    }
}
