//! The list of a user's installations, so that they can be shown and undone without being searched for.

use crate::error::{At, Error};
use crate::note::{Kind, is_absence};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// An installation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installed {
    /// What it is.
    pub kind: Kind,
    /// Its directory.
    pub path: PathBuf,
}

/// The list, in a file.
#[derive(Clone, Debug)]
pub struct List {
    file: PathBuf,
    /// What is installed, oldest first.
    pub all: Vec<Installed>,
}

impl List {
    /// Reads the list below the user's directory for state. One that cannot be understood is taken for empty:
    /// the installations have notes of their own.
    ///
    /// # Errors
    /// [`Error::Io`] when it is there and cannot be read.
    pub fn read(state: &Path) -> Result<Self, Error> {
        let file = state.join("bathysphere/installations.json");
        let all = match fs::read(&file) {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_default(),
            Err(error) if is_absence(&error) => vec![],
            Err(error) => return Err(error).at("reading", &file),
        };
        Ok(Self { file, all })
    }

    /// Adds an installation, and writes the list.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn add(&mut self, kind: Kind, path: &Path) -> Result<(), Error> {
        let new = Installed { kind, path: path.into() };
        if self.all.contains(&new) {
            return Ok(());
        }
        self.all.retain(|one| one.path != path);
        self.all.push(new);
        self.write()
    }

    /// Takes an installation off, and writes the list.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn remove(&mut self, path: &Path) -> Result<(), Error> {
        let before = self.all.len();
        self.all.retain(|one| one.path != path);
        if self.all.len() == before { Ok(()) } else { self.write() }
    }

    fn write(&self) -> Result<(), Error> {
        if let Some(parent) = self.file.parent() {
            fs::create_dir_all(parent).at("creating", parent)?;
        }
        let aside = self.file.with_extension("new");
        let bytes = serde_json::to_vec_pretty(&self.all).map_err(io::Error::from);
        bytes.and_then(|bytes| fs::write(&aside, bytes)).at("writing", &aside)?;
        fs::rename(&aside, &self.file).at("writing", &self.file)
    }
}
