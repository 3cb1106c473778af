//! The command line: each option once, with its documentation. No logic.

mod install;
mod manual;

use clap::{Args, Parser, Subcommand, ValueEnum};
pub use install::{Install, Uninstall};
pub use manual::{STATUSES, VARIABLES};
use std::ffi::OsString;
use std::path::PathBuf;

/// Runs a game in a container made of a runtime and this machine's graphics drivers.
#[derive(Debug, Parser)]
#[command(name = "bathysphere", version, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start a command in a container.
    Run(Run),
    /// Show what `run` with the same options would do, and do nothing.
    Plan(ShowPlan),
    /// Look at this machine: kernel, namespaces, drivers, emulators, runtimes, store, desktop. Exit
    /// status 0 when a launch can work, 1 when something stops it.
    Doctor(Doctor),
    /// Find out what `run` with the same options would meet with, and run nothing. Exit status 0 when
    /// nothing stops it, else that of `run`.
    Check(CheckPlan),
    /// Say where a file or library of the container comes from and why, for a launch with the same
    /// options as `run`; or what a problem code (BS0001 …) means and what to do about it.
    Explain(Explain),
    /// Runtimes on this machine: list, download, verify and remove them, and delete what is unused.
    #[command(subcommand)]
    Runtime(Runtime),
    /// Take the place of pressure-vessel for Steam and others: write a tree of all programs, replace that
    /// of an installed Steam Linux Runtime, or add a compatibility tool to Steam.
    Install(Install),
    /// Undo what `install` has done: what was replaced is put back as it was.
    Uninstall(Uninstall),
    /// Secure what is new in a store and delete what is long unused. Started by `run` in the
    /// background after it has prepared something.
    #[command(hide = true)]
    TidyStore {
        /// The store.
        store: PathBuf,
    },
}

/// What is done with runtimes.
#[derive(Debug, Subcommand)]
pub enum Runtime {
    /// List Steam's, umu's, and those that `add` put there: name, version, form, state, size, place.
    List(ListRuntimes),
    /// Download a runtime of Steam, or take one from an archive or a directory.
    Add(AddRuntime),
    /// Compare a runtime with the manifests that came with it. Exit status 1 when it differs.
    Verify(VerifyRuntime),
    /// Delete what nobody uses: older versions, unfinished downloads, prepared layers, and copies in
    /// variable directories.
    Gc(CollectRuntimes),
    /// Delete a runtime that `add` put there and nobody uses.
    Remove(RemoveRuntime),
}

/// Arguments of `runtime list`.
#[derive(Debug, Args)]
pub struct ListRuntimes {
    /// Print the list as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `runtime add`.
#[derive(Debug, Args)]
pub struct AddRuntime {
    /// What is added: sniper, soldier, steamrt4 and later ones, each also with `-arm64`; or an archive
    /// (.tar, .tar.gz, .tar.xz) or directory, with a `/` in its name.
    #[arg(value_name = "NAME|ARCHIVE|DIR")]
    pub what: OsString,
    /// What an archive or directory is called here. Default: from its own name.
    #[arg(long)]
    pub name: Option<String>,
    /// Which of the published versions: a version, or a name that the server has for one.
    #[arg(long, value_name = "VERSION", default_value = "latest-public-stable")]
    pub snapshot: String,
    /// The server. Default: $BATHYSPHERE_MIRROR, else https://repo.steampowered.com.
    #[arg(long, value_name = "URL")]
    pub mirror: Option<String>,
}

/// Arguments of `runtime verify`.
#[derive(Debug, Args)]
pub struct VerifyRuntime {
    /// An installed runtime, or a directory (with a `/` in it).
    #[arg(value_name = "NAME|DIR")]
    pub what: OsString,
}

/// Arguments of `runtime gc`.
#[derive(Debug, Args)]
pub struct CollectRuntimes {
    /// Collect the copies in this variable directory too. Repeatable.
    #[arg(long, value_name = "DIR")]
    pub variable_dir: Vec<OsString>,
    /// The store of prepared layers. Default: as for `run`.
    #[arg(long, value_name = "DIR")]
    pub store: Option<PathBuf>,
}

/// Arguments of `runtime remove`.
#[derive(Debug, Args)]
pub struct RemoveRuntime {
    /// Its name, for all versions of it, or NAME/VERSION.
    #[arg(value_name = "NAME[/VERSION]")]
    pub what: String,
}

/// Arguments of `doctor`.
#[derive(Debug, Args)]
pub struct Doctor {
    /// Print everything that was found as JSON.
    #[arg(long)]
    pub json: bool,
    /// The store to look at. Default: as for `run`.
    #[arg(long, value_name = "DIR")]
    pub store: Option<PathBuf>,
    /// Look at this runtime too: a directory, the name of an installed one, or `host`.
    #[arg(long, value_name = "DIR|NAME|host")]
    pub runtime: Option<OsString>,
}

/// Arguments of `check`.
#[derive(Debug, Args)]
pub struct CheckPlan {
    /// The launch.
    #[command(flatten)]
    pub launch: Launch,
    /// Print everything that was found as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `explain`.
#[derive(Debug, Args)]
#[command(mut_arg("command", |names| names
    .value_name("PATH|LIBRARY|CODE")
    .help("A path in the container, the name of a library or a pattern for it, or a problem code")
    .trailing_var_arg(false)))]
