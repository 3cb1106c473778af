//! qemu-user, as the kernel starts it.
//!
//! Mirrors qemu's `util/path.c`: an absolute path that exists below the prefix is used there, links
//! in it resolved by the kernel; `execve` is not redirected (linux-user/syscall.c).

use super::choose::Found;
use crate::facts::Facts;
use inspect::emulator::qemu;
use inspect::manifest::Environment;
use plan::{HostPath, Problem, Tuple};

/// The variable that names its prefix.
pub(crate) const VARIABLE: &str = "QEMU_LD_PREFIX";

/// Its prefix.
///
/// # Errors
/// Never: a prefix that is named and is not there is found out when it is opened.
pub(crate) fn root(facts: &Facts, tuples: &[Tuple]) -> Result<Option<Found>, Problem> {
    let environment = Environment::new(facts.environment.iter());
    let prefixes = tuples.iter().flat_map(|t| qemu::prefixes(&facts.host, &environment, *t));
    for prefix in prefixes {
        let origin = prefix.origin.to_owned();
        match prefix.directory {
            Some(directory) => {
                return Ok(Some(Found::Directory { path: directory.host, origin }));
            }
            // A prefix that is compiled in and not there is none; one that is named was meant.
            None if prefix.origin.starts_with('$') => {
                let path = HostPath::root().lexically(&prefix.path);
                return Ok(Some(Found::Directory { path, origin }));
            }
            None => {}
        }
    }
    Ok(None)
}
