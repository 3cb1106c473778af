//! Giving up what the user namespace gave: no capability is left, and none can be gained.

use crate::error::Error;
use crate::link::setup;
use crate::sys::{SysError, call};
use rustix::io::Errno;
use rustix::thread::{
    CapabilitySet, CapabilitySets, clear_ambient_capability_set,
    remove_capability_from_bounding_set, set_capabilities, set_no_new_privs,
};

/// Empties every capability set, the bounding and ambient one included, and sets `no_new_privs`.
pub(super) fn drop_all() -> Result<(), Error> {
    setup("giving up capabilities", sets()).and_then(|()| {
        setup("giving up privileges", call("prctl", "PR_SET_NO_NEW_PRIVS", set_no_new_privs(true)))
    })
}

fn sets() -> Result<(), SysError> {
    for bit in 0..u64::BITS {
        match remove_capability_from_bounding_set(CapabilitySet::from_bits_retain(1 << bit)) {
            Ok(()) => {}
            // The first number that this kernel does not know.
            Err(Errno::INVAL) => break,
            Err(errno) => {
                return Err(SysError::new("prctl", format_args!("PR_CAPBSET_DROP, {bit}"), errno));
            }
        }
    }
    match clear_ambient_capability_set() {
        // Before Linux 4.3 there is no such set.
        Ok(()) | Err(Errno::INVAL) => {}
        Err(errno) => return Err(SysError::new("prctl", "PR_CAP_AMBIENT_CLEAR_ALL", errno)),
    }
    let none = CapabilitySet::empty();
    let sets = CapabilitySets { effective: none, permitted: none, inheritable: none };
    call("capset", "no capabilities", set_capabilities(None, sets))
}