pub struct Explain {
    /// The launch.
    #[command(flatten)]
    pub launch: Launch,
}

/// Arguments of `run`.
#[derive(Debug, Args)]
#[command(mut_arg("command", |words| words.required(false).required_unless_present("plan")))]
pub struct Run {
    /// The launch.
    #[command(flatten)]
    pub launch: Launch,
    /// Carry out the plan in FILE, or on standard input if it is `-`, as `plan --format json` writes it.
    /// It has the command too.
    #[arg(long, value_name = "FILE", conflicts_with_all = deciding())]
    pub plan: Option<PathBuf>,
    /// Prepare everything and stop before the command would be started.
    #[arg(long)]
    pub only_prepare: bool,
    /// Do not look beforehand for what will not work.
    #[arg(long)]
    pub no_check: bool,
}

/// Arguments of `plan`.
#[derive(Debug, Args)]
pub struct ShowPlan {
    /// The launch.
    #[command(flatten)]
    pub launch: Launch,
    /// What is shown.
    #[arg(long, value_enum, default_value_t = Format::Steps)]
    pub format: Format,
    /// With `--format oci`: the directory that becomes the bundle. It must not exist, or be empty.
    #[arg(long, value_name = "DIR", required_if_eq("format", "oci"))]
    pub output: Option<PathBuf>,
    /// With `--format bwrap`: only bwrap's options, each ended by a NUL byte, for its `--args`.
    #[arg(long)]
    pub null: bool,
}

/// Options of `run` that do not decide what the plan is, so that they go together with `--plan`.
const BESIDE_A_PLAN: &[&str] = &["backend", "store", "timings", "verbose"];

/// The options that decide what the plan is: all others.
fn deciding() -> Vec<clap::Id> {
    let options = Launch::augment_args(clap::Command::new("run"));
    let names = options.get_arguments().map(|option| option.get_id().clone());
    names.filter(|name| !BESIDE_A_PLAN.iter().any(|beside| name == beside)).collect()
}

/// The forms in which a plan is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// One line for each operation, with its reason.
    Steps,
    /// A table: library or driver → from where → why.
    Libraries,
    /// The container as a tree, with where each part comes from; everything with `-v`.
    Tree,
    /// The whole plan, for `run --plan` and for other programs.
    Json,
    /// A command for a shell that does the same with bwrap alone.
    Bwrap,
    /// A bundle for runtimes of OCI containers such as crun.
    Oci,
}

