//! What options say of the command's environment.

use super::Variables;
use inspect::root::matches;
use plan::ByteString;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::Read;
use std::os::fd::RawFd;
use std::os::unix::ffi::OsStrExt;

/// Changes to an environment: what the last option that names a variable says of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Changes(BTreeMap<ByteString, Option<ByteString>>);

/// Why `NAME=VALUE` is none.
pub(super) const NO_VARIABLE: &str = "that is not NAME=VALUE";

impl Changes {
    /// `NAME=VALUE`.
    ///
    /// # Errors
    /// When there is no `=`, or nothing before it.
    pub(super) fn set(&mut self, text: &[u8]) -> Result<(), &'static str> {
        match text.iter().position(|b| *b == b'=') {
            None | Some(0) => Err(NO_VARIABLE),
            Some(at) => {
                let value = ByteString(text[at + 1..].to_vec());
                self.0.insert(ByteString(text[..at].to_vec()), Some(value));
                Ok(())
            }
        }
    }

    /// All that a descriptor gives, each ended by a NUL byte; the last need not be.
    ///
    /// # Errors
    /// When reading fails, or something in it is no variable.
    pub(super) fn read(&mut self, number: RawFd) -> Result<(), String> {
        let copy = sandbox::descriptor::copy(number).map_err(|failure| failure.to_string())?;
        let mut bytes = Vec::new();
        let mut file = std::fs::File::from(copy);
        file.read_to_end(&mut bytes).map_err(|error| error.to_string())?;
        let pieces = bytes.split(|b| *b == 0).filter(|piece| !piece.is_empty());
        for piece in pieces {
            self.set(piece)?;
        }
        Ok(())
    }

    /// It is not to be there.
    pub(super) fn unset(&mut self, name: &OsStr) {
        self.0.insert(name.into(), None);
    }

    /// Nothing was said of it.
    pub(super) fn inherit(&mut self, name: &OsStr) {
        self.0.remove(&ByteString::from(name));
    }

    /// Nothing was said of all whose names match.
    pub(super) fn inherit_matching(&mut self, pattern: &OsStr) {
        self.0.retain(|name, _| !matches(pattern.as_bytes(), name.as_bytes()));
    }

    /// The environment changed.
    pub(crate) fn apply(&self, variables: &mut Variables) {
        for (name, value) in &self.0 {
            match value {
                Some(value) => variables.set(name.clone(), value.clone()),
                None => variables.unset(name),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_counts() {
        let mut changes = Changes::default();
        for text in ["A=1", "A=2=3", "B=", "FIRST=x", "FIND=x", "LAST=x"] {
            changes.set(text.as_bytes()).unwrap();
        }
        changes.unset(OsStr::new("GONE"));
        changes.inherit(OsStr::new("B"));
        changes.inherit_matching(OsStr::new("FI*"));
        let mut variables = Variables::of(&[
            ("GONE".into(), "1".into()),
            ("B".into(), "inherited".into()),
            ("FIRST".into(), "inherited".into()),
        ]);
        changes.apply(&mut variables);
        let shown: Vec<_> = variables.list().iter().map(|(n, v)| format!("{n}={v}")).collect();
        assert_eq!(shown, ["B=inherited", "FIRST=inherited", "A=2=3", "LAST=x"]);
    }

    #[test]
    fn what_is_no_variable_is_refused() {
        for text in ["", "A", "=", "=x"] {
            assert!(Changes::default().set(text.as_bytes()).is_err(), "{text}");
        }
    }
}
