//! The address of the accessibility bus (AT-SPI), which the session bus knows.

use crate::{Connection, Error};
use std::time::Duration;

/// Asks the session bus at `session` (the value of `DBUS_SESSION_BUS_ADDRESS`) for the address of
/// the accessibility bus. The service is started by the bus if it is not running.
///
/// `limit` is for everything together; 200 ms are enough for one that runs.
///
/// # Errors
/// When there is no such bus or service, or it does not answer in time.
pub fn address(session: &[u8], limit: Duration) -> Result<String, Error> {
    let mut bus = Connection::open(session, limit)?;
    bus.call_for_text("org.a11y.Bus", "/org/a11y/bus", "org.a11y.Bus", "GetAddress")
}
