//! `pressure-vessel-wrap`: runs a command in a container, as Steam's launchers ask for it.
//!
//! Options of the existing tool's versions since 2019, its deprecated spellings included. What means
//! nothing any more is read and not shown.

use crate::{Opt, Order, Program, Status, Variable};

/// The program.
pub(super) const WRAP: Program = Program {
    names: &["pressure-vessel-wrap"],
    summary: "Run a program in a container",
    usage: "[OPTION…] [--] COMMAND [ARGUMENT…]",
    about: "Makes a container whose /usr is that of a runtime, or of this machine where none is named, and \
whose graphics drivers are those of this machine, and runs COMMAND in it. It takes the options and variables of \
the pressure-vessel-wrap that comes with the Steam Linux Runtime.\n\n\
Options may stand after COMMAND as well, until `--`. Of an option that is given several times the last counts, \
where it does not say otherwise, and an option counts more than its variable. A variable for something that is on \
or off is `1`, or `0` or empty; any other value is warned of and not considered.\n\n\
It must not be run within the Steam Runtime's LD_LIBRARY_PATH environment: where STEAM_RUNTIME is set it only says \
so. pressure-vessel-unruntime leaves that environment first.",
    options: OPTIONS,
    variables: VARIABLES,
    statuses: STATUSES,
    order: Order::Anywhere,
};

