//! `pressure-vessel-unruntime`: pressure-vessel-wrap for callers inside an `LD_LIBRARY_PATH` runtime.

use crate::{Order, Program, Status, Variable};

/// The definition.
pub(super) static UNRUNTIME: Program = Program {
    names: &["pressure-vessel-unruntime"],
    summary: "Undo the environment of an LD_LIBRARY_PATH runtime, then be pressure-vessel-wrap",
    usage: "[OPTION…] [--] COMMAND [ARGUMENT…]",
    about: "Steam starts its tools in the environment of its own library runtime (scout). This program gives \
            the user's environment back to pressure-vessel-wrap, and passes on what the command would have \
            had as options (`--env-if-host`, `--ld-preloads`, `--ld-audits`). Options are those of \
            pressure-vessel-wrap(1).",
    options: &[],
    variables: &[
        Variable {
            name: "SYSTEM_LD_LIBRARY_PATH, SYSTEM_LD_PRELOAD, SYSTEM_PATH",
            help: "What these variables were before the library runtime.",
        },
        Variable {
            name: "PRESSURE_VESSEL_APP_LD_LIBRARY_PATH",
            help: "LD_LIBRARY_PATH for the command.",
        },
        Variable {
            name: "PRESSURE_VESSEL_WRAP_GUI",
            help: "Start pressure-vessel-test-ui instead, where it stands beside this program.",
        },
        Variable { name: "PRESSURE_VESSEL_BATCH", help: "`1`: there is nobody to talk to." },
    ],
    statuses: &[Status { number: "N", when: "As pressure-vessel-wrap(1) has it." }],
    order: Order::First,
};
