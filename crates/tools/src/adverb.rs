//! `pressure-vessel-adverb`: the first process in a container that another tool has made.
//!
//! Order, as its callers rely on: locks while options are read; ties to the parent; shell or terminal
//! around the command; cache of the dynamic linker; directories per architecture, SDL, VDPAU, modules to
//! preload; locales; the command; what it leaves behind. What fails of these is told and left out, as far
//! as the command can do without.

mod asked;
mod drivers;
mod ldso;
mod libraries;
mod locales;
mod preload;
mod shell;

use crate::Invocation;
use crate::messages::{self, Messages};
use crate::supervised::{self, Refused, Variables};
use asked::Asked;
use drivers::Drivers;
use inspect::root::Root;
use libraries::Libraries;
use plan::HostPath;
use sandbox::{Outcome, Supervisor};
use std::ffi::OsString;
use std::os::fd::AsRawFd;

/// `EX_USAGE` of sysexits.h.
const USAGE: u8 = 64;
/// `EX_UNAVAILABLE`.
const UNAVAILABLE: u8 = 69;
/// `EX_TEMPFAIL`.
const BUSY: u8 = 75;

/// Why the command is not reached.
enum Stop {
    Refused(Refused),
    /// A signal came first.
    Signal(i32),
}

impl From<Refused> for Stop {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

/// The program.
pub(crate) fn run(invocation: &Invocation) -> u8 {
    // What is temporary is gone before a signal ends this process.
    supervised::status(attempt(invocation))
}

fn attempt(invocation: &Invocation) -> Outcome {
    let (given, wrong, messages) = messages::read(invocation);
    let mut asked = Asked::new(&invocation.environment, &messages);
    let words = supervised::command(invocation, (given, wrong), &mut |option, value| {
        asked.take(option, value, &messages)
    });
    let work = Work { invocation, asked, messages };
    let outcome = match words {
        Ok(Some(words)) => work.all(words),
        Ok(None) => Ok(Outcome::Status(0)),
        Err(refused) => Err(refused.into()),
    };
    outcome.unwrap_or_else(|stop| match stop {
        Stop::Refused(refused) => refuse(refused, &work.messages),
        Stop::Signal(signal) => Outcome::Signal(signal),
    })
}

fn refuse(refused: Refused, messages: &Messages) -> Outcome {
    let (status, why) = match refused {
        Refused::Usage(why) => (USAGE, why),
        Refused::Unavailable(why) => (UNAVAILABLE, why),
        Refused::Busy(why) => (BUSY, why),
    };
    messages.error(why);
    Outcome::Status(status)
}

/// What is to be done, and with what.
struct Work<'i> {
    invocation: &'i Invocation,
    asked: Asked,
    messages: Messages,
}

impl Work<'_> {
    fn all(&self, words: Vec<OsString>) -> Result<Outcome, Stop> {
        let common = &self.asked.common;
        let supervisor = Supervisor::new(common.exit_with_parent, common.needs_orphans())
            .map_err(|failure| Refused::Unavailable(failure.to_string()))?;
        let mut variables = common.environment(&self.invocation.environment);
        let (words, terminal) = shell::around(&self.asked, words)?;
        self.cache(&supervisor, &mut variables)?;
        let root = self.said("looking at libraries", Root::open(HostPath::root()));
        let libraries = root.as_ref().and_then(|root| self.libraries(root));
        if let (Some(root), Some(libraries)) = (&root, &libraries) {
            let (asked, messages) = (&self.asked, &self.messages);
            let drivers = Drivers { root, libraries, asked, messages };
            drivers.sdl(&mut variables);
            drivers.vdpau(&mut variables);
        }
        preload::set(&self.asked.modules, libraries.as_ref(), &mut variables)?;
        let locales = self.locales(&supervisor, &mut variables)?;
        let mut task = common.task(words, variables);
        if let Some(terminal) = &terminal {
            let number = terminal.as_raw_fd();
            // What is assigned by name wins.
            task.assign.splice(0..0, (0..=2).map(|target| (target, number)));
            task.hold.push(number);
        }
        let outcome = supervised::run(&supervisor, &task, &self.messages);
        drop((locales, libraries));
        Ok(outcome)
    }

    /// What there is, or nothing and a word about it.
    fn said<T, E: std::fmt::Display>(&self, doing: &str, result: Result<T, E>) -> Option<T> {
        result.inspect_err(|error| self.messages.warning(format_args!("{doing}: {error}"))).ok()
    }

    /// The directories per architecture.
    fn libraries(&self, root: &Root) -> Option<Libraries> {
        let tuples = self.asked.architectures();
        self.said(
            "directories for libraries",
            Libraries::make(root, &tuples, &self.asked.temporary),
        )
    }

    /// Makes the cache of the dynamic linker anew. Where that fails, the library path that the command
    /// has inherited has what the cache would have had.
    fn cache(&self, supervisor: &Supervisor, variables: &mut Variables) -> Result<(), Stop> {
        let asked = &self.asked;
        if let Some(directory) = &asked.cache {
            let cache = ldso::Cache {
                directory,
                paths: &asked.paths,
                emulator: asked.emulator.as_ref(),
                architecture: asked.ldconfig,
                verbose: self.messages.shows(messages::Level::Info),
            };
            let environment = Variables::of(&self.invocation.environment);
            match cache.regenerate(supervisor, environment) {
                Ok(Outcome::Signal(signal)) => return Err(Stop::Signal(signal)),
                Ok(Outcome::Status(_)) => {
                    self.messages.debug(format_args!("made the cache in {}", directory.display()));
                }
                Err(why) => {
                    self.messages.warning(why);
                    self.messages.warning("the command keeps the LD_LIBRARY_PATH it has");
                    return Ok(());
                }
            }
        }
        if let Some(value) = &asked.library_path {
            variables.set("LD_LIBRARY_PATH", value.as_os_str());
        }
        Ok(())
    }

    /// Makes missing locales.
    fn locales(
        &self,
        supervisor: &Supervisor,
        variables: &mut Variables,
    ) -> Result<Option<crate::temporary::Temporary>, Stop> {
        if !self.asked.generate_locales {
            return Ok(None);
        }
        let made =
            locales::make(supervisor, self.invocation, &self.asked.temporary, &self.messages);
        match made {
            Ok(Some(directory)) => {
                self.messages.info(format_args!("locales in {}", directory.path().display()));
                variables.set("LOCPATH", directory.path().as_os_str());
                Ok(Some(directory))
            }
            Ok(None) => {
                self.messages.info("no locale is missing");
                Ok(None)
            }
            Err(locales::Failed::Signal(signal)) => Err(Stop::Signal(signal)),
            Err(locales::Failed::Because(why)) => {
                self.messages.warning(format_args!("locales cannot be made: {why}"));
                Ok(None)
            }
        }
    }
}