const OPTIONS: &[Opt] = &[
    Opt::value(
        "assign-fd",
        "TARGET=SOURCE",
        "Give the command descriptor SOURCE as its TARGET. Repeatable.",
    ),
    Opt::switch("batch", "Neither a shell nor a terminal, whatever else is asked for."),
    Opt::switch(
        "copy-runtime",
        "Allow a changeable copy of the runtime in the variable directory. Only with --only-prepare is one made: other launches lay their changes over the runtime.",
    ),
    Opt::switch("no-copy-runtime", "The opposite, and the default outside Flatpak."),
    Opt::value("copy-runtime-into", "DIR", ""),
    Opt::switch("deterministic", ""),
    Opt::switch(
        "devel",
        "For developers of the container: /sys is writable, standard input and the session are kept.",
    ),
    Opt::value("env-if-host", "NAME=VALUE", "Set a variable if there is no runtime. Repeatable."),
    Opt::value(
        "filesystem",
        "PATH[:ro|:rw]",
        "Share a file or directory at its own place: an absolute path, `~/…`, `host` for all that is not the container's own, or `host-root`. Repeatable.",
    ),
    Opt::switch(
        "for-steam-client",
        "The command is Steam's client: /sys is writable and the home is shared.",
    ),
    Opt::value("freedesktop-app-id", "ID", "With --unshare-home: the home is ~/.var/app/ID."),
    Opt::value(
        "steam-app-id",
        "N",
        "With --unshare-home: the home is ~/.var/app/com.steampowered.AppN. Default: $STEAM_COMPAT_APP_ID, else $SteamAppId.",
    ),
    Opt::switch(
        "gc-runtimes",
        "Delete unused copies of runtimes from the variable directory. The default.",
    ),
    Opt::switch("no-gc-runtimes", "Leave them."),
    Opt::switch("gc-legacy-runtimes", ""),
    Opt::switch("no-gc-legacy-runtimes", ""),
    Opt::switch("generate-locales", "Generate locales that the runtime lacks. The default."),
    Opt::switch("no-generate-locales", "Do not."),
    Opt::value(
        "graphics-provider",
        "[TUPLE=]PATH",
        "Whose graphics drivers are used, for all architectures or one: an absolute path of a root or a graphics-provider.json, or nothing for the runtime's own. Repeatable.",
    ),
    Opt::switch("with-host-graphics", ""),
    Opt::switch("without-host-graphics", ""),
    Opt::value("home", "DIR", "Use DIR as home directory, unless the home is shared."),
    Opt::switch("share-home", "Share the home directory. The default without --home."),
    Opt::switch(
        "unshare-home",
        "Use a home of the application's own: see --home, --freedesktop-app-id, --steam-app-id; with --batch an empty one.",
    ),
    Opt::value("host-ld-preload", "MODULE", ""),
    Opt::switch("import-openxr-1-layers", "Take the OpenXR API layers of this machine."),
    Opt::switch("no-import-openxr-1-layers", "Do not. The default."),
    Opt::switch("import-openxr-1-runtimes", "Take the OpenXR runtimes of this machine."),
    Opt::switch("no-import-openxr-1-runtimes", "Do not. The default."),
    Opt::switch(
        "import-vulkan-layers",
        "Take the Vulkan layers of the graphics provider. The default.",
    ),
    Opt::switch("no-import-vulkan-layers", "Do not."),
    Opt::switch(
        "keep-game-overlay",
        "Keep Steam's overlay among the preloaded modules. The default.",
    ),
    Opt::switch("remove-game-overlay", "Drop it."),
    Opt::switch(
        "launcher",
        "Run steam-runtime-launcher-service from beside this program in the container, with the words that follow as its arguments.",
    ),
    Opt::value("ld-audit", "MODULE", "Load MODULE of this machine by LD_AUDIT. Repeatable."),
    Opt::value("ld-audits", "MODULE[:MODULE…]", "The same for several. Repeatable."),
    Opt::value("ld-preload", "MODULE", "Load MODULE of this machine by LD_PRELOAD. Repeatable."),
    Opt::value("ld-preloads", "MODULE[:MODULE…]", "The same for several. Repeatable."),
    Opt::switch("only-prepare", "Prepare everything, and run nothing."),
    Opt::value("pass-fd", "FD", "Let the command inherit descriptor FD. Repeatable."),
    Opt::value("runtime", "DIR", "Whose /usr the container has; nothing for this machine's own."),
    Opt::value("runtime-archive", "ARCHIVE", ""),
    Opt::value("runtime-base", "DIR", "Where a relative --runtime starts."),
    Opt::value("runtime-id", "ID", ""),
    Opt::switch("share-pid", "Share process numbers with the machine. The default."),
    Opt::switch("unshare-pid", "Do not. Steam does not see such a game."),
    Opt::value(
        "shell",
        "none|after|fail|instead",
        "Run an interactive shell: after the command, if it fails, or in its place.",
    ),
    Opt::switch("shell-none", "--shell=none, the default."),
    Opt::switch("shell-after", "--shell=after."),
    Opt::switch("shell-fail", "--shell=fail."),
    Opt::switch("shell-instead", "--shell=instead."),
    Opt::value(
        "terminal",
        "none|auto|tty|xterm",
        "Which terminal the command has; `auto` is xterm if there is a shell, else none.",
    ),
    Opt::switch("tty", "--terminal=tty: the terminal that this was started from."),
    Opt::switch("xterm", "--terminal=xterm: a new one, which must be in the runtime."),
    Opt::switch("single-thread", ""),
    Opt::switch("systemd-scope", "Run in a scope of its own of the user's systemd."),
    Opt::switch("no-systemd-scope", "Do not. The default."),
    Opt::value(
        "terminate-idle-timeout",
        "SECONDS",
        "How long processes that the command leaves behind may go on before they are ended. Default: 0.",
    ),
    Opt::value(
        "terminate-timeout",
        "SECONDS",
        "End processes that the command leaves behind: SIGTERM and, so much later, SIGKILL. Negative, the default: wait for them.",
    ),
    Opt::switch("test", "See whether containers can be made here: exit status 0 or 1."),
    Opt::value("variable-dir", "DIR", "Where copies of runtimes are."),
    Opt::switch("verbose", "Say more.").short(b'v'),
    Opt::value(
        "write-final-argv",
        "FILE",
        "Write a command line of bwrap that makes the same container to FILE, each word ended by a NUL byte.",
    ),
    Opt::switch("version", "Print the version."),
    Opt::switch("version-only", "Print the version and nothing else."),
];

