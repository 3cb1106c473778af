//! `steam-runtime-urlopen` and `steam-runtime-steam-remote`.

use crate::by_name::{has, named, outcome};
use crate::portal::{Answer, Bus};
use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat};
use std::fs::File;
use std::io::Read;
use std::path::Path;

const URLOPEN: &str = "steam-runtime-urlopen";
const REMOTE: &str = "steam-runtime-steam-remote";

/// The pipe of a Steam that runs.
struct Steam(File);

impl Steam {
    fn start(home: &Path) -> Self {
        let pipe = home.join(".steam/steam.pipe");
        std::fs::create_dir_all(pipe.parent().unwrap()).unwrap();
        mknodat(CWD, &pipe, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        Self(rustix::fs::open(&pipe, flags, Mode::empty()).unwrap().into())
    }

    /// What it was told since the last time.
    fn told(&mut self) -> String {
        let mut text = vec![];
        let mut buffer = [0; 4096];
        while let Ok(n @ 1..) = self.0.read(&mut buffer) {
            text.extend(&buffer[..n]);
        }
        String::from_utf8(text).unwrap()
    }
}

#[test]
fn wrong_usage() {
    for (words, status) in
        [(&[][..], 1), (&["a", "b"], 1), (&["--unknown"], 1), (&["--version"], 0), (&["--help"], 0)]
    {
        let (got, _, stderr) = outcome(named(URLOPEN).args(words));
        assert_eq!(got, status, "{words:?} {stderr}");
    }
}

#[test]
fn steams_pipe() {
    let home = tempfile::tempdir().unwrap();
    let program = format!("'{}/.steam/root/ubuntu12_32/steam'", home.path().display());
    for name in [URLOPEN, REMOTE] {
        let failure = if name == URLOPEN { 4 } else { 1 };
        let try_it = |home: &Path| outcome(named(name).env("HOME", home).arg("steam://run/440")).0;
        // No pipe; one that nobody reads; no pipe but a file.
        assert_eq!(try_it(home.path()), failure, "{name}");
        drop(Steam::start(home.path()));
        assert_eq!(try_it(home.path()), failure, "{name}");
        let pipe = home.path().join(".steam/steam.pipe");
        std::fs::remove_file(&pipe).unwrap();
        std::fs::write(&pipe, "").unwrap();
        assert_eq!(try_it(home.path()), failure, "{name}");
        assert_eq!(std::fs::read(&pipe).unwrap(), b"");
        std::fs::remove_file(&pipe).unwrap();
    }
    let mut steam = Steam::start(home.path());
    for (name, words, want) in [
        (URLOPEN, &["steam://run/440"][..], "'steam://run/440'"),
        (URLOPEN, &["--", "steamlink:it's"], r"'steamlink:it'\''s'"),
        (REMOTE, &[], "'-foreground'"),
        (REMOTE, &["--version", "a b", ""], "'--version' 'a b' ''"),
    ] {
        let got = outcome(named(name).env("HOME", home.path()).args(words));
        assert_eq!(got, (0, String::new(), String::new()), "{name} {words:?}");
        assert_eq!(steam.told(), format!("{program} {want}\n"));
    }
}

#[test]
fn who_opens_what() {
    if !has("dbus-daemon") {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let mut steam = Steam::start(home.path());
    std::fs::write(home.path().join("a file"), "content").unwrap();
    let file = home.path().join("a file").display().to_string();
    let url = format!("file://{}", file.replace(' ', "%20"));
    let web = "https://example.com/?q='";
    let opened = |url: &str| format!("OpenURI(ssa{{sv}}) '' '{url}'");
    let content = "OpenFile(sha{sv}) '' file \"content\"";
    let external = r"'steam://openurl_external/https://example.com/?q='\'''";

    let place = tempfile::tempdir().unwrap();
    let bus = Bus::start(place.path());
    let asked = bus.portal(Answer::Opens);
    let other = tempfile::tempdir().unwrap();
    let refusing = Bus::start(other.path());
    let refused = refusing.portal(Answer::Refuses);
    let empty = tempfile::tempdir().unwrap();
    let without = Bus::start(empty.path());

    for (word, prefer, address, status, portal, told) in [
        (web, "0", &bus.address, 0, Some(opened(web)), None),
        (web, "1", &bus.address, 0, None, Some(external)),
        (web, "", &refusing.address, 0, Some(opened(web)), Some(external)),
        (web, "0", &without.address, 0, None, Some(external)),
        (web, "0", &"unix:path=/nonexistent".to_owned(), 0, None, Some(external)),
        ("mailto:a@b", "1", &bus.address, 0, Some(opened("mailto:a@b")), None),
        ("mailto:a@b", "0", &refusing.address, 4, Some(opened("mailto:a@b")), None),
        ("mailto:a@b", "0", &without.address, 4, None, None),
        (&file, "1", &bus.address, 0, Some(content.into()), None),
        (&url, "0", &bus.address, 0, Some(content.into()), None),
        ("a file", "0", &bus.address, 0, Some(content.into()), None),
        (&file, "0", &refusing.address, 4, Some(content.into()), None),
        ("no file", "0", &bus.address, 4, None, None),
    ] {
        let mut command = named(URLOPEN);
        command.current_dir(home.path()).env("HOME", home.path());
        command.env("DBUS_SESSION_BUS_ADDRESS", address).env("SRT_URLOPEN_PREFER_STEAM", prefer);
        let (got, stdout, stderr) = outcome(command.arg(word));
        assert_eq!((got, stdout.as_str()), (status, ""), "{word} {prefer} {stderr}");
        let calls: Vec<_> = asked.try_iter().chain(refused.try_iter()).collect();
        assert_eq!(calls, portal.into_iter().collect::<Vec<_>>(), "{word} {prefer}");
        let program = format!("'{}/.steam/root/ubuntu12_32/steam'", home.path().display());
        let want = told.map(|told| format!("{program} {told}\n")).unwrap_or_default();
        assert_eq!(steam.told(), want, "{word} {prefer}");
        assert_eq!(stderr.contains("]: E: cannot open `"), status == 4, "{stderr}");
    }

    // Where no variable names it, the bus of the user's runtime directory; Steam is gone.
    drop(steam);
    let mut command = named(URLOPEN);
    command.env("HOME", home.path()).env("XDG_RUNTIME_DIR", place.path());
    assert_eq!(outcome(command.arg(web)).0, 0);
    assert_eq!(asked.recv().unwrap(), opened(web));
    let mut command = named(URLOPEN);
    assert_eq!(outcome(command.env("HOME", home.path()).arg(web)).0, 4);
}
