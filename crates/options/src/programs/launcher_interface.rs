//! `steam-runtime-launcher-interface-0`: a command of a compatibility tool, in its launcher service if asked.

use crate::{Order, Program, Status, Variable};

/// The definition.
pub(super) static LAUNCHER_INTERFACE: Program = Program {
    names: &["steam-runtime-launcher-interface-0"],
    summary: "Run a command of a compatibility tool, in a launcher service where one is asked for",
    usage: "NAME[:NAME…] COMMAND [ARGUMENT…]",
    about: "A compatibility tool starts its command through this program and says which tool it is. Where \
            STEAM_COMPAT_LAUNCHER_SERVICE is one of the names, the command is started by \
            steam-runtime-launcher-service, through which other commands can be run beside it; else, \
            and where that service cannot be started, the command is executed. There are no options.\n\n\
            The service is looked for in SRT_LAUNCHER_SERVICE, in \
            /run/pressure-vessel/pv-from-host/bin, in /usr/lib/pressure-vessel/from-host/bin, in PATH, and in \
            pressure-vessel/bin of each directory in STEAM_COMPAT_TOOL_PATHS.",
    options: &[],
    variables: &[
        Variable {
            name: "STEAM_COMPAT_LAUNCHER_SERVICE",
            help: "The name of the tool that shall have a launcher service. The command does not get it.",
        },
        Variable { name: "SRT_LAUNCHER_SERVICE", help: "The service's program." },
        Variable {
            name: "STEAM_COMPAT_TOOL_PATHS",
            help: "Directories of compatibility tools, separated by colons.",
        },
    ],
    statuses: &[
        Status { number: "125", when: "Wrong usage." },
        Status { number: "126", when: "The command cannot be executed." },
        Status { number: "127", when: "The command is not found." },
    ],
    order: Order::First,
};
