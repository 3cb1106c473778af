//! What the options and variables of `pressure-vessel-wrap` ask for, checked as far as that needs no look at
//! roots: what is wrong here is wrong usage.

mod graphics;
mod sharing;
#[cfg(test)]
mod tests;

use super::reading::{Reading, Usage, absolute, bad, word};
use crate::request::{Shared, whole_milliseconds};
use compose::ProviderChoice;
use graphics::{architectures, graphics, modules};
use plan::{ByteString, HostPath, Preload, Tuple};
use sharing::{application, assigned, descriptor, filesystems, home};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use tools::interactive::{Shell, Terminal};

/// What is asked for.
#[derive(Debug)]
pub(super) struct Settings {
    /// A copy of the runtime is allowed for, in [`Settings::variable_dir`].
    pub(super) copy_runtime: bool,
    pub(super) variable_dir: Option<HostPath>,
    pub(super) collect: bool,
    pub(super) devel: bool,
    pub(super) writable_sys: bool,
    pub(super) environment_if_host: Vec<(ByteString, ByteString)>,
    pub(super) shared: Vec<Shared>,
    pub(super) home: Home,
    pub(super) generate_locales: bool,
    pub(super) provider: ProviderChoice,
    pub(super) providers: BTreeMap<Tuple, ProviderChoice>,
    pub(super) vulkan_layers: bool,
    pub(super) openxr_runtimes: bool,
    pub(super) openxr_layers: bool,
    pub(super) architectures: Vec<Tuple>,
    pub(super) audits: Vec<Preload>,
    pub(super) preloads: Vec<Preload>,
    pub(super) remove_game_overlay: bool,
    pub(super) launcher: bool,
    pub(super) only_prepare: bool,
    pub(super) test: bool,
    pub(super) pass_fds: Vec<i32>,
    pub(super) assign_fds: Vec<(i32, i32)>,
    /// `None`: this machine's own `/usr`.
    pub(super) runtime: Option<HostPath>,
    pub(super) shell: Shell,
    pub(super) terminal: Terminal,
    pub(super) systemd_scope: bool,
    /// `None`: what the command leaves behind is waited for.
    pub(super) terminate: Option<Terminate>,
    pub(super) unshare_pid: bool,
    pub(super) final_argv: Option<HostPath>,
    /// The application's number in Steam.
    pub(super) app: Option<String>,
}

/// Times in milliseconds, for what the command leaves behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Terminate {
    pub(super) idle: u64,
    pub(super) grace: u64,
}

/// Which home directory the container has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Home {
    /// The user's own.
    Shared,
    /// This one.
    Private(HostPath),
    /// That of an application, below `~/.var/app`.
    Application(String),
    /// An empty one.
    Transient,
}

impl Settings {
    /// Reads everything.
    pub(super) fn read(reading: &Reading<'_>) -> Result<Self, Usage> {
        let given = reading.given;
        super::obsolete::mention(reading)?;
        let on = |on, off, variable, default| reading.on(on, off, variable, default);
        let launcher = given.has("launcher");
        let (shell, terminal) = interaction(reading)?;
        // Asked for by the launcher service's clients instead.
        let batch = launcher || on("batch", "", "PRESSURE_VESSEL_BATCH", false);
        let (shell, terminal) =
            if batch { (Shell::None, Terminal::None) } else { (shell, terminal) };
        let (copy_runtime, variable_dir) = copy(reading)?;
        let client = on("for-steam-client", "", "STEAM_COMPAT_FOR_STEAM_CLIENT", false);
        let only_prepare = given.has("only-prepare");
        let test = given.has("test");
        if test && only_prepare {
            return Err(Usage("--test and --only-prepare do not go together".into()));
        }
        let (provider, providers) = graphics(reading)?;
        let app = application(reading);
        Ok(Self {
            copy_runtime,
            variable_dir,
            collect: on("gc-runtimes", "no-gc-runtimes", "PRESSURE_VESSEL_GC_RUNTIMES", true),
            devel: on("devel", "", "PRESSURE_VESSEL_DEVEL", false),
            writable_sys: client,
            environment_if_host: given
                .all("env-if-host")
                .map(assignment)
                .collect::<Result<_, _>>()?,
            shared: filesystems(reading, client)?,
            home: home(reading, batch, client, app.as_deref())?,
            generate_locales: on(
                "generate-locales",
                "no-generate-locales",
                "PRESSURE_VESSEL_GENERATE_LOCALES",
                true,
            ),
            provider,
            providers,
            vulkan_layers: on(
                "import-vulkan-layers",
                "no-import-vulkan-layers",
                "PRESSURE_VESSEL_IMPORT_VULKAN_LAYERS",
                true,
            ),
            openxr_runtimes: on(
                "import-openxr-1-runtimes",
                "no-import-openxr-1-runtimes",
                "PRESSURE_VESSEL_IMPORT_OPENXR_1_RUNTIMES",
                false,
            ),
            openxr_layers: on(
                "import-openxr-1-layers",
                "no-import-openxr-1-layers",
                "PRESSURE_VESSEL_IMPORT_OPENXR_1_LAYERS",
                false,
            ),
            architectures: architectures(reading),
            audits: modules(reading, &["ld-audit"], "ld-audits", b":"),
            preloads: modules(reading, &["ld-preload", "host-ld-preload"], "ld-preloads", b": "),
            remove_game_overlay: on(
                "remove-game-overlay",
                "keep-game-overlay",
                "PRESSURE_VESSEL_REMOVE_GAME_OVERLAY",
                false,
            ),
            launcher,
            only_prepare,
            test,
            pass_fds: given
                .all("pass-fd")
                .map(|value| descriptor("pass-fd", value, value))
                .collect::<Result<_, _>>()?,
            assign_fds: given.all("assign-fd").map(assigned).collect::<Result<_, _>>()?,
            runtime: runtime(reading)?,
            shell,
            terminal,
            systemd_scope: on(
                "systemd-scope",
                "no-systemd-scope",
                "PRESSURE_VESSEL_SYSTEMD_SCOPE",
                false,
            ),
            terminate: terminate(reading)?,
            unshare_pid: !on("share-pid", "unshare-pid", "PRESSURE_VESSEL_SHARE_PID", true),
            final_argv: given
                .last("write-final-argv")
                .map(|file| absolute("write-final-argv", file))
                .transpose()?,
            app,
        })
    }
}

