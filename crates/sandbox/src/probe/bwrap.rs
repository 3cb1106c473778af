//! What can be known about an installed bwrap without starting it, and why one fails.
//!
//! Mirrors `acquire_privs` of bubblewrap.c: set-uid root it becomes the user again with a few
//! capabilities; otherwise it refuses to have any unless it is run by root.

use super::facts::STATUS;
use super::{Diagnosis, Facts, Rule, rules};
use crate::error::Error;
use crate::link::setup;
use crate::sys::std_call;
use rustix::fs::{FileType, Mode, OFlags, StatVfsMountFlags, open, stat, statvfs};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A bwrap as its file shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// Where it is.
    pub path: PathBuf,
    /// Its version, which is among the strings of the program.
    pub version: Option<String>,
    /// Its file is set-uid root.
    pub setuid: bool,
    /// Its file has capabilities.
    pub capabilities: bool,
    /// It lies on a mount where set-uid and file capabilities count for nothing.
    pub nosuid: bool,
}

/// bwrap is some 70 KB; no more is searched for its version.
const PROGRAM_BYTES: u64 = 4 << 20;

/// What precedes the version among the strings.
const NAME: &[u8] = b"bubblewrap ";

impl Installed {
    /// Looks at the file at `path`.
    pub fn look(path: &Path) -> Self {
        let status = stat(path).ok();
        let setuid = status.is_some_and(|s| {
            FileType::from_raw_mode(s.st_mode) == FileType::RegularFile
                && s.st_mode & 0o4000 != 0
                && s.st_uid == 0
        });
        let mut value = [0; 64];
        let capabilities =
            rustix::fs::getxattr(path, "security.capability", &mut value[..]).is_ok();
        let nosuid = statvfs(path).is_ok_and(|s| s.f_flag.contains(StatVfsMountFlags::NOSUID));
        Self { path: path.into(), version: version(path), setuid, capabilities, nosuid }
    }
}

fn version(path: &Path) -> Option<String> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = std::fs::File::from(open(path, flags, Mode::empty()).ok()?);
    let mut content = Vec::new();
    file.take(PROGRAM_BYTES).read_to_end(&mut content).ok()?;
    version_in(&content)
}

fn version_in(content: &[u8]) -> Option<String> {
    content.windows(NAME.len()).enumerate().filter(|(_, w)| *w == NAME).find_map(|(at, _)| {
        let rest = &content[at + NAME.len()..];
        let length = rest.iter().take(32).take_while(|b| b.is_ascii_digit() || **b == b'.').count();
        let text = std::str::from_utf8(&rest[..length]).ok()?;
        text.contains('.').then(|| text.to_owned())
    })
}

/// What bwrap says when it may not have namespaces (0.4 to 0.11), and when it has capabilities.
const ABOUT_NAMESPACES: &[&str] = &[
    "Creating new namespace failed",
    "No permissions to creat",
    "setting up uid map",
    "Can't unshare",
    "unshare user ns",
    "Failed to make / slave",
];
const ABOUT_CAPABILITIES: &[&str] = &["Unexpected capabilities"];

/// Why bwrap failed with these messages, as far as the machine shows it.
pub(crate) fn explain(bwrap: &Path, messages: &[String]) -> Option<Diagnosis> {
    diagnose(&Facts::gather(), &Installed::look(bwrap), messages)
}

pub(super) fn diagnose(facts: &Facts, bwrap: &Installed, messages: &[String]) -> Option<Diagnosis> {
    let says = |texts: &[&str]| messages.iter().any(|m| texts.iter().any(|text| m.contains(text)));
    let line = |name: &str| Some(format!("{STATUS}: {name} {}", facts.status(name)?));
    if says(ABOUT_CAPABILITIES) {
        let mut evidence: Vec<String> = ["CapPrm", "CapAmb"].into_iter().filter_map(line).collect();
        if bwrap.capabilities {
            evidence.push(format!("{} has file capabilities", bwrap.path.display()));
        }
        return Some(rules::diagnosis(facts, Rule::Capabilities, evidence));
    }
    if !says(ABOUT_NAMESPACES) {
        return None;
    }
    let no_new_privs = facts.status("NoNewPrivs") == Some("1");
    if bwrap.setuid && (no_new_privs || bwrap.nosuid) {
        let mut evidence = vec![format!("{} is set-uid root", bwrap.path.display())];
        evidence.extend(line("NoNewPrivs").filter(|_| no_new_privs));
        if bwrap.nosuid {
            evidence.push("it is on a mount with nosuid".into());
        }
        if let Some(besides) = rules::explain(facts, None) {
            evidence.push(format!("without being root: {}", besides.cause));
            evidence.extend(besides.evidence);
        }
        return Some(rules::diagnosis(facts, Rule::SetuidIgnored, evidence));
    }
    rules::explain(facts, None)
}

/// How long bwrap may take to show its version in a namespace.
const LIMIT: Duration = Duration::from_secs(5);

/// Lets bwrap run itself, to print its version, in a namespace that shows the whole machine
/// read-only.
///
/// # Errors
/// [`Error::BwrapFailed`], diagnosed.
pub fn try_bwrap(path: &Path) -> Result<(), Error> {
    let mut command = Command::new(path);
    command.args(["--ro-bind", "/", "/", "--"]).arg(path).arg("--version").env_clear();
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let doing = "trying bwrap";
    let started = std_call("execve", path.display(), command.spawn());
    let mut child = setup(doing, started)?;
    let start = Instant::now();
    let mut pause = Duration::from_millis(1);
    let status = loop {
        match setup(doing, std_call("waitpid", path.display(), child.try_wait()))? {
            Some(status) => break status.code(),
            None if start.elapsed() > LIMIT => {
                // It may have ended in this moment; it is collected in either case.
                let _ = child.kill();
                let _ = child.wait();
                break None;
            }
            None => std::thread::sleep(pause),
        }
        pause = (pause * 2).min(Duration::from_millis(50));
    };
    if status == Some(0) {
        return Ok(());
    }
    let mut messages = Vec::new();
    if let Some(mut errors) = child.stderr.take() {
        // What it has said so far; a descendant may hold the other end open.
        let _ = rustix::fs::fcntl_setfl(&errors, OFlags::NONBLOCK);
        let mut buffer = [0; 4096];
        let length = errors.read(&mut buffer).unwrap_or(0);
        messages = String::from_utf8_lossy(&buffer[..length]).lines().map(str::to_owned).collect();
    }
    if status.is_none() {
        messages.push(format!("it did not end within {} s", LIMIT.as_secs()));
    }
    let status = status.and_then(|code| u8::try_from(code).ok()).unwrap_or(125);
    Err(Error::bwrap_failed(path, status, messages))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        for (content, want) in [
            (&b"\0bubblewrap 0.8.0\0x"[..], Some("0.8.0")),
            (b"bubblewrap %s\0bubblewrap 0.11.0\0", Some("0.11.0")),
            (b"/usr/share/doc/bubblewrap/README", None),
            (b"bubblewrap ", None),
            (b"", None),
        ] {
            assert_eq!(version_in(content).as_deref(), want, "{}", content.escape_ascii());
        }
    }
}
