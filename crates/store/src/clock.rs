//! Moments, as time since 1970.

use rustix::fs::{Stat, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT};
use std::os::fd::AsFd;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The present one.
pub(crate) fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// When the content of a file was changed, in whole seconds.
pub(crate) fn modified(stat: &Stat) -> Duration {
    Duration::from_secs(u64::try_from(stat.st_mtime).unwrap_or(0))
}

/// When anything about it was changed, in whole seconds.
pub(crate) fn changed(stat: &Stat) -> Duration {
    Duration::from_secs(u64::try_from(stat.st_ctime).unwrap_or(0))
}

/// An open file counts as modified now. That of a store which cannot be written stays as it is: nothing is
/// collected there either.
pub(crate) fn touch(fd: impl AsFd) {
    let times = Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        last_modification: Timespec { tv_sec: 0, tv_nsec: UTIME_NOW },
    };
    let _ = rustix::fs::futimens(fd, &times);
}
