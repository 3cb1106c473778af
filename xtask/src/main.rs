//! Tasks of this project: `cargo xtask COMMAND`.

#![allow(clippy::disallowed_methods, reason = "tasks work on the machine itself, not in a root")]

mod bench;
mod cargo;
mod completions;
mod demo;
mod display;
mod dist;
mod error;
mod lab;
mod licences;
mod manual;
mod process;
mod progress;
mod setup;
#[cfg(test)]
mod shell;
mod test;
mod user;
mod vm;

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};

use error::Result;
use lab::Lab;
use lab::enter::{Bind, Entry};

/// Set-up, laboratory, demonstration, tests, distribution and benchmarks of Bathysphere.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Install what the project needs on a Debian or Ubuntu machine
    Setup,
    /// List, build and enter Debian systems that serve as runtimes and hosts
    Lab {
        #[command(subcommand)]
        action: Option<LabAction>,
    },
    /// Run a command in a virtual AArch64 machine, without a network, and end it
    Vm(VmRun),
    /// Play a real OpenGL game in a container, with this machine's drivers, and take its picture
    Demo,
    /// Run every test: format, lints, static binaries, this machine, every host of the laboratory
    Test {
        /// Suites to run; all when none is named
        #[arg(value_parser = clap::builder::PossibleValuesParser::new(test::names()))]
        suites: Vec<String>,
        /// Take a skipped test for a failure; also with CI=true in the environment
        #[arg(long)]
        no_skip: bool,
    },
    /// Build the static binary of every architecture, and trees that can take the place of pressure-vessel, into dist/
    Dist,
    /// Compare launches with bare bwrap on this machine
    Bench {
        /// Print JSON instead of a table
        #[arg(long)]
        json: bool,
        /// Write docs/images/performance.svg
        #[arg(long)]
        picture: bool,
        /// Rounds in which every subject is measured
        #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
        rounds: u32,
    },
}

/// What the virtual machine is asked for.
#[derive(clap::Args)]
struct VmRun {
    /// The root that it is started from
    #[arg(long, default_value = vm::HOSTS[0], value_parser = clap::builder::PossibleValuesParser::new(vm::HOSTS))]
    host: String,
    /// Run the command as the unprivileged test user instead of root
    #[arg(long)]
    user: bool,
    /// Show a directory of this machine inside, at a place that exists there
    #[arg(long, value_name = "SOURCE[:TARGET[:rw]]")]
    bind: Vec<Bind>,
    /// Set an environment variable; nothing else is inherited
    #[arg(long, value_name = "NAME=VALUE")]
    env: Vec<String>,
    /// Seconds after which the machine is ended
    #[arg(long, default_value_t = 600)]
    limit: u64,
    /// The command with its arguments
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

#[derive(Subcommand)]
enum LabAction {
    /// Show every root and whether it has been built
    List,
    /// Build roots that are not there or whose recipe has changed
    Build {
        /// Roots to build; all when none is named
        names: Vec<String>,
    },
    /// Show that hosts work: an ordinary user may create user namespaces in them
    Check {
        /// Hosts to check; all when none is named
        names: Vec<String>,
    },
    /// Print the directory of a root
    Path {
        /// The root
        name: String,
    },
    /// Run a command in a root, as if the machine had been started from it
    Enter {
        /// The root
        name: String,
        /// Run it as the unprivileged test user instead of root
        #[arg(long)]
        user: bool,
        /// Show something of this machine inside
        #[arg(long, value_name = "SOURCE[:TARGET[:rw]]")]
        bind: Vec<Bind>,
        /// Set an environment variable; nothing else is inherited
        #[arg(long, value_name = "NAME=VALUE")]
        env: Vec<String>,
        /// The command with its arguments
        #[arg(last = true, required = true)]
        command: Vec<OsString>,
    },
}

fn main() -> ExitCode {
    match run(Cli::parse().task) {
        Ok(code) => code,
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<ExitCode> {
    match task {
        Task::Setup => setup::run()?,
        Task::Vm(options) => return machine(options),
        Task::Demo => demo::run()?,
        Task::Test { suites, no_skip } => {
            let ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty());
            test::run(&test::Options { suites, no_skip: no_skip || ci })?;
        }
        Task::Dist => drop(dist::run()?),
        Task::Bench { json, picture, rounds } => {
            bench::run(&bench::Options { json, picture, rounds })?;
        }
        Task::Lab { action } => return laboratory(action.unwrap_or(LabAction::List)),
    }
    Ok(ExitCode::SUCCESS)
}

fn laboratory(action: LabAction) -> Result<ExitCode> {
    let lab = Lab::from_environment();
    match action {
        LabAction::List => lab.list(),
        LabAction::Build { names } => lab.build(&names)?,
        LabAction::Check { names } => {
            let all = Lab::hosts().map(str::to_owned);
            for name in if names.is_empty() { all.collect() } else { names } {
                Entry::check(lab.root(&name)?)?;
                println!("{name}: user namespaces work for an ordinary user");
            }
        }
        LabAction::Path { name } => println!("{}", lab.root(&name)?.display()),
        LabAction::Enter { name, user, bind, env, command } => {
            let mut entry = Entry::new(lab.root(&name)?);
            if user {
                entry = entry.unprivileged();
            }
            entry = bind.into_iter().fold(entry, Entry::bind);
            for variable in env {
                let (name, value) = variable.split_once('=').unwrap_or((&variable, ""));
                entry = entry.env(name, value);
            }
            let status = entry.run(&command)?;
            return Ok(lab::enter::exit_code(status));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn machine(options: VmRun) -> Result<ExitCode> {
    let lab = Lab::from_environment();
    let mut machine =
        vm::Machine::new(&lab, &options.host)?.limit(Duration::from_secs(options.limit));
    if options.user {
        machine = machine.unprivileged();
    }
    machine = options.bind.into_iter().fold(machine, vm::Machine::bind);
    for variable in options.env {
        let (name, value) = variable.split_once('=').unwrap_or((&variable, ""));
        machine = machine.env(name, value);
    }
    let ended = machine.run(&options.command, std::process::Command::status)?;
    let (started, seconds) = (ended.started, ended.ended - ended.started);
    progress::note(&format!(
        "the machine was up after {started:.0} s; the command took {seconds:.0} s"
    ));
    match ended.status {
        Some(status) => Ok(ExitCode::from(status)),
        None => Err(error::Problem::new(format!(
            "the machine ended without running it\n{}",
            ended.console
        ))),
    }
}
