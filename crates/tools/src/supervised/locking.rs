//! `--lock-file` and the switches before it.

use super::Refused;
use crate::messages::Messages;
use plan::HostPath;
use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::path::Path;
use store::lock::{self, Kind, Missing};

/// What the switches before a lock file say.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Locking {
    pub(super) create: bool,
    pub(super) exclusive: bool,
    pub(super) wait: bool,
    /// Waiting is told.
    pub(super) verbose: bool,
}

impl Locking {
    /// Takes a lock.
    ///
    /// # Errors
    /// [`Refused::Busy`] when others hold it and nobody wants to wait, [`Refused::Unavailable`] for all
    /// else.
    pub(super) fn take(self, file: &OsStr, messages: &Messages) -> Result<OwnedFd, Refused> {
        let path = std::path::absolute(Path::new(file)).map_err(|error| error.to_string());
        let path = path.and_then(|path| HostPath::new(path).map_err(|error| error.to_string()));
        let path = path.map_err(|why| Refused::Unavailable(format!("lock file: {why}")))?;
        let kind = if self.exclusive { Kind::Exclusive } else { Kind::Shared };
        let missing = if self.create { Missing::Create } else { Missing::Fail };
        let taken = match (self.wait, self.verbose) {
            (true, false) => lock::waiting(&path, kind, missing),
            (true, true) => match lock::now(&path, kind, missing) {
                Err(lock::Error::Busy { .. }) => {
                    messages.notice(format_args!("waiting for the lock on {path}"));
                    let taken = lock::waiting(&path, kind, missing);
                    if taken.is_ok() {
                        messages.notice(format_args!("the lock on {path} is taken"));
                    }
                    taken
                }
                other => other,
            },
            (false, _) => lock::now(&path, kind, missing),
        };
        taken.map_err(|error| match error {
            lock::Error::Busy { .. } => Refused::Busy(error.to_string()),
            other => Refused::Unavailable(other.to_string()),
        })
    }
}