const VARIABLES: &[Variable] = &[
    variable("PRESSURE_VESSEL_BATCH", "--batch."),
    variable("PRESSURE_VESSEL_COPY_RUNTIME", "--copy-runtime or --no-copy-runtime."),
    variable(
        "PRESSURE_VESSEL_COPY_RUNTIME_INTO",
        "Obsolete: empty for --no-copy-runtime, else --copy-runtime and --variable-dir.",
    ),
    variable("PRESSURE_VESSEL_DEVEL", "--devel."),
    variable("PRESSURE_VESSEL_FDO_APP_ID", "--freedesktop-app-id."),
    variable("PRESSURE_VESSEL_FILESYSTEMS_RO", "Paths to be shared for reading, separated by `:`."),
    variable("PRESSURE_VESSEL_FILESYSTEMS_RW", "The same for reading and writing."),
    variable("PRESSURE_VESSEL_GC_RUNTIMES", "--gc-runtimes or --no-gc-runtimes."),
    variable("PRESSURE_VESSEL_GENERATE_LOCALES", "--generate-locales or --no-generate-locales."),
    variable(
        "PRESSURE_VESSEL_GRAPHICS_PROVIDER",
        "--graphics-provider. With `_` and an architecture appended, as in _x86_64_linux_gnu, for that.",
    ),
    variable("PRESSURE_VESSEL_HOME", "--home."),
    variable(
        "PRESSURE_VESSEL_HOST_GRAPHICS",
        "Obsolete: 0 for --graphics-provider= and 1 for that of this machine.",
    ),
    variable(
        "PRESSURE_VESSEL_IMPORT_CA_CERTS",
        "Use the certificates of this machine's authorities.",
    ),
    variable("PRESSURE_VESSEL_IMPORT_OPENXR_1_LAYERS", "--import-openxr-1-layers or its opposite."),
    variable(
        "PRESSURE_VESSEL_IMPORT_OPENXR_1_RUNTIMES",
        "--import-openxr-1-runtimes or its opposite.",
    ),
    variable("PRESSURE_VESSEL_IMPORT_VULKAN_LAYERS", "--import-vulkan-layers or its opposite."),
    variable(
        "PRESSURE_VESSEL_REMOVE_GAME_OVERLAY",
        "--remove-game-overlay or --keep-game-overlay.",
    ),
    variable("PRESSURE_VESSEL_RUNTIME", "--runtime."),
    variable("PRESSURE_VESSEL_RUNTIME_BASE", "--runtime-base."),
    variable(
        "PRESSURE_VESSEL_SHARE_HOME",
        "--share-home or --unshare-home; empty: as if it were not set.",
    ),
    variable("PRESSURE_VESSEL_SHARE_PID", "--share-pid or --unshare-pid."),
    variable("PRESSURE_VESSEL_SHELL", "--shell."),
    variable("PRESSURE_VESSEL_SYSTEMD_SCOPE", "--systemd-scope or --no-systemd-scope."),
    variable("PRESSURE_VESSEL_TERMINAL", "--terminal."),
    variable("PRESSURE_VESSEL_VARIABLE_DIR", "--variable-dir."),
    variable("PRESSURE_VESSEL_VERBOSE", "--verbose."),
    variable(
        "PRESSURE_VESSEL_WORKAROUNDS",
        "Words separated by spaces or commas, each switched off by a `-` or `!` before it: limit-shared-dirs, steam-snap#359, steam-snap#397, all, none.",
    ),
    variable(
        "PRESSURE_VESSEL_ARCHITECTURES",
        "Architectures that must work, the primary one first, separated by `:`.",
    ),
    variable("PRESSURE_VESSEL_BWRAP", "The bwrap to use, and no other."),
    variable(
        "PRESSURE_VESSEL_EMULATOR",
        "What runs programs of foreign architectures: an emulator.json.",
    ),
    variable("STEAM_COMPAT_FOR_STEAM_CLIENT", "--for-steam-client."),
    variable("STEAM_COMPAT_TRACING", "1: /sys/kernel/tracing is writable."),
    variable(
        "SRT_LOG",
        "What is said and how: words such as info, debug, timestamp, level, journal.",
    ),
];

const fn variable(name: &'static str, help: &'static str) -> Variable {
    Variable { name, help }
}

const STATUSES: &[Status] = &[
    Status {
        number: "0",
        when: "The command succeeded, or what was asked for is printed or prepared.",
    },
    Status { number: "1", when: "The container cannot be set up, or the command failed so." },
    Status {
        number: "2",
        when: "The options or variables cannot be used, or the command failed so.",
    },
    Status { number: "126", when: "The command cannot be executed." },
    Status { number: "127", when: "The command does not exist in the container." },
    Status { number: "128 + N", when: "The command was ended by signal N." },
    Status { number: "N", when: "The command's own." },
];
