//! Options that several programs have: the command's environment, its descriptors, the end of its
//! descendants.

use crate::Opt;

pub(super) const ASSIGN_FD: Opt = Opt::value(
    "assign-fd",
    "TARGET=SOURCE",
    "Let the command have descriptor SOURCE as TARGET, as `TARGET>&SOURCE` in a shell. Repeatable; all at the same time.",
);
pub(super) const CLEAR_ENV: Opt =
    Opt::switch("clear-env", "Start from an empty environment instead of the inherited one.");
pub(super) const ENV: Opt =
    Opt::value("env", "NAME=VALUE", "Set a variable for the command. Repeatable.");
pub(super) const ENV_FD: Opt = Opt::value(
    "env-fd",
    "FD",
    "Set the variables that descriptor FD gives, as `env -0` writes them. Repeatable.",
);
pub(super) const INHERIT_ENV: Opt = Opt::value(
    "inherit-env",
    "NAME",
    "Take back what earlier options say of a variable. Repeatable.",
);
pub(super) const INHERIT_ENV_MATCHING: Opt = Opt::value(
    "inherit-env-matching",
    "PATTERN",
    "The same for all variables whose name matches. Repeatable.",
);
pub(super) const UNSET_ENV: Opt =
    Opt::value("unset-env", "NAME", "Unset a variable for the command. Repeatable.");
pub(super) const PASS_FD: Opt =
    Opt::value("pass-fd", "FD", "Let the command inherit descriptor FD. Repeatable.");
pub(super) const TERMINATE_IDLE_TIMEOUT: Opt = Opt::value(
    "terminate-idle-timeout",
    "SECONDS",
    "Before descendants are told to end, wait so long. Default: 0.",
);
pub(super) const TERMINATE_TIMEOUT: Opt = Opt::value(
    "terminate-timeout",
    "SECONDS",
    "Time between SIGTERM and SIGKILL for descendants that are to end, 0: SIGKILL at once. Implies --terminate-with-main unless negative. Default: 2, without the implication.",
);
pub(super) const TERMINATE_WITH_MAIN: Opt = Opt::switch(
    "terminate-with-main",
    "End descendants when the command has ended. Implies --subreaper.",
);
pub(super) const NO_TERMINATE_WITH_MAIN: Opt = Opt::switch(
    "no-terminate-with-main",
    "Let them run on when the command has ended. This is the default.",
);
