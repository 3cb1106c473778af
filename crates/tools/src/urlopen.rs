//! `steam-runtime-urlopen`: has a URL or a file opened by Steam or by the desktop's portal.

use crate::messages::{Messages, begin};
use crate::{Invocation, steam, variable};
use rustix::fs::{Mode, OFlags};
use std::ffi::{OsStr, OsString};
use std::os::fd::AsFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::time::Duration;

/// Exit statuses, as `xdg-open(1)` has them.
const USAGE: u8 = 1;
const FAILED: u8 = 4;

/// How long the portal has for its answer: it may have to be started.
const LIMIT: Duration = Duration::from_secs(25);

/// The bus that is there where no variable names one, in `XDG_RUNTIME_DIR`.
const BUS: &str = "bus";

/// What is to be opened.
#[derive(Debug, PartialEq, Eq)]
enum Thing {
    /// An address that only Steam knows.
    Steam(OsString),
    /// An address of the web.
    Web(String),
    /// Another one.
    Other(String),
    /// A file.
    File(PathBuf),
}

/// Who opens things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Opener {
    Steam,
    Portal,
}

/// Runs the program.
pub(crate) fn run(invocation: &Invocation) -> u8 {
    let (given, messages) = match begin(invocation, USAGE) {
        Ok(begun) => begun,
        Err(status) => return status,
    };
    let [word] = &given.words[..] else {
        messages.error("one URL or one file is needed");
        return USAGE;
    };
    let environment = &invocation.environment;
    let thing = Thing::of(word);
    for opener in thing.openers(messages.boolean(environment, "SRT_URLOPEN_PREFER_STEAM", false)) {
        match open(&thing, *opener, environment) {
            Ok(()) => return 0,
            Err(why) => complain(&messages, *opener, &why),
        }
    }
    messages.error(format_args!("cannot open `{}`", word.display()));
    FAILED
}

fn complain(messages: &Messages, opener: Opener, why: &str) {
    let who = match opener {
        Opener::Steam => "Steam",
        Opener::Portal => "the portal",
    };
    messages.warning(format_args!("{who} does not open it: {why}"));
}

impl Thing {
    fn of(word: &OsStr) -> Self {
        let Some(scheme) = scheme(word.as_bytes()) else { return Self::File(word.into()) };
        if steam::is_its_scheme(OsStr::from_bytes(scheme)) {
            return Self::Steam(word.to_owned());
        }
        if scheme.eq_ignore_ascii_case(b"file") {
            return Self::File(path_of(&word.as_bytes()[scheme.len() + 1..]));
        }
        // What is not text is no URL, whatever it looks like.
        match word.to_str() {
            None => Self::File(word.into()),
            Some(url) if scheme.eq_ignore_ascii_case(b"http") => Self::Web(url.to_owned()),
            Some(url) if scheme.eq_ignore_ascii_case(b"https") => Self::Web(url.to_owned()),
            Some(url) => Self::Other(url.to_owned()),
        }
    }

    /// Who is asked, in order.
    fn openers(&self, prefer_steam: bool) -> &'static [Opener] {
        match self {
            Self::Steam(_) => &[Opener::Steam],
            Self::Web(_) if prefer_steam => &[Opener::Steam, Opener::Portal],
            Self::Web(_) => &[Opener::Portal, Opener::Steam],
            Self::Other(_) | Self::File(_) => &[Opener::Portal],
        }
    }
}

fn open(thing: &Thing, opener: Opener, environment: &[(OsString, OsString)]) -> Result<(), String> {
    match (thing, opener) {
        (Thing::Steam(url), _) => ask_steam(environment, url.clone()),
        (Thing::Web(url), Opener::Steam) => {
            ask_steam(environment, format!("steam://openurl_external/{url}").into())
        }
        (Thing::Web(url) | Thing::Other(url), _) => {
            let bus = session(environment)?;
            bus::portal::open_uri(bus.as_bytes(), url, LIMIT).map_err(|error| error.to_string())
        }
        (Thing::File(path), _) => {
            let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK;
            let file = rustix::fs::open(path, flags, Mode::empty())
                .map_err(|error| format!("{}: {error}", path.display()))?;
            let bus = session(environment)?;
            bus::portal::open_file(bus.as_bytes(), file.as_fd(), LIMIT)
                .map_err(|error| error.to_string())
        }
    }
}

fn ask_steam(environment: &[(OsString, OsString)], url: OsString) -> Result<(), String> {
    steam::ask(environment, &[url]).map_err(|error| error.to_string())
}

/// The address of the session bus.
fn session(environment: &[(OsString, OsString)]) -> Result<OsString, String> {
    let set = |name| variable(environment, name).filter(|value| !value.is_empty());
    if let Some(address) = set("DBUS_SESSION_BUS_ADDRESS") {
        return Ok(address.to_owned());
    }
    let directory = set("XDG_RUNTIME_DIR").ok_or("there is no session bus")?;
    let mut address = OsString::from("unix:path=");
    address.push(directory);
    address.push("/");
    address.push(BUS);
    Ok(address)
}

/// The scheme of a URL (RFC 3986, 3.1).
fn scheme(word: &[u8]) -> Option<&[u8]> {
    let end = word.iter().position(|b| *b == b':')?;
    let scheme = &word[..end];
    let fits = |b: &u8| b.is_ascii_alphanumeric() || b"+-.".contains(b);
    (scheme.first()?.is_ascii_alphabetic() && scheme.iter().all(fits)).then_some(scheme)
}

/// The path that a `file:` URL has after its scheme (RFC 8089): `///path`, `//localhost/path`, `/path`.
fn path_of(rest: &[u8]) -> PathBuf {
    let path = match rest.strip_prefix(b"//") {
        Some(rest) => &rest[rest.iter().position(|b| *b == b'/').unwrap_or(rest.len())..],
        None => rest,
    };
    let mut out = vec![];
    let mut at = 0;
    while let Some(byte) = path.get(at) {
        let digits = path.get(at + 1..at + 3).and_then(|digits| std::str::from_utf8(digits).ok());
        let escaped = digits.filter(|_| *byte == b'%');
        let escaped = escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        out.push(escaped.unwrap_or(*byte));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    PathBuf::from(OsString::from_vec(out))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_words_mean() {
        let web = |url: &str| Thing::Web(url.to_owned());
        let file = |path: &str| Thing::File(path.into());
        for (word, want) in [
            ("steam://run/440", Thing::Steam("steam://run/440".into())),
            ("STEAMLINK:x", Thing::Steam("STEAMLINK:x".into())),
            ("http://example.com/", web("http://example.com/")),
            ("HTTPS://example.com", web("HTTPS://example.com")),
            ("mailto:a@example.com", Thing::Other("mailto:a@example.com".into())),
            ("file:///a%20b/100%", file("/a b/100%")),
            ("file://localhost/a", file("/a")),
            ("file:/a", file("/a")),
            ("/a/b:c", file("/a/b:c")),
            ("a.txt", file("a.txt")),
            ("1:2", file("1:2")),
            (":x", file(":x")),
            ("", file("")),
        ] {
            assert_eq!(Thing::of(OsStr::new(word)), want, "{word}");
        }
    }
}
