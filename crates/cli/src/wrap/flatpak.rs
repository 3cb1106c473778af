//! Inside Flatpak, where no namespaces can be made: Flatpak makes a sandbox beside this one, whose `/usr` is a copy of
//! the runtime, and starts `pressure-vessel-adverb` in it.
//!
//! Knows: what such a sub-sandbox cannot have, and the order in which it is prepared. What is asked of the portal
//! is a value ([`spawn`]); asking for it is something else ([`portal`]).

mod portal;
mod runtime;
mod spawn;
mod terminal;
#[cfg(test)]
mod tests;
mod version;

use super::settings::{Home, Settings};
use super::{SETUP, Wrap, failed, prepare, process, request};
use crate::launch::{self, Job};
use crate::report;
use crate::session::{Manner, Session};
use crate::stop::Stop;
use crate::timings::Timings;
use compose::{EmulatorChoice, Facts, Request};
use plan::{Code, Plan};
use std::cell::{Cell, RefCell};
use std::os::fd::AsRawFd;

/// By which a sandbox of Flatpak's is known, and in which it is described.
const INFO: &str = "/.flatpak-info";

/// Whether this is a sandbox of Flatpak's.
pub(super) fn is_inside() -> bool {
    let file = rustix::fs::stat(INFO);
    file.is_ok_and(|stat| {
        rustix::fs::FileType::from_raw_mode(stat.st_mode) == rustix::fs::FileType::RegularFile
    })
}

/// The whole launch, or as much of it as is asked for.
pub(super) fn run(wrap: &Wrap) -> Result<u8, Stop> {
    let settings = &wrap.settings;
    let info = std::fs::read(INFO).unwrap_or_default();
    if let Some(warning) = version::check(&info)? {
        report::problem(&warning);
    }
    possible(settings)?;
    let mut portal = portal::Caller::open(&wrap.edge)?;
    if settings.test {
        return Ok(0);
    }
    process::limit_descriptors();
    let terminal = process::terminal(settings.terminal)?;
    prepare::variable_directory(settings);
    let ask = |facts: &Facts| {
        let request = request::request(wrap, facts, terminal.as_ref())?;
        Ok(Request { sub_sandbox: true, emulator: EmulatorChoice::None, ..request })
    };
    let status = Cell::new(SETUP);
    let spawn = |session: &Session, plan: &Plan| {
        status.set(start(wrap, session, plan, &mut portal)?);
        Ok(())
    };
    let spawn = RefCell::new(spawn);
    let manner = Manner {
        backend: sandbox::Backend::Auto,
        may_restack: false,
        store: None,
        verbose: wrap.verbose,
        timings: false,
        // What is asked is whether a container of ours would do.
        check: false,
        // Done by the adverb.
        generate_locales: false,
    };
    let job = Job {
        manner,
        edge: wrap.edge.clone(),
        ask: &ask,
        question: None,
        instead: Some(&|session, plan| (spawn.borrow_mut())(session, plan)),
    };
    launch::launch(&job, &mut Timings::new(false))?;
    Ok(status.get())
}

/// What a sub-sandbox does not have.
fn possible(settings: &Settings) -> Result<(), Stop> {
    let refuse = |what: &str, hint: &str| {
        let cause = format!("inside Flatpak, {what}");
        Err(failed(Code::FLATPAK_LIMITS, cause, hint))
    };
    if settings.home != Home::Shared {
        return refuse("the home directory is the app's", "use `--share-home`");
    }
    if settings.runtime.is_some() && !settings.copy_runtime {
        return refuse(
            "a runtime is used through a copy of it",
            "use `--copy-runtime`, which is the default there, with `--variable-dir`",
        );
    }
    if !settings.shared.is_empty() {
        log::warn!("--filesystem: a sub-sandbox of Flatpak's has the files that the app has");
    }
    Ok(())
}

/// Prepares the sub-sandbox's files and starts the command in it. Gives back the command's status.
fn start(
    wrap: &Wrap,
    session: &Session,
    plan: &Plan,
    portal: &mut portal::Caller,
) -> Result<u8, Stop> {
    let settings = &wrap.settings;
    let copied = prepare::copy(wrap, session, plan)?;
    let directory = runtime::directory(&wrap.edge.inherited)?;
    if let Some(copied) = &copied {
        runtime::complete(&copied.path, &directory, plan)?;
    }
    let copy = copied
        .as_ref()
        .map(|copied| spawn::Copy { usr: copied.path.at("usr"), lock: copied.lock.as_raw_fd() });
    let adverb = runtime::adverb(wrap.prefix.as_ref(), copy.as_ref())?;
    let guard = runtime::guard(&wrap.edge.inherited);
    let asked = spawn::spawn(&spawn::Launch {
        settings,
        plan,
        inherited: &wrap.edge.environment,
        adverb,
        copy,
        linker: &directory,
        guard,
        verbose: wrap.verbose,
    });
    for name in &asked.dropped {
        log::warn!("the variable {name} is left out: D-Bus passes nothing but UTF-8");
    }
    if let Some(file) = &settings.final_argv {
        let words: Vec<&[u8]> = asked.words.iter().map(|word| word.as_bytes()).collect();
        let mut bytes = words.join(&0);
        bytes.push(0);
        prepare::write(file, &bytes)?;
    }
    if settings.only_prepare {
        return Ok(0);
    }
    portal.execute(&asked, &wrap.edge.inherited)
}
