//! FEX-Emu, as the kernel starts it.
//!
//! Mirrors FEX's `FileManagement.cpp` and `Config.cpp`: an absolute path is looked for below
//! `FEX_ROOTFS` first; a running FEXServer dictates another root unless `/run/host/container-manager`
//! says `pressure-vessel`, which every container of ours has.

/// The variable that names its root.
pub(crate) const VARIABLE: &str = "FEX_ROOTFS";

use crate::facts::Facts;
use plan::{HostPath, Problem};

/// Its root and what names it.
///
/// # Errors
/// When what is named cannot be used.
pub(crate) fn root(facts: &Facts) -> Result<Option<(HostPath, String)>, Problem> {
    let named = facts.environment.path(VARIABLE);
    Ok(named.map(|path| (HostPath::root().lexically(&path), VARIABLE.to_owned())))
}
