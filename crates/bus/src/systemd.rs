//! The user's instance of systemd: a scope for the processes of a launch.

use crate::{Arguments, Connection, Error, List, Property, Target};
use std::time::Duration;

/// Where the instance of a user listens itself, without a bus between.
#[must_use]
pub fn address(uid: u32) -> String {
    format!("unix:path=/run/user/{uid}/systemd/private")
}

/// The name of the scope of an app, for the process that it is made for. `app`: Steam's number of it.
#[must_use]
pub fn unit(app: Option<&str>, pid: u32) -> String {
    let is_number = |app: &&str| !app.is_empty() && app.bytes().all(|b| b.is_ascii_digit());
    match app.filter(is_number).filter(|app| *app != "0") {
        Some(app) => format!("app-steam-app{app}-{pid}.scope"),
        None => format!("app-steam-unknown-{pid}.scope"),
    }
}

/// Moves the process `pid` into a new scope, and waits until systemd has done that. Gives back the scope's name.
///
/// A launch must not depend on it: `limit` is for everything together (some hundred milliseconds), and an
/// error is nothing but a line in a log.
///
/// # Errors
/// When systemd cannot be reached at `address` (see [`address`]), refuses, fails or does not answer in time.
pub fn scope(
    address: &[u8],
    app: Option<&str>,
    pid: u32,
    limit: Duration,
) -> Result<String, Error> {
    let mut systemd = Connection::direct(address, limit)?;
    let target = Target {
        destination: None,
        path: "/org/freedesktop/systemd1",
        interface: "org.freedesktop.systemd1.Manager",
        member: "StartTransientUnit",
    };
    let (unit, pids) = (unit(app, pid), [pid]);
    let arguments = Arguments::new()
        .text(&unit)
        .text("fail")
        .properties(List::Structures, &[("PIDs", Property::Numbers(&pids))])
        .no_structures("(sa(sv))");
    let job = systemd.call(&target, &arguments)?;
    let job = job.into_iter().next().ok_or(Error::Malformed("an answer without a job"))?;
    let done = systemd
        .signal(|signal| signal.member == "JobRemoved" && signal.values.get(1) == Some(&job))?;
    match done.values.get(3).and_then(|result| result.text()) {
        Some("done") => Ok(unit),
        result => {
            let text = result.unwrap_or_default().to_owned();
            Err(Error::Call { name: "org.freedesktop.systemd1.JobRemoved".into(), text })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (app, want) in [
            (Some("440"), "app-steam-app440-7.scope"),
            (Some("0"), "app-steam-unknown-7.scope"),
            (Some(""), "app-steam-unknown-7.scope"),
            (Some("x.y"), "app-steam-unknown-7.scope"),
            (None, "app-steam-unknown-7.scope"),
        ] {
            assert_eq!(unit(app, 7), want, "{app:?}");
        }
        assert_eq!(address(4242), "unix:path=/run/user/4242/systemd/private");
    }
}
