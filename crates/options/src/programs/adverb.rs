//! `pressure-vessel-adverb`: runs a command in a container with locks, libraries and descendants seen to.

use super::environment;
use crate::{Opt, Order, Program, Status, Variable};

/// The definition.
pub(super) static ADVERB: Program = Program {
    names: &["pressure-vessel-adverb", "pv-adverb"],
    summary: "Run a command inside a container, and see to its locks, libraries and descendants",
    usage: "[OPTION…] [--] COMMAND [ARGUMENT…]",
    about: "It is started by a container tool as the first process inside. It regenerates the cache of \
            the dynamic linker, gives each architecture its own modules to preload, makes missing \
            locales, starts the command, passes signals on to it, gives back its exit status, and ends \
            or waits for what it leaves behind.\n\n\
            Options that are switched on and off (`--create`, `--wait`, `--write`) count for every \
            `--lock-file` after them. Locks are taken while the command line is read, in its order.\n\n\
            What comes with `--terminate-timeout` and without `--[no-]terminate-with-main` is taken as \
            older versions did: descendants end with the command.",
    options: OPTIONS,
    variables: VARIABLES,
    statuses: STATUSES,
    order: Order::Anywhere,
};

const OPTIONS: &[Opt] = &[
    Opt::value(
        "add-ld.so-path",
        "DIR",
        "With --regenerate-ld.so-cache: search DIR before the runtime's directories. Repeatable.",
    ),
    environment::ASSIGN_FD,
    Opt::switch("batch", "No shell and no terminal, whatever other options say."),
    environment::CLEAR_ENV,
    Opt::switch("create", "Make lock files that do not exist."),
    Opt::switch("no-create", "Fail when a lock file does not exist. This is the default."),
    Opt::value(
        "emulator",
        "FILE",
        "Run helper programs that are not of this machine's architecture by the emulator that the manifest FILE describes.",
    ),
    environment::ENV,
    environment::ENV_FD,
    Opt::switch(
        "exit-with-parent",
        "End, and end the command, when the parent process ends. This is the default.",
    ),
    Opt::switch("no-exit-with-parent", "Go on when the parent process ends."),
    Opt::value(
        "fd",
        "FD",
        "Keep descriptor FD, on which a lock may be held, until the end. Repeatable.",
    ),
    Opt::switch(
        "generate-locales",
        "Make locales that are set and missing, in a temporary directory.",
    ),
    Opt::switch("no-generate-locales", "Do not. This is the default."),
    environment::INHERIT_ENV,
    environment::INHERIT_ENV_MATCHING,
    Opt::value(
        "ld-audit",
        "MODULE[:abi=TUPLE]",
        "Add MODULE to LD_AUDIT, for one architecture or as it is. Repeatable.",
    ),
    Opt::value(
        "ld-preload",
        "MODULE[:abi=TUPLE]",
        "Add MODULE to LD_PRELOAD, for one architecture or as it is. Repeatable.",
    ),
    Opt::value(
        "ldconfig-architecture",
        "TUPLE",
        "The architecture of /sbin/ldconfig, for --emulator.",
    ),
    Opt::value("lock-file", "FILE", "Lock FILE, and keep the lock until the end. Repeatable."),
    Opt::value(
        "overrides-path",
        "DIR",
        "Where the container has the libraries and drivers that take the runtime's place.",
    ),
    environment::PASS_FD,
    Opt::value(
        "prefix",
        "DIR",
        "Where helper programs are. Understood; all that is needed is in this program.",
    ),
    Opt::value(
        "regenerate-ld.so-cache",
        "DIR",
        "Make DIR/ld.so.cache anew from the directories of --add-ld.so-path and those in DIR/runtime-ld.so.conf.",
    ),
    Opt::value(
        "set-ld-library-path",
        "VALUE",
        "Set LD_LIBRARY_PATH for the command, unless the cache cannot be made.",
    ),
    Opt::value(
        "shell",
        "none|after|fail|instead",
        "Run an interactive shell after the command, when it fails, or instead of it.",
    ),
    Opt::switch(
        "subreaper",
        "Become the parent of orphans, and wait for them. This is the default.",
    ),
    Opt::switch("no-subreaper", "Wait for nothing but children."),
    Opt::value(
        "terminal",
        "none|auto|tty|xterm",
        "Where a shell runs: this terminal or a new xterm. auto: an xterm when there is a shell.",
    ),
    environment::TERMINATE_IDLE_TIMEOUT,
    environment::TERMINATE_TIMEOUT,
    environment::TERMINATE_WITH_MAIN,
    environment::NO_TERMINATE_WITH_MAIN,
    Opt::switch("wait", "Wait for locks that others hold."),
    Opt::switch("no-wait", "Fail when a lock is held by others. This is the default."),
    Opt::switch("write", "Lock files exclusively."),
    Opt::switch("no-write", "Lock files shared. This is the default."),
    environment::UNSET_ENV,
    Opt::switch("verbose", "Say more."),
    Opt::switch("version", "Say which version this is."),
];

const VARIABLES: &[Variable] = &[
    Variable {
        name: "PRESSURE_VESSEL_ARCHITECTURES",
        help: "Architectures of the container, separated by colons, the primary one first.",
    },
    Variable { name: "PRESSURE_VESSEL_BATCH", help: "1: as --batch." },
    Variable { name: "PRESSURE_VESSEL_VERBOSE", help: "1: as --verbose." },
    Variable {
        name: "STEAM_COMPAT_RUNTIME_SDL2",
        help: "1: programs with an SDL 2 of their own use the runtime's, by SDL_DYNAMIC_API; sdl2-compat: the one that is built on SDL 3; classic: the one that is not; 0: neither.",
    },
    Variable {
        name: "STEAM_COMPAT_RUNTIME_SDL3",
        help: "1: the same for SDL 3, by SDL3_DYNAMIC_API.",
    },
    Variable {
        name: "STEAM_COMPAT_FLAGS",
        help: "runtime-sdl2 and runtime-sdl3, separated by commas, as the two variables above.",
    },
    Variable { name: "TMPDIR", help: "Where temporary directories are made. Default: /tmp." },
];

const STATUSES: &[Status] = &[
    Status { number: "64", when: "The command line cannot be read, or there is no command." },
    Status {
        number: "69",
        when: "A lock file cannot be opened, a descriptor is not open, or the command's surroundings cannot be prepared.",
    },
    Status { number: "75", when: "A lock is held by others and --wait was not given." },
    Status { number: "125", when: "The command's process cannot be prepared." },
    Status { number: "126", when: "The command cannot be executed." },
    Status { number: "127", when: "The command does not exist." },
    Status { number: "255", when: "The command's status was lost." },
    Status { number: "128 + N", when: "The command was ended by signal N." },
    Status { number: "N", when: "That of the command." },
];
