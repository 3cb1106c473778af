//! The options that the programs have in common, as they are read.

use super::changes::Changes;
use super::locking::Locking;
use super::{Variables, words};
use crate::messages::Messages;
use sandbox::{Task, Times, descriptor};
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::time::Duration;

/// How long descendants that are to end have between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(2);

/// Why an option cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It says something that means nothing.
    Usage(String),
    /// What it needs is not there.
    Unavailable(String),
    /// Others hold a lock.
    Busy(String),
}

/// What is asked for.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    changes: Changes,
    clear: bool,
    pass: Vec<RawFd>,
    assign: Vec<(RawFd, RawFd)>,
    hold: Vec<RawFd>,
    locking: Locking,
    /// Held until the end.
    locks: Vec<OwnedFd>,
    /// The command inherits no other descriptors.
    close_others: bool,
    /// This process ends with its parent.
    pub(crate) exit_with_parent: bool,
    /// Orphans are waited for.
    subreaper: bool,
    /// A signal that asks to end, ends everything.
    when_signaled: bool,
    with_main: Option<bool>,
    idle: Duration,
    grace: Option<Duration>,
}

impl Asked {
    /// What the first process of a container does unless it is told otherwise. Since 2026; before, all
    /// but the first had to be asked for.
    pub(crate) fn for_container() -> Self {
        Self {
            close_others: true,
            exit_with_parent: true,
            subreaper: true,
            when_signaled: true,
            ..Self::default()
        }
    }