/// Options that are a value of `--shell` or `--terminal`.
const SHORT: &[(&str, &str)] = &[
    ("shell-none", "none"),
    ("shell-after", "after"),
    ("shell-fail", "fail"),
    ("shell-instead", "instead"),
    ("tty", "tty"),
    ("xterm", "xterm"),
];

/// Shell and terminal.
fn interaction(reading: &Reading<'_>) -> Result<(Shell, Terminal), Usage> {
    let mut shell = reading.word("PRESSURE_VESSEL_SHELL", Shell::WORDS)?.unwrap_or_default();
    let mut terminal = reading.word("PRESSURE_VESSEL_TERMINAL", Terminal::WORDS)?.flatten();
    for (option, value) in &reading.given.options {
        let short = SHORT.iter().find(|(name, _)| name == option).map(|(_, word)| *word);
        let value = short.map_or(value.as_os_str(), OsStr::new);
        if option.starts_with("shell") {
            shell = word("--shell", value, Shell::WORDS)?;
        } else if *option == "terminal" || short.is_some() {
            terminal = word("--terminal", value, Terminal::WORDS)?;
        }
    }
    if terminal == Some(Terminal::None) && shell != Shell::None {
        return Err(Usage(
            "--terminal=none leaves no place for the shell that --shell asks for".into(),
        ));
    }
    let auto = if shell == Shell::None { Terminal::None } else { Terminal::Xterm };
    Ok((shell, terminal.unwrap_or(auto)))
}

/// Whether a copy is allowed for, and where.
fn copy(reading: &Reading<'_>) -> Result<(bool, Option<HostPath>), Usage> {
    let (mut copy, mut place) = (super::flatpak::is_inside(), None);
    // The older variable, and then what it stands for.
    if let Some(into) = reading.variable("PRESSURE_VESSEL_COPY_RUNTIME_INTO") {
        copy = !into.is_empty();
        place = Some(into).filter(|into| !into.is_empty());
    }
    copy = reading.messages.boolean(reading.environment, "PRESSURE_VESSEL_COPY_RUNTIME", copy);
    place = reading.non_empty("PRESSURE_VESSEL_VARIABLE_DIR").or(place);
    for (option, value) in &reading.given.options {
        match *option {
            "copy-runtime" => copy = true,
            "no-copy-runtime" => copy = false,
            "copy-runtime-into" => {
                copy = !value.is_empty();
                place = Some(value.as_os_str()).filter(|_| copy).or(place);
            }
            "variable-dir" => place = Some(value),
            _ => {}
        }
    }
    let place = place.filter(|place| !place.is_empty());
    if copy && place.is_none() {
        return Err(Usage("--copy-runtime needs --variable-dir".into()));
    }
    Ok((copy, place.map(|place| absolute("variable-dir", place)).transpose()?))
}

/// The runtime; a relative one is below the base, where there is one.
fn runtime(reading: &Reading<'_>) -> Result<Option<HostPath>, Usage> {
    let Some(runtime) = reading.value("runtime", "PRESSURE_VESSEL_RUNTIME") else {
        return Ok(None);
    };
    if runtime.is_empty() {
        return Ok(None);
    }
    let base = reading.value("runtime-base", "PRESSURE_VESSEL_RUNTIME_BASE");
    let path = match base.filter(|base| !base.is_empty()) {
        Some(base) => std::path::Path::new(base).join(runtime).into_os_string(),
        None => runtime.to_owned(),
    };
    absolute("runtime", &path).map(Some)
}

fn assignment(value: &OsStr) -> Result<(ByteString, ByteString), Usage> {
    let bytes = value.as_bytes();
    match bytes.iter().position(|b| *b == b'=') {
        Some(at) if at > 0 => Ok((bytes[..at].to_vec().into(), bytes[at + 1..].to_vec().into())),
        _ => Err(bad("env-if-host", value, "is not NAME=VALUE")),
    }
}

/// Nothing is ended unless there is a time between SIGTERM and SIGKILL.
fn terminate(reading: &Reading<'_>) -> Result<Option<Terminate>, Usage> {
    let grace = reading.seconds("terminate-timeout")?.map(whole_milliseconds);
    let idle = reading.seconds("terminate-idle-timeout")?.map_or(0, whole_milliseconds);
    Ok(grace.map(|grace| Terminate { idle, grace }))
}
