//! What went wrong in a task, and what the reader can do about it.

use std::fmt;
use std::path::Path;

/// Result of everything that a task does.
pub(crate) type Result<T> = std::result::Result<T, Problem>;

/// A failed task: what failed, why, and a hint that can be carried out.
#[derive(Debug)]
pub(crate) struct Problem {
    what: String,
    hint: Option<String>,
}

impl Problem {
    /// A problem without a hint.
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), hint: None }
    }

    /// The same problem with a hint: what to do about it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.what)?;
        match &self.hint {
            Some(hint) => write!(f, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

impl From<xshell::Error> for Problem {
    fn from(error: xshell::Error) -> Self {
        Self::new(error.to_string())
    }
}

/// Adds the intent to an error of the standard library.
pub(crate) trait Context<T> {
    /// Says what was being done when the error occurred.
    fn context(self, doing: impl Into<String>) -> Result<T>;

    /// Says what was being done, and to which path.
    fn at(self, doing: &str, path: impl AsRef<Path>) -> Result<T>
    where
        Self: Sized,
    {
        self.context(format!("{doing} {}", path.as_ref().display()))
    }
}

impl<T, E: fmt::Display> Context<T> for std::result::Result<T, E> {
    fn context(self, doing: impl Into<String>) -> Result<T> {
        self.map_err(|error| Problem::new(format!("{}: {error}", doing.into())))
    }
}
