//! The entry points of a runtime as Steam and umu start them.

use crate::program::{Opt, Order, Program, Status, Variable};

/// Statuses of everything that ends by executing something else.
const STATUSES: &[Status] = &[
    Status { number: "125", when: "wrong usage, or the command was not started." },
    Status { number: "N", when: "that of pressure-vessel-wrap, which is that of the command." },
];

const RUNTIME: Variable = Variable {
    name: "PRESSURE_VESSEL_PREFIX",
    help: "The tree whose programs are used. Default: `pressure-vessel` beside the entry point.",
};

const VARIABLE_DIR: Variable = Variable {
    name: "PRESSURE_VESSEL_VARIABLE_DIR",
    help: "Where copies of the runtime and logs are kept. Default: `var` beside the entry point.",
};

/// `_v2-entry-point`.
pub(super) static ENTRY_POINT: Program = Program {
    names: &["_v2-entry-point", "umu"],
    summary: "Start a game in a Steam Linux Runtime, as Steam's tool manifest asks for it",
    usage: "[OPTION…] [--] COMMAND [ARGUMENT…]",
    about: "What Steam executes for a compatibility tool with `commandline \"/_v2-entry-point --verb=%verb% --\"`, and \
what umu-launcher executes under the name `umu`. The runtime is the one beside the entry point, else an installed one. \
LD_LIBRARY_PATH is given to the game without what belongs to the LD_LIBRARY_PATH runtime in STEAM_RUNTIME; \
LD_PRELOAD is loaded into the game and not into what starts it.",
    options: &[
        Opt::value(
            "verb",
            "VERB",
            "What Steam wants: `waitforexitandrun` (the game, the default) or `run` (a set-up program, without a terminal).",
        ),
        Opt::value("suite", "NAME", "The runtime: `sniper`, `soldier` and so on."),
        Opt::value("deploy", "NAME", ""),
        Opt::switch("verbose", "Say more; also with STEAM_LINUX_RUNTIME_VERBOSE=1."),
        Opt::switch("log-to-file", "Write a log; also with STEAM_LINUX_RUNTIME_LOG=1."),
        Opt::switch(
            "keep-logs",
            "Keep older logs of the same game; also with STEAM_LINUX_RUNTIME_KEEP_LOGS=1.",
        ),
        Opt::switch("use-timestamp", ""),
    ],
    variables: &[
        Variable {
            name: "BATHYSPHERE_RUNTIME",
            help: "The runtime, by name, where none is beside the entry point and `--suite` names none.",
        },
        RUNTIME,
        VARIABLE_DIR,
        Variable {
            name: "STEAM_LINUX_RUNTIME_LOG",
            help: "1: write a log for each launch, `slr-appN-tTIME.log`, and a link `slr-latest.log` to it.",
        },
        Variable {
            name: "STEAM_LINUX_RUNTIME_LOG_DIR",
            help: "Where logs are written. Default: $PRESSURE_VESSEL_VARIABLE_DIR.",
        },
        Variable {
            name: "STEAM_LINUX_RUNTIME_KEEP_LOGS",
            help: "1: keep older logs of the same game.",
        },
        Variable { name: "STEAM_LINUX_RUNTIME_VERBOSE", help: "1: say more." },
        Variable { name: "SRT_LOG_ROTATION", help: "0: keep older logs of the same game." },
        Variable {
            name: "STEAM_COMPAT_LAUNCHER_SERVICE",
            help: "`container-runtime`: a service in the container takes further commands (steam-runtime-launcher-interface-0).",
        },
        Variable { name: "STEAM_RUNTIME", help: "The LD_LIBRARY_PATH runtime to leave." },
    ],
    statuses: STATUSES,
    order: Order::First,
};

/// `run` and `run-in-SUITE`.
pub(super) static RUN: Program = Program {
    names: &["run-in-sniper", "run-in-soldier", "run-in-scout", "run-in-steamrt4", "run"],
    summary: "Start a command in the Steam Linux Runtime beside this program",
    usage: "[OPTION…] [--] COMMAND [ARGUMENT…]",
    about: "Names the runtime in this directory to pressure-vessel-unruntime, with all arguments as they are. \
See pressure-vessel-wrap(1) for them.",
    options: &[],
    variables: &[RUNTIME, VARIABLE_DIR],
    statuses: STATUSES,
    order: Order::First,
};

/// `scout-on-soldier-entry-point-v2`.
pub(super) static SCOUT: Program = Program {
    names: &["scout-on-soldier-entry-point-v2"],
    summary: "Start a game in the Steam Runtime 1 (scout), as a layer in a container",
    usage: "[--] COMMAND [ARGUMENT…]",
    about: "The entry point of a compatibility tool that requires a container of another (`require_tool_appid`), in \
which it runs. Scout, a library runtime, is the `steam-runtime` beside it, else the one that STEAM_RUNTIME_SCOUT names, else that of \
Steam's client, or is unpacked from the client's archive. A directory of links to it, `var/steam-runtime` beside this program, is made, \
and its `run.sh` starts the command.",
    options: &[],
    variables: &[
        Variable { name: "STEAM_RUNTIME_SCOUT", help: "Where scout is." },
        Variable {
            name: "STEAM_COMPAT_CLIENT_INSTALL_PATH",
            help: "Where Steam's client is. Default: `~/.steam/root`.",
        },
    ],
    statuses: &[
        Status { number: "125", when: "wrong usage, or scout was not found." },
        Status { number: "N", when: "that of the command." },
    ],
    order: Order::First,
};
