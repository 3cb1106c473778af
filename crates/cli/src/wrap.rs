//! `pressure-vessel-wrap`: what its options and environment ask for becomes the launch that `run` makes.
//!
//! Knows: its exit statuses, and what it does beside the launch (the variable directory, a scope of systemd,
//! limits of the process). What the options mean is in [`settings`]; what a container is, in `compose`.

mod app;
mod flatpak;
mod obsolete;
mod prepare;
mod process;
mod reading;
mod request;
mod settings;

use crate::edge::Edge;
use crate::foreign::Foreign;
use crate::launch::{self, Job};
use crate::session::{Manner, Session};
use crate::stop::Stop;
use crate::timings::Timings;
use crate::{FAILURE, USAGE, logger, report, warm};
use compose::Facts;
use plan::{Code, Plan, Problem};
use reading::{Reading, Usage};
use sandbox::Backend;
use settings::Settings;
use std::ffi::{OsStr, OsString};
use std::io::Write;
use tools::interactive::Terminal;
use tools::messages::{self, Level, Messages};
use tools::{Invocation, variable};

/// A failure before the command is executed.
const SETUP: u8 = 1;

/// Where a launch is to say what it decides, nothing is remembered. `name`: how this program was started.
pub(crate) fn run(invocation: &Invocation, name: &OsStr, foreign: Option<&Foreign>) -> u8 {
    let program = invocation.program.name();
    if variable(&invocation.environment, "STEAM_RUNTIME").is_some() {
        let messages = Messages::new(program, &invocation.environment, 0);
        messages.error("STEAM_RUNTIME is set: start pressure-vessel-unruntime instead, which leaves that environment");
        return USAGE;
    }
    let (given, messages) = match messages::begin(invocation, USAGE) {
        Ok(begun) => begun,
        Err(status) => return status,
    };
    if given.has("version-only") {
        // A closed standard output is no reason to fail.
        let _ = writeln!(std::io::stdout(), "{}", env!("CARGO_PKG_VERSION"));
        return 0;
    }
    let messages = report::speak_as(messages);
    logger::start(u8::from(messages.shows(Level::Info)) + u8::from(messages.shows(Level::Debug)));
    let reading = Reading { given: &given, environment: &invocation.environment, messages };
    let wrong = |Usage(why)| {
        messages.error(why);
        messages.error(format_args!("`{program} --help` says what it takes"));
        USAGE
    };
    let settings = match Settings::read(&reading) {
        Ok(settings) => settings,
        Err(usage) => return wrong(usage),
    };
    if let Some(problem) = foreign.and_then(Foreign::refusal) {
        report::problem(&problem);
        return SETUP;
    }
    let needs_none = settings.only_prepare || settings.test || settings.launcher;
    if given.words.is_empty() && !needs_none {
        return wrong(Usage("there is no command to run".into()));
    }
    let wrap = Wrap {
        settings,
        words: given.words,
        edge: Edge::of(invocation.environment.clone()),
        arguments: [name.to_owned()].into_iter().chain(invocation.arguments.clone()).collect(),
        prefix: app::prefix(name, &invocation.executable),
        program,
        verbose: messages.shows(Level::Info),
    };
    wrap.run(foreign.is_some()).unwrap_or_else(|stop| {
        stop.problems.iter().for_each(report::problem);
        // Of `env(1)`'s statuses, those of the command are the same here.
        if matches!(stop.status, FAILURE | USAGE) { SETUP } else { stop.status }
    })
}

/// Everything that was asked for.
struct Wrap {
    settings: Settings,
    /// The command, or the launcher service's arguments.
    words: Vec<OsString>,
    edge: Edge,
    /// The whole command line.
    arguments: Vec<OsString>,
    /// The directory that has this program in its `bin`.
    prefix: Option<plan::HostPath>,
    program: &'static str,
    verbose: bool,
}

impl Wrap {
    fn run(&self, is_foreign: bool) -> Result<u8, Stop> {
        let settings = &self.settings;
        if settings.unshare_pid {
            log::warn!(
                "--unshare-pid: Steam does not see a game that has process numbers of its own"
            );
        }
        if flatpak::is_inside() {
            return flatpak::run(self);
        }
        if settings.test {
            let options = self.edge.options(self.backend());
            let tried = sandbox::usable(&options);
            return tried.map(|_| 0).map_err(|error| error.problem().into());
        }
        process::limit_descriptors();
        process::load_nvidia();
        let terminal = process::terminal(settings.terminal)?;
        if settings.systemd_scope && !settings.only_prepare {
            process::enter_scope(settings.app.as_deref());
        }
        let remembered = !self.verbose
            && !settings.only_prepare
            && settings.final_argv.is_none()
            // Its descriptor has another number each time.
            && settings.terminal != Terminal::Tty;
        if remembered
            && !is_foreign
            && let Some(status) = warm::again(&self.arguments, self.edge.clone(), SETUP)
        {
            return Ok(status);
        }
        let collected = prepare::variable_directory(settings);
        self.launch(remembered && collected, terminal.as_ref())
    }

    fn backend(&self) -> Backend {
        // Who names a bwrap has a reason to want that one.
        let named = self.edge.inherited.non_empty("PRESSURE_VESSEL_BWRAP").is_some();
        if named { Backend::Bwrap } else { Backend::Auto }
    }

    fn launch(&self, remembered: bool, terminal: Option<&process::Tty>) -> Result<u8, Stop> {
        let settings = &self.settings;
        let manner = Manner {
            backend: self.backend(),
            may_restack: true,
            store: None,
            verbose: self.verbose,
            timings: false,
            check: !settings.only_prepare,
            generate_locales: settings.generate_locales,
        };
        let ask = |facts: &Facts| request::request(self, facts, terminal);
        let mut timings = Timings::new(false);
        if let Some(file) = &settings.final_argv {
            let session = Session::asked(&manner, self.edge.clone(), &ask, &mut timings)?;
            prepare::write_argv(file, session)?;
        }
        let copy = |session: &Session, plan: &Plan| prepare::copy(self, session, plan).map(drop);
        let job = Job {
            manner,
            edge: self.edge.clone(),
            ask: &ask,
            question: remembered.then_some(&self.arguments),
            instead: if settings.only_prepare { Some(&copy) } else { None },
        };
        launch::launch(&job, &mut timings)
    }
}

/// A failure of what is done beside the launch.
fn failed(code: Code, cause: String, hint: &str) -> Stop {
    Problem::blocking(code, cause).hint(hint).into()
}
