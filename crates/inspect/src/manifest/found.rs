//! What became of one manifest.

use super::{Place, Reason};
use crate::root::Identity;
use plan::RootPath;

/// One manifest that the loader would look at, used or not.
#[derive(Clone, Debug)]
pub struct Found<T> {
    /// Where it is, as found: links are not resolved.
    pub file: RootPath,
    /// Whose `/` that path starts from, and paths inside the manifest too.
    pub place: Place,
    /// The search rule that led to it, such as `$XDG_DATA_DIRS` or `/etc`.
    pub origin: String,
    /// What came of reading it.
    pub verdict: Verdict<T>,
    /// Parts of it that are left out although the rest is used.
    pub notes: Vec<Reason>,
    /// Its content; empty where it could not be read.
    pub bytes: Vec<u8>,
    /// Which file it is; `None` where it could not be found.
    pub identity: Option<Identity>,
}

impl<T> Found<T> {
    /// What it says, where it can be used.
    pub fn loaded(&self) -> Option<&T> {
        match &self.verdict {
            Verdict::Loaded(value) => Some(value),
            _ => None,
        }
    }

    /// Why it is not used; `None` where it is.
    pub fn why_not(&self) -> Option<&Reason> {
        match &self.verdict {
            Verdict::Loaded(_) => None,
            Verdict::Unsupported { why }
            | Verdict::CannotLoad { why }
            | Verdict::Ignored { why } => Some(why),
        }
    }
}

/// What came of reading a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict<T> {
    /// It can be used.
    Loaded(T),
    /// It is of a version that is not known here.
    Unsupported {
        /// Which.
        why: Reason,
    },
    /// It is unreadable, malformed or incomplete.
    CannotLoad {
        /// How.
        why: Reason,
    },
    /// There is nothing wrong with it, but another one makes it superfluous.
    Ignored {
        /// Which one.
        why: Reason,
    },
}

/// Whether an application asks for a layer, or gets it unasked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LayerKind {
    /// Enabled by name, by the application or a variable.
    Explicit,
    /// Enabled wherever it is installed, unless its own variable disables it.
    Implicit,
}
