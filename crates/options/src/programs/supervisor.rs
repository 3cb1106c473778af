//! `steam-runtime-supervisor`: runs a command with locks held and descendants seen to.

use super::environment;
use crate::{Opt, Order, Program, Status};

/// The definition.
pub(super) static SUPERVISOR: Program = Program {
    names: &["steam-runtime-supervisor"],
    summary: "Run a command with locks held, and see to what it leaves behind",
    usage: "[OPTION…] [--] COMMAND [ARGUMENT…]",
    about: "Starts the command as a child, passes signals on to it, and gives back its exit status, as \
            env(1) does.\n\n\
            Options that are switched on and off (`--lock-create`, `--lock-exclusive`, `--lock-wait`, \
            `--lock-verbose`) count for every `--lock-file` after them. Locks are taken while the \
            command line is read, in its order.",
    options: OPTIONS,
    variables: &[],
    statuses: STATUSES,
    order: Order::Anywhere,
};

const OPTIONS: &[Opt] = &[
    environment::ASSIGN_FD,
    environment::CLEAR_ENV,
    Opt::switch(
        "close-fds",
        "Let the command inherit nothing but the standard descriptors and those that are named.",
    ),
    Opt::switch("no-close-fds", "Let it inherit all. This is the default."),
    environment::ENV,
    environment::ENV_FD,
    Opt::switch("exit-with-parent", "End, and end the command, when the parent process ends."),
    Opt::switch("no-exit-with-parent", "Go on when the parent process ends. This is the default."),
    environment::INHERIT_ENV,
    environment::INHERIT_ENV_MATCHING,
    Opt::switch("lock-create", "Make lock files that do not exist."),
    Opt::switch("no-lock-create", "Fail when a lock file does not exist. This is the default."),
    Opt::switch("lock-exclusive", "Lock files exclusively."),
    Opt::switch("no-lock-exclusive", "Lock files shared. This is the default."),
    Opt::switch("lock-shared", "Lock files shared. This is the default."),
    Opt::value(
        "lock-fd",
        "FD",
        "Keep descriptor FD, on which a lock may be held, until the end. Repeatable.",
    ),
    Opt::value("lock-file", "FILE", "Lock FILE, and keep the lock until the end. Repeatable."),
    Opt::switch(
        "lock-verbose",
        "Say so when a lock has to be waited for, and when it has been taken.",
    ),
    Opt::switch("no-lock-verbose", "Wait in silence. This is the default."),
    Opt::switch("lock-wait", "Wait for locks that others hold."),
    Opt::switch("lock-wait-verbose", "As --lock-wait and --lock-verbose."),
    Opt::switch("no-lock-wait", "Fail when a lock is held by others. This is the default."),
    environment::PASS_FD,
    Opt::switch("subreaper", "Become the parent of orphans, and wait for them."),
    Opt::switch("no-subreaper", "Wait for nothing but children. This is the default."),
    environment::TERMINATE_IDLE_TIMEOUT,
    environment::TERMINATE_TIMEOUT,
    Opt::switch(
        "terminate-when-signaled",
        "When asked to end (SIGTERM, SIGINT, SIGQUIT), end the command and all descendants. Implies --subreaper.",
    ),
    Opt::switch(
        "no-terminate-when-signaled",
        "Pass such signals on to the command alone. This is the default.",
    ),
    environment::TERMINATE_WITH_MAIN,
    environment::NO_TERMINATE_WITH_MAIN,
    environment::UNSET_ENV,
    Opt::switch("verbose", "Say more; twice: every step.").short(b'v'),
    Opt::switch("version", "Say which version this is."),
];

const STATUSES: &[Status] = &[
    Status {
        number: "125",
        when: "The command line cannot be read, there is no command, a lock cannot be taken, or something else fails before the command starts.",
    },
    Status { number: "126", when: "The command cannot be executed." },
    Status { number: "127", when: "The command does not exist." },
    Status { number: "255", when: "The command's status was lost." },
    Status { number: "128 + N", when: "The command was ended by signal N." },
    Status { number: "N", when: "That of the command." },
];
