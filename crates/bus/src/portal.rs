//! The desktop portal (xdg-desktop-portal), as far as it opens things.

use crate::{Arguments, Connection, Error, List, Target};
use std::os::fd::BorrowedFd;
use std::time::Duration;

/// The portal's method of this name.
const fn open(member: &'static str) -> Target<'static> {
    Target {
        destination: Some("org.freedesktop.portal.Desktop"),
        path: "/org/freedesktop/portal/desktop",
        interface: "org.freedesktop.portal.OpenURI",
        member,
    }
}

/// Asks the portal on the session bus at `session` to open a URI. The user may be asked with what; this does
/// not wait for that.
///
/// # Errors
/// When there is no bus or portal, or it does not want to.
pub fn open_uri(session: &[u8], uri: &str, limit: Duration) -> Result<(), Error> {
    let mut bus = Connection::open(session, limit)?;
    // No window that a dialogue would belong to, and no options.
    let arguments = Arguments::new().text("").text(uri).properties(List::Dictionary, &[]);
    bus.call(&open("OpenURI"), &arguments).map(drop)
}

/// The same with a file, of which the portal gets a descriptor.
///
/// # Errors
/// As [`open_uri`].
pub fn open_file(session: &[u8], file: BorrowedFd<'_>, limit: Duration) -> Result<(), Error> {
    let mut bus = Connection::open_for_descriptors(session, limit)?;
    let arguments = Arguments::new().text("").descriptor(file).properties(List::Dictionary, &[]);
    bus.call(&open("OpenFile"), &arguments).map(drop)
}
