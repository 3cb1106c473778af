//! Asks Flatpak's portal for a sub-sandbox, passes signals to it, and waits for its end.

use super::spawn::Asked;
use super::terminal::Terminal;
use crate::edge::Edge;
use crate::stop::Stop;
use bus::flatpak::{EXPOSE_PIDS, Portal, Spawn};
use compose::Inherited;
use plan::{Code, HostPath, Problem};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{Mode, OFlags, open, stat};
use rustix::io::Errno;
use rustix::process::{Signal, getpid, kill_process};
use sandbox::Signals;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

/// For one call. The portal may have to be started, and makes a sandbox.
const LIMIT: Duration = Duration::from_secs(25);

/// The first version with another `/usr`.
const VERSION: u32 = 6;

/// Whether the command has ended well cannot be known any more.
const LOST: u8 = 255;

/// Signals that are passed on.
const PASSED: &[Signal] = &[
    Signal::HUP,
    Signal::INT,
    Signal::QUIT,
    Signal::TERM,
    Signal::CONT,
    Signal::TSTP,
    Signal::USR1,
    Signal::USR2,
    Signal::TTIN,
    Signal::TTOU,
    Signal::WINCH,
];

/// Calls the portal.
pub(super) struct Caller {
    portal: Portal,
    shares_pids: bool,
}

impl Caller {
    /// Connects, and sees whether the portal can do what is needed.
    ///
    /// # Errors
    /// When it cannot.
    pub(super) fn open(edge: &Edge) -> Result<Self, Stop> {
        let address = edge.inherited.non_empty("DBUS_SESSION_BUS_ADDRESS").ok_or_else(|| {
            let cause =
                "DBUS_SESSION_BUS_ADDRESS is not set, so that Flatpak's portal cannot be asked";
            Problem::blocking(Code::FLATPAK_PORTAL, cause)
                .hint("start the app in a desktop session")
        })?;
        let ask = || {
            let mut portal = Portal::open(address.as_bytes(), LIMIT)?;
            let version = portal.property("version")?;
            let supports = portal.property("supports")?;
            Ok((portal, version, supports))
        };
        let (portal, version, supports) = ask().map_err(|error| refused(&error))?;
        if version < VERSION {
            let cause = format!(
                "Flatpak's portal has version {version}, and another `/usr` needs {VERSION}"
            );
            return Err(Problem::blocking(Code::FLATPAK_PORTAL, cause)
                .hint("update Flatpak to 1.12 or later, and start the session anew")
                .into());
        }
        Ok(Self { portal, shares_pids: supports & EXPOSE_PIDS != 0 })
    }

    /// Starts what is asked for and waits for it. Gives back its status.
    ///
    /// # Errors
    /// When it cannot be started, or the portal is gone before it has ended.
    pub(super) fn execute(&mut self, asked: &Asked, environment: &Inherited) -> Result<u8, Stop> {
        if asked.flags & bus::flatpak::SHARE_PIDS != 0 && !self.shares_pids {
            let cause = "Flatpak's portal cannot share process numbers with a sub-sandbox";
            return Err(Problem::blocking(Code::FLATPAK_PORTAL, cause)
                .hint("install a bwrap for Flatpak that is not set-uid root")
                .into());
        }
        let numbers: Vec<i32> = PASSED.iter().map(|signal| signal.as_raw()).collect();
        // From before the start, so that none is lost.
        let signals = Signals::block(&numbers).map_err(|error| {
            Problem::blocking(Code::FLATPAK_PORTAL, error.to_string())
                .hint("allow more open files (`ulimit -n`)")
        })?;
        let (pid, mut terminals) = self.start(asked, environment)?;
        self.wait(pid, &signals, &mut terminals).map_err(|error| {
            let cause =
                format!("Flatpak's portal is gone, and the command's status with it: {error}");
            let problem = Problem::blocking(Code::FLATPAK_PORTAL, cause)
                .hint("see what the service flatpak-portal says: `journalctl --user`");
            Stop { problems: vec![problem], status: LOST }
        })
    }

