//! What is asked for.
//!
//! A [`Request`] is what remains of command line and configuration once they are parsed: typed, with
//! every default filled in. It knows nothing about the machine; facts about that are in
//! [`crate::Facts`].

use plan::{ByteString, HostPath, Preload, StackForm, Tuple};
use std::collections::BTreeMap;

/// One launch as it is asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// Whose `/usr` the container has.
    pub runtime: RuntimeChoice,
    /// Guest architectures, the primary one first. One that the runtime lacks is left out with a
    /// warning. Empty: what the environment names, else what the runtime has.
    pub tuples: Vec<Tuple>,
    /// Whose graphics drivers the container has. Means nothing with [`RuntimeChoice::Host`].
    pub provider: ProviderChoice,
    /// Whose drivers single architectures have, where it is not [`Request::provider`].
    pub providers: BTreeMap<Tuple, ProviderChoice>,
    /// What runs programs that this machine does not run itself.
    pub emulator: EmulatorChoice,
    /// The tree of foreign files that an emulator started by the kernel shows to its programs, and
    /// whose drivers they have. `None`: what the emulator's own configuration names.
    pub emulator_root: Option<HostPath>,
    /// Paths shared on request (`--filesystem`), in any order.
    pub filesystems: Vec<Share>,
    /// Every directory of the host that is not the container's own, at its own place (`host`).
    pub host: Option<Sharing>,
    /// The host's whole root, at `/run/host/root` (`host-root`).
    pub host_root: Option<Sharing>,
    /// What the container has as home directory.
    pub home: HomeMode,
    /// Changes to the environment that are made last: a value, or `None` to unset.
    pub environment: Vec<(ByteString, Option<ByteString>)>,
    /// Changes that are made only with [`RuntimeChoice::Host`] (`--env-if-host`).
    pub environment_if_host: Vec<(ByteString, ByteString)>,
    /// The launcher's working directory, as the kernel reports it (free of symbolic links).
    pub working_directory: HostPath,
    /// The command with its arguments.
    pub command: Vec<ByteString>,
    /// How directories are stacked; the caller has probed what works here.
    pub stack: StackForm,
    /// Descriptors of the launcher that the command inherits, beside 0, 1 and 2.
    pub pass_fds: Vec<i32>,
    /// `(target, source)`: the command's descriptor `target` is the launcher's `source`.
    pub assign_fds: Vec<(i32, i32)>,
    /// How long descendants may outlive the command before they are ended, in milliseconds.
    /// `None`: without limit.
    pub terminate_idle: Option<u64>,
    /// Time between SIGTERM and SIGKILL for descendants, in milliseconds.
    pub terminate_grace: u64,
    /// A PID namespace for the container.
    pub unshare_pid: bool,
    /// `/sys` is writable, as Steam's client needs it.
    pub writable_sys: bool,
    /// Developer mode: `/sys` is writable, standard input and the terminal are kept.
    pub devel: bool,
    /// The command talks to the terminal: standard input and the session are kept.
    pub interactive: bool,
    /// Take Vulkan layers from the provider.
    pub import_vulkan_layers: bool,
    /// Take OpenXR runtimes from the host.
    pub import_openxr_runtimes: bool,
    /// Take OpenXR API layers from the host.
    pub import_openxr_layers: bool,
    /// Locales that must exist in the container beside those of the environment, as `de_DE.UTF-8`.
    pub locales: Vec<String>,
    /// Locales that were generated because nothing has them, each with the directory of its files on the
    /// host.
    pub generated_locales: BTreeMap<String, HostPath>,
    /// Modules for `LD_PRELOAD`, as the host knows them: paths, in which `$LIB` and `$PLATFORM` may be, or
    /// SONAMEs. Without any, those of the inherited variable.
    pub preloads: Vec<Preload>,
    /// The same for `LD_AUDIT`.
    pub audits: Vec<Preload>,
    /// Leave Steam's overlay out of the modules.
    pub remove_game_overlay: bool,
    /// Installation directory of this tool, shown at `/run/pressure-vessel/pv-from-host`.
    pub tool_prefix: Option<HostPath>,
    /// Another tool makes the container, inside a sandbox of its own (Flatpak): it shares the desktop's services
    /// itself, and has the sandbox at [`PARENT`].
    pub sub_sandbox: bool,
}

/// Where a sub-sandbox of Flatpak's has the sandbox that it was started from.
pub const PARENT: &str = "/run/parent";

/// Whose `/usr` the container has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuntimeChoice {
    /// A directory: a depot, a Flatpak-style runtime, a merged `/usr`, or a whole sysroot.
    Dir(HostPath),
    /// The host's own `/usr`.
    Host,
}

/// Whose graphics drivers the container has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ProviderChoice {
    /// What the environment names; else the emulator's root for what it runs, the host for the rest.
    #[default]
    Default,
    /// The root at this path, `/` is the host; or a `graphics-provider.json`.
    Root(HostPath),
    /// Nobody's: the runtime's own are used.
    None,
}

/// What runs programs of an architecture that the machine does not run itself. Nothing is emulated
/// where nothing needs it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum EmulatorChoice {
    /// The manifest that the environment names, else what is registered with the kernel.
    #[default]
    Auto,
    /// Nothing.
    None,
    /// FEX, as it is registered with the kernel.
    Fex,
    /// qemu-user, as it is registered with the kernel.
    Qemu,
    /// What this `emulator.json` describes.
    Manifest(HostPath),
}

/// A path shared at its own place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// Which.
    pub path: HostPath,
    /// Only for reading.
    pub read_only: bool,
}

/// How much may be done with what is shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// Only reading.
    ReadOnly,
    /// Reading and writing.
    ReadWrite,
}

/// What the container has as home directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HomeMode {
    /// The user's own.
    Shared,
    /// This directory in place of the user's own. It exists, with the directories of
    /// [`crate::home::PRIVATE_DIRECTORIES`] in it.
    Private(HostPath),
    /// An empty directory in memory.
    Transient,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            runtime: RuntimeChoice::Host,
            tuples: vec![],
            provider: ProviderChoice::Default,
            providers: BTreeMap::new(),
            emulator: EmulatorChoice::Auto,
            emulator_root: None,
            filesystems: vec![],
            host: None,
            host_root: None,
            home: HomeMode::Shared,
            environment: vec![],
            environment_if_host: vec![],
            working_directory: HostPath::root(),
            command: vec![],
            stack: StackForm::Overlay,
            pass_fds: vec![],
            assign_fds: vec![],
            terminate_idle: None,
            terminate_grace: 2000,
            unshare_pid: false,
            writable_sys: false,
            devel: false,
            interactive: false,
            import_vulkan_layers: true,
            import_openxr_runtimes: false,
            import_openxr_layers: false,
            locales: vec![],
            generated_locales: BTreeMap::new(),
            preloads: vec![],
            audits: vec![],
            remove_game_overlay: false,
            tool_prefix: None,
            sub_sandbox: false,
        }
    }
}
