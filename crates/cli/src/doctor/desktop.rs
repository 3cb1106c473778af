//! The services of the desktop that a launch would share, and whether they answer; the locale.

use compose::{Facts, locale};
use inspect::root::{Kind, Root};
use plan::{ContainerPath, HostPath, Problem, RootPath, Subject, Verdict};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::ffi::OsStrExt;

/// What is found.
#[derive(Debug, Serialize)]
pub(super) struct Desktop {
    pub(super) services: Vec<Service>,
    pub(super) locales: Locales,
}

/// A service of the desktop.
#[derive(Debug, Serialize)]
pub(super) struct Service {
    /// Such as `X11`, `Wayland`, `PulseAudio`.
    pub(super) name: String,
    /// Whether it was found.
    pub(super) found: bool,
    /// Whether its socket takes connections; `null` where it has none that could be asked.
    pub(super) answers: Option<bool>,
    pub(super) why: String,
}

/// What the user's language needs.
#[derive(Debug, Serialize)]
pub(super) struct Locales {
    /// `LANG` and `LC_…`.
    pub(super) asked: BTreeMap<String, String>,
    /// Those among them that this machine does not have.
    pub(super) missing: Vec<String>,
    /// How many are installed as directories.
    pub(super) directories: usize,
    /// Whether there is an archive of locales.
    pub(super) archive: bool,
}

/// Looks.
pub(super) fn look(facts: &Facts, problems: &mut Vec<Problem>) -> Desktop {
    let services = match compose::services(facts) {
        Ok(found) => {
            problems.extend(found.warnings.iter().cloned());
            services(&found, problems)
        }
        Err(_) => vec![],
    };
    Desktop { services, locales: locales(facts, problems) }
}

fn services(found: &compose::Services, problems: &mut Vec<Problem>) -> Vec<Service> {
    let mut out: Vec<Service> = vec![];
    for decision in &found.decisions {
        let Subject::Other { name } = &decision.subject else { continue };
        let at = match &decision.verdict {
            Verdict::Taken { at, .. } => Some(at.as_str()),
            Verdict::Rejected | Verdict::Absent => None,
        };
        let host = at.and_then(|at| host_of(at, &found.shown));
        let answers = host.map(is_answering);
        if answers == Some(false) {
            let cause = format!("{name} does not answer: nobody listens on its socket");
            let problem = Problem::warning(plan::Code::SERVICE_UNAVAILABLE, cause);
            let shown = host.map(ToString::to_string).unwrap_or_default();
            problems.push(problem.evidence(shown).hint("start the service, or log in again"));
        }
        out.push(Service {
            name: name.clone(),
            found: at.is_some(),
            answers,
            why: decision.why.clone(),
        });
    }
    out
}

fn host_of<'s>(at: &str, shown: &'s [(ContainerPath, HostPath)]) -> Option<&'s HostPath> {
    shown.iter().find(|(place, _)| place.to_string() == at).map(|(_, host)| host)
}

/// Whether somebody listens there: connects and says nothing. Never waits: a server whose queue is full is
/// there.
fn is_answering(path: &HostPath) -> bool {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let attempt = |kind| -> Result<(), Errno> {
        let socket = socket_with(AddressFamily::UNIX, kind, flags, None)?;
        connect(&socket, &SocketAddrUnix::new(path.as_path())?)
    };
    let result = match attempt(SocketType::STREAM) {
        // systemd's journal takes datagrams.
        Err(Errno::PROTOTYPE) => attempt(SocketType::DGRAM),
        other => other,
    };
    matches!(result, Ok(()) | Err(Errno::AGAIN | Errno::INPROGRESS | Errno::ACCESS))
}

fn locales(facts: &Facts, problems: &mut Vec<Problem>) -> Locales {
    let is_locale = |name: &[u8]| name == b"LANG" || name.starts_with(b"LC_");
    let asked: BTreeMap<String, String> = facts
        .environment
        .iter()
        .filter(|(name, value)| is_locale(name.as_bytes()) && !value.is_empty())
        .filter_map(|(name, value)| Some((name.to_str()?.into(), value.to_str()?.into())))
        .collect();
    let decided = locale::decide(&locale::Input {
        runtime: &facts.host,
        provider: None,
        provider_mount: ContainerPath::root(),
        glibc: &BTreeMap::new(),
        requested: &asked,
        generated: &std::collections::BTreeMap::new(),
    });
    let is_there = |locale: &String| {
        let subject = Subject::Other { name: format!("locale {locale}") };
        let decision = decided.decisions.iter().find(|decision| decision.subject == subject);
        // What the C library has built in is not decided about.
        decision.is_none_or(|decision| matches!(decision.verdict, Verdict::Taken { .. }))
    };
    let missing: BTreeSet<&String> = asked.values().filter(|l| !is_there(l)).collect();
    let missing = missing.into_iter().cloned().collect();
    problems.extend(decided.warnings);
    let (directories, archive) = installed(&facts.host);
    Locales { asked, missing, directories, archive }
}

fn installed(root: &Root) -> (usize, bool) {
    let entries = root.list(&RootPath::literal("/usr/lib/locale")).unwrap_or_default();
    let directories = entries.iter().filter(|entry| entry.kind == Kind::Directory).count();
    (directories, entries.iter().any(|entry| entry.name == "locale-archive"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_that_answer_and_do_not() {
        let tmp = tempfile::tempdir().unwrap();
        let path = |name: &str| HostPath::new(tmp.path().join(name)).unwrap();
        let _listener = std::os::unix::net::UnixListener::bind(path("live").as_path()).unwrap();
        drop(std::os::unix::net::UnixListener::bind(path("dead").as_path()).unwrap());
        let _datagrams = std::os::unix::net::UnixDatagram::bind(path("dgram").as_path()).unwrap();
        for (name, want) in [("live", true), ("dead", false), ("dgram", true), ("missing", false)] {
            assert_eq!(is_answering(&path(name)), want, "{name}");
        }
    }
}