    fn start(
        &mut self,
        asked: &Asked,
        environment: &Inherited,
    ) -> Result<(u32, Vec<Terminal>), Stop> {
        let failed = |what: &str, errno: Errno| {
            Problem::blocking(Code::FLATPAK_PORTAL, format!("{what}: {errno}"))
                .hint("see that the files of the app can be read")
        };
        let stdin = if asked.null_stdin { Some("/dev/null") } else { None };
        let null = stdin.map(|path| open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()));
        let null = null.transpose().map_err(|errno| failed("opening /dev/null", errno))?;
        let forwarded = copies(&asked.forwarded)?;
        let mut descriptors: Vec<(u32, BorrowedFd<'_>)> = vec![
            (0, null.as_ref().map_or(rustix::stdio::stdin(), |null| null.as_fd())),
            (1, rustix::stdio::stdout()),
            (2, rustix::stdio::stderr()),
        ];
        descriptors.extend(forwarded.iter().map(|(number, fd)| (*number, fd.as_fd())));
        let terminals = Terminal::of(&descriptors);
        for (_, fd) in &mut descriptors {
            *fd = terminals.iter().find_map(|terminal| terminal.instead_of(*fd)).unwrap_or(*fd);
        }
        let usr = asked.usr.as_ref().map(|usr| {
            let usr = seen_outside(usr, environment);
            let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            open(usr.as_path(), flags, Mode::empty())
        });
        let usr = usr.transpose().map_err(|errno| failed("opening the runtime's copy", errno))?;
        let spawn = Spawn {
            directory: asked.directory.as_bytes(),
            words: asked.words.iter().map(|word| word.as_bytes()).collect(),
            descriptors: &descriptors,
            set: &asked.set,
            unset: &asked.unset,
            flags: asked.flags,
            usr: usr.as_ref().map(AsFd::as_fd),
        };
        let pid = self.portal.spawn(&spawn).map_err(|error| refused(&error))?;
        Ok((pid, terminals))
    }

    /// Passes on signals, and what goes through terminals, until the command has ended.
    fn wait(
        &mut self,
        pid: u32,
        signals: &Signals,
        terminals: &mut [Terminal],
    ) -> Result<u8, bus::Error> {
        loop {
            if let Some(status) = self.portal.ended(pid)? {
                return Ok(exit_status(status));
            }
            let mut ready =
                vec![PollFd::new(&self.portal, PollFlags::IN), PollFd::new(signals, PollFlags::IN)];
            ready.extend(terminals.iter_mut().flat_map(Terminal::watched));
            match poll(&mut ready, None) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(errno) => return Err(bus::Error::Io { call: "poll", errno }),
            }
            let typed = ready.iter().skip(3).step_by(2).map(|own| !own.revents().is_empty());
            let typed: Vec<bool> = typed.collect();
            terminals.iter_mut().zip(typed).for_each(|(terminal, typed)| terminal.carry(typed));
            while let Ok(Some(signal)) = signals.arrived() {
                if !Terminal::signal(terminals, signal) {
                    self.pass(pid, signal)?;
                }
            }
        }
    }

    fn pass(&mut self, pid: u32, signal: i32) -> Result<(), bus::Error> {
        let stop = signal == Signal::TSTP.as_raw();
        // A program in a session of its own is not stopped by the other one.
        let sent = if stop { Signal::STOP.as_raw() } else { signal };
        let of_group = [Signal::INT, Signal::STOP, Signal::CONT].map(Signal::as_raw);
        let number = u32::try_from(sent).unwrap_or_default();
        match self.portal.signal(pid, number, of_group.contains(&sent)) {
            // It has ended, and its status comes.
            Err(bus::Error::Call { name, text }) => log::info!("signal {sent}: {name}: {text}"),
            other => other?,
        }
        if stop && let Err(errno) = kill_process(getpid(), Signal::STOP) {
            log::warn!("stopping: {errno}");
        }
        Ok(())
    }
}

fn refused(error: &bus::Error) -> Problem {
    Problem::blocking(Code::FLATPAK_PORTAL, format!("Flatpak's portal: {error}"))
        .hint("see that the service flatpak-portal runs in this session, and what it says")
}

/// The descriptors by their numbers.
fn copies(numbers: &[i32]) -> Result<Vec<(u32, OwnedFd)>, Stop> {
    let copy = |number: &i32| {
        let fd = sandbox::descriptor::copy(*number).map_err(|error| {
            Problem::blocking(Code::BAD_VALUE, format!("descriptor {number}: {error}"))
                .hint("pass descriptors that are open")
        })?;
        Ok((u32::try_from(*number).unwrap_or_default(), fd))
    };
    numbers.iter().map(copy).collect()
}

/// A directory by the name that it has outside: an app's private home is part of the user's.
fn seen_outside(path: &HostPath, environment: &Inherited) -> HostPath {
    let other = (|| {
        let home = HostPath::root().lexically(&environment.path("HOME")?);
        let app = environment.non_empty("FLATPAK_ID")?;
        let rest = path.as_path().strip_prefix(home.as_path()).ok()?;
        home.at(".var/app").join(app).ok()?.join(rest).ok()
    })();
    let identity = |path: &HostPath| stat(path.as_path()).map(|s| (s.st_dev, s.st_ino)).ok();
    match other {
        Some(other) if identity(&other).is_some() && identity(&other) == identity(path) => other,
        _ => path.clone(),
    }
}

/// From the status of waitpid(2).
fn exit_status(status: u32) -> u8 {
    let [low, exit, ..] = status.to_le_bytes();
    match low & 0x7f {
        0 => exit,
        signal => 128 | signal,
    }
}
