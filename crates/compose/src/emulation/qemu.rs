//! qemu-user, as the kernel starts it.
//!
//! Mirrors qemu's `util/path.c`: an absolute path that exists below the prefix is used there, links
//! in it resolved by the kernel; `execve` is not redirected (linux-user/syscall.c).

/// The variable that names its prefix.
pub(crate) const VARIABLE: &str = "QEMU_LD_PREFIX";

use crate::facts::Facts;
use inspect::emulator::qemu;
use inspect::manifest::Environment;
use plan::{HostPath, Problem, Tuple};

/// Its prefix and what names it.
///
/// # Errors
/// When what is named cannot be used.
pub(crate) fn root(facts: &Facts, tuples: &[Tuple]) -> Result<Option<(HostPath, String)>, Problem> {
    let environment = Environment::new(facts.environment.iter());
    for tuple in tuples {
        for prefix in qemu::prefixes(&facts.host, &environment, *tuple) {
            let named = prefix.origin != "compiled in";
            if let Some(directory) = prefix.directory.filter(|_| !named) {
                return Ok(Some((directory.host, prefix.origin.to_owned())));
            }
            if named {
                return Ok(Some((HostPath::root().lexically(&prefix.path), VARIABLE.to_owned())));
            }
        }
    }
    Ok(None)
}