    /// Follows an option, if it is one of these; whether it was.
    ///
    /// # Errors
    /// Why it cannot be followed.
    pub(crate) fn take(
        &mut self,
        option: &str,
        value: &OsStr,
        messages: &Messages,
    ) -> Result<bool, Refused> {
        if self.switch(option) {
            return Ok(true);
        }
        let usage = |why: &str| Refused::Usage(format!("--{option}={}: {why}", value.display()));
        match option {
            "env" => self.changes.set(value.as_encoded_bytes()).map_err(usage)?,
            "env-fd" => {
                let number = open(option, value)?;
                self.changes.read(number).map_err(|why| usage(&why))?;
                self.hide(number);
            }
            "unset-env" => self.changes.unset(value),
            "inherit-env" => self.changes.inherit(value),
            "inherit-env-matching" => self.changes.inherit_matching(value),
            "pass-fd" => self.pass.push(open(option, value)?),
            "assign-fd" => self.assign.push(assignment(option, value)?),
            "fd" | "lock-fd" => {
                let number = open(option, value)?;
                self.hide(number);
                self.hold.push(number);
            }
            "lock-file" => self.locks.push(self.locking.take(value, messages)?),
            "terminate-timeout" => {
                self.grace = options::seconds(value).ok_or_else(|| usage(SECONDS))?
            }
            "terminate-idle-timeout" => {
                self.idle =
                    options::seconds(value).ok_or_else(|| usage(SECONDS))?.unwrap_or_default();
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Follows an option without a value; whether it is one of these.
    fn switch(&mut self, option: &str) -> bool {
        let (name, on) = match option.strip_prefix("no-") {
            Some(name) => (name, false),
            None => (option, true),
        };
        let switch = match name {
            "clear-env" => &mut self.clear,
            "create" | "lock-create" => &mut self.locking.create,
            "write" | "lock-exclusive" => &mut self.locking.exclusive,
            "wait" | "lock-wait" => &mut self.locking.wait,
            "lock-verbose" => &mut self.locking.verbose,
            "close-fds" => &mut self.close_others,
            "exit-with-parent" => &mut self.exit_with_parent,
            "subreaper" => &mut self.subreaper,
            "terminate-when-signaled" => &mut self.when_signaled,
            "terminate-with-main" => self.with_main.get_or_insert(on),
            "lock-shared" => {
                self.locking.exclusive = false;
                return true;
            }
            "lock-wait-verbose" => {
                self.locking.verbose = true;
                &mut self.locking.wait
            }
            _ => return false,
        };
        *switch = on;
        true
    }

    /// The command does not get what is for us.
    fn hide(&self, number: RawFd) {
        if number > 2 {
            // It was open a moment ago, and nothing closes it.
            let _ = descriptor::keep(number);
        }
    }

    /// Whether descendants end with the command. Older versions had no option of its own for that.
    fn ends_with_main(&self) -> bool {
        self.with_main.unwrap_or(self.grace.is_some())
    }

    /// Whether this process must become the parent of orphans.
    pub(crate) fn needs_orphans(&self) -> bool {
        self.subreaper || self.when_signaled || self.ends_with_main()
    }

    /// The environment of the command.
    pub(crate) fn environment(&self, inherited: &[(OsString, OsString)]) -> Variables {
        let mut variables =
            if self.clear { Variables::default() } else { Variables::of(inherited) };
        self.changes.apply(&mut variables);
        variables
    }

    /// The command as a task.
    pub(crate) fn task(&self, command: Vec<OsString>, environment: Variables) -> Task {
        let times = Times { idle: self.idle, grace: self.grace.unwrap_or(GRACE) };
        let locks = self.locks.iter().map(AsRawFd::as_raw_fd);
        Task {
            command: words(command),
            environment: environment.into_list(),
            pass: self.pass.clone(),
            assign: self.assign.clone(),
            hold: self.hold.iter().copied().chain(locks).collect(),
            close_others: self.close_others,
            die_with_parent: self.exit_with_parent,
            after: self.ends_with_main().then_some(times),
            when_signaled: self.when_signaled.then_some(times),
        }
    }
}

/// What a number of seconds is.
const SECONDS: &str = "that is no number of seconds";

/// The number of a descriptor.
fn number(option: &str, text: &str) -> Result<RawFd, Refused> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let number = text.parse().ok().filter(|_| digits);
    number.ok_or_else(|| Refused::Usage(format!("--{option}: `{text}` is no file descriptor")))
}

/// The number of a descriptor that is open.
fn open(option: &str, value: &OsStr) -> Result<RawFd, Refused> {
    is_open(option, number(option, &value.to_string_lossy())?)
}

fn is_open(option: &str, number: RawFd) -> Result<RawFd, Refused> {
    if sandbox::is_open(number) {
        return Ok(number);
    }
    Err(Refused::Unavailable(format!("--{option}: file descriptor {number} is not open")))
}

/// `TARGET=SOURCE`.
fn assignment(option: &str, value: &OsStr) -> Result<(RawFd, RawFd), Refused> {
    let text = value.to_string_lossy();
    let Some((target, source)) = text.split_once('=') else {
        return Err(Refused::Usage(format!("--{option}: `{text}` is not TARGET=SOURCE")));
    };
    Ok((number(option, target)?, is_open(option, number(option, source)?)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_ends_with_the_command() {
        for (options, ends, orphans) in [
            (&[][..], false, false),
            (&[("terminate-timeout", "5")], true, true),
            (&[("terminate-timeout", "-1")], false, false),
            (&[("terminate-timeout", "5"), ("no-terminate-with-main", "")], false, false),
            (&[("terminate-with-main", "")], true, true),
            (&[("terminate-with-main", ""), ("no-terminate-with-main", "")], false, false),
            (&[("no-terminate-with-main", ""), ("terminate-with-main", "")], true, true),
            (&[("terminate-when-signaled", "")], false, true),
            (&[("subreaper", "")], false, true),
        ] {
            let messages = Messages::new("tried", &[], 0);
            let mut asked = Asked::default();
            for (option, value) in options {
                assert!(asked.take(option, OsStr::new(value), &messages).unwrap(), "{option}");
            }
            assert_eq!(
                (asked.ends_with_main(), asked.needs_orphans()),
                (ends, orphans),
                "{options:?}"
            );
        }
    }

    #[test]
    fn what_means_nothing_is_no_use() {
        let messages = Messages::new("tried", &[], 0);
        for (option, value, usage) in [
            ("env", "FOO", true),
            ("env-fd", "x", true),
            ("env-fd", "1023", false),
            ("pass-fd", "-1", true),
            ("pass-fd", "1023", false),
            ("pass-fd", "99999999999", true),
            ("fd", "nope", true),
            ("assign-fd", "2", true),
            ("assign-fd", "2=-1", true),
            ("assign-fd", "-1=2", true),
            ("assign-fd", "2=1023", false),
            ("terminate-timeout", "soon", true),
            ("lock-file", "/proc/none/lock", false),
        ] {
            let refused = Asked::default().take(option, OsStr::new(value), &messages).unwrap_err();
            assert_eq!(matches!(refused, Refused::Usage(_)), usage, "{option} {value} {refused:?}");
        }
        assert!(!Asked::default().take("shell", OsStr::new("none"), &messages).unwrap());
    }
}
