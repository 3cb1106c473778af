//! How options and variables are read: a variable is the default of its option, and of an option that is
//! given several times the last counts.

use options::Given;
use plan::{ByteString, HostPath};
use std::ffi::{OsStr, OsString};
use std::time::Duration;
use tools::messages::Messages;
use tools::variable;

/// A command line or an environment that cannot be used: one sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Usage(pub(super) String);

/// The command line with the environment.
pub(super) struct Reading<'a> {
    pub(super) given: &'a Given,
    pub(super) environment: &'a [(OsString, OsString)],
    pub(super) messages: &'a Messages,
}

impl<'a> Reading<'a> {
    /// The value of a variable, the empty one included.
    pub(super) fn variable(&self, name: &str) -> Option<&'a OsStr> {
        variable(self.environment, name)
    }

    /// The value of a variable that is not empty.
    pub(super) fn non_empty(&self, name: &str) -> Option<&'a OsStr> {
        self.variable(name).filter(|value| !value.is_empty())
    }

    /// Something that is on or off: two options, one of which may be empty, and a variable.
    pub(super) fn on(&self, on: &str, off: &str, variable: &str, default: bool) -> bool {
        let given = self.given.either(on, off);
        given.unwrap_or_else(|| self.messages.boolean(self.environment, variable, default))
    }

    /// A variable that is on, off, or as if it were not set.
    pub(super) fn tristate(&self, name: &str) -> Option<bool> {
        let value = self.non_empty(name)?;
        let on = self.messages.boolean(self.environment, name, false);
        (on || value == "0").then_some(on)
    }

    /// The value of an option, else that of a variable, which is as good as unset when it is empty.
    pub(super) fn value(&self, option: &str, variable: &str) -> Option<&'a OsStr> {
        self.given.last(option).or_else(|| self.non_empty(variable))
    }

    /// A variable that is one of several words.
    pub(super) fn word<T: Copy>(
        &self,
        name: &str,
        words: &[(&str, T)],
    ) -> Result<Option<T>, Usage> {
        self.non_empty(name).map(|value| word(name, value, words)).transpose()
    }

    /// A time that an option has in seconds; none where it is negative, or not given.
    pub(super) fn seconds(&self, option: &str) -> Result<Option<Duration>, Usage> {
        let Some(value) = self.given.last(option) else { return Ok(None) };
        options::seconds(value).ok_or_else(|| bad(option, value, "is not a number"))
    }
}

/// The meaning of one of several words; of nothing, that of the first.
pub(super) fn word<T: Copy>(source: &str, value: &OsStr, words: &[(&str, T)]) -> Result<T, Usage> {
    tools::interactive::meaning(source, value, words).map_err(Usage)
}

/// An option whose value cannot be used.
pub(super) fn bad(option: &str, value: &OsStr, why: &str) -> Usage {
    Usage(format!("--{option}: `{}` {why}", ByteString::from(value)))
}

/// A path, a relative one from the working directory.
pub(super) fn absolute(option: &str, value: &OsStr) -> Result<HostPath, Usage> {
    let path =
        std::path::absolute(value).map_err(|error| bad(option, value, &error.to_string()))?;
    HostPath::new(path).map_err(|error| Usage(format!("--{option}: {error}")))
}