/// Options that describe a launch, shared by all commands that plan one.
#[derive(Debug, Args)]
pub struct Launch {
    /// Whose /usr the container has: a directory, the name of an installed Steam Linux Runtime
    /// (soldier, sniper …), or `host`. Default: an installed Steam Linux Runtime, else the host.
    #[arg(long, value_name = "DIR|NAME|host")]
    pub runtime: Option<OsString>,
    /// Whose graphics drivers the container has, for all architectures or one: a root directory, a
    /// graphics-provider.json, or the empty string for the runtime's own. Repeatable. Default: the
    /// emulator's root for what it runs, else this machine.
    #[arg(long, value_name = "[TUPLE=]PATH")]
    pub graphics_provider: Vec<OsString>,
    /// Architectures that must work, the primary one first, separated by `:`. Default:
    /// $PRESSURE_VESSEL_ARCHITECTURES, else what the runtime has.
    #[arg(long, value_name = "TUPLES")]
    pub architectures: Option<String>,
    /// What runs programs that this machine does not run itself: `auto` (what the environment or the
    /// kernel knows), `none`, `fex`, `qemu`, or an emulator.json.
    #[arg(long, value_name = "auto|none|fex|qemu|MANIFEST", default_value = "auto")]
    pub emulator: OsString,
    /// The tree of foreign files of an emulator that the kernel starts. Default: the one that its
    /// own configuration names.
    #[arg(long, value_name = "DIR")]
    pub emulator_root: Option<PathBuf>,
    /// What creates the container.
    #[arg(long, value_enum, default_value_t = Backend::Auto)]
    pub backend: Backend,
    /// How layer and runtime become one tree: by overlayfs, or as a tree of links or copies that is
    /// made once. Default: what works here, overlayfs first.
    #[arg(long, value_enum, default_value_t = Stacking::Auto)]
    pub stacking: Stacking,
    /// Share a file or directory at its own place: an absolute path, `~/…`, `host` for all that is not the
    /// container's own, or `host-root` for everything at /run/host/root. Repeatable.
    #[arg(long, value_name = "PATH[:ro]")]
    pub filesystem: Vec<OsString>,
    /// Use DIR as home directory instead of sharing the user's own.
    #[arg(long, value_name = "DIR", conflicts_with = "transient_home")]
    pub home: Option<PathBuf>,
    /// Use an empty home directory in memory.
    #[arg(long)]
    pub transient_home: bool,
    /// Set a variable for the command, or with `NAME` alone unset it. Repeatable.
    #[arg(long, value_name = "NAME[=VALUE]")]
    pub env: Vec<OsString>,
    /// Where prepared layers are kept. Default: $BATHYSPHERE_STORE, else the user's cache directory.
    #[arg(long, value_name = "DIR")]
    pub store: Option<PathBuf>,
    /// Let the command inherit file descriptor FD. Repeatable.
    #[arg(long, value_name = "FD")]
    pub pass_fd: Vec<i32>,
    /// End processes that outlive the command: wait SECONDS, then SIGTERM, then SIGKILL after
    /// `--terminate-timeout`.
    #[arg(long, value_name = "SECONDS")]
    pub terminate_idle_timeout: Option<OsString>,
    /// Time between SIGTERM and SIGKILL for processes that outlive the command. Without it and
    /// without an idle timeout they are waited for.
    #[arg(long, value_name = "SECONDS")]
    pub terminate_timeout: Option<OsString>,
    /// Give the container a PID namespace of its own. Steam cannot see such a game.
    #[arg(long)]
    pub unshare_pid: bool,
    /// Load MODULE, a path of the host or a SONAME, into programs in the container (`LD_PRELOAD`), or
    /// into those of one architecture: `MODULE:abi=TUPLE`. Repeatable.
    #[arg(long, value_name = "MODULE")]
    pub ld_preload: Vec<OsString>,
    /// The same with modules for `LD_AUDIT`. Repeatable.
    #[arg(long, value_name = "MODULE")]
    pub ld_audit: Vec<OsString>,
    /// Leave the host's Vulkan layers out.
    #[arg(long)]
    pub no_import_vulkan_layers: bool,
    /// Take the host's OpenXR runtime.
    #[arg(long)]
    pub import_openxr_runtimes: bool,
    /// Take the host's OpenXR API layers.
    #[arg(long)]
    pub import_openxr_layers: bool,
    /// For developers of the container: /sys is writable, the terminal is kept.
    #[arg(long)]
    pub devel: bool,
    /// Keep the terminal and standard input for the command.
    #[arg(long)]
    pub interactive: bool,
    /// Say more: -v what was chosen and why, -vv every step.
    #[arg(long, short, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Say how long each phase took.
    #[arg(long)]
    pub timings: bool,
    /// The command and its arguments.
    #[arg(
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = false,
        value_name = "COMMAND"
    )]
    pub command: Vec<OsString>,
}

/// What creates the container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Backend {
    /// The built-in executor where this machine allows it, else bwrap.
    Auto,
    /// The built-in executor.
    Builtin,
    /// bwrap.
    Bwrap,
}

/// How layer and runtime become one tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Stacking {
    /// Overlayfs where it works, else a prepared tree.
    Auto,
    /// Overlayfs.
    Overlay,
    /// A prepared tree.
    Tree,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn definitions_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn options_end_where_the_command_starts() {
        let cli = Cli::try_parse_from(["bathysphere", "run", "--runtime", "/r", "game", "--home"]);
        let Command::Run(run) = cli.unwrap().command else { panic!("not run") };
        assert_eq!(run.launch.command, ["game", "--home"]);
        assert_eq!(run.launch.home, None);
    }

    #[test]
    fn a_plan_takes_the_place_of_what_decides_it() {
        let run = |words: &[&str]| Cli::try_parse_from([&["bathysphere", "run"], words].concat());
        for words in [&["--plan", "f", "-v", "--backend", "bwrap"][..], &["--plan=-", "--store=/s"]]
        {
            assert!(run(words).is_ok(), "{words:?}");
        }
        for words in [&["--plan", "f", "true"][..], &["--plan", "f", "--runtime", "/r"], &[]] {
            assert!(run(words).is_err(), "{words:?}");
        }
        assert!(BESIDE_A_PLAN.iter().all(|name| !deciding().iter().any(|id| id == name)));
        assert!(deciding().iter().any(|id| id == "graphics_provider"));
    }

    #[test]
    fn names_to_explain_stand_among_options() {
        let words = ["bathysphere", "explain", "libGL.so.1", "--runtime", "/r", "BS0007"];
        let Command::Explain(explain) = Cli::try_parse_from(words).unwrap().command else {
            panic!("not explain")
        };
        assert_eq!(explain.launch.command, ["libGL.so.1", "BS0007"]);
        assert_eq!(explain.launch.runtime.unwrap(), "/r");
        assert!(Cli::try_parse_from(["bathysphere", "explain"]).is_err());
    }
}
