//! `srt-logger`: records what a command prints.

use crate::{Opt, Order, Program, Status, Variable};

/// The definition.
pub(super) static LOGGER: Program = Program {
    names: &["srt-logger"],
    summary: "Record what a command prints, in a file that does not grow without limit",
    usage: "[OPTION…] [--] [COMMAND [ARGUMENT…]]",
    about: "Without a command, lines are read from standard input. With one, the command is executed with \
            its output and errors going to a logger in a process of its own.\n\n\
            Lines go to a file in the log directory, to systemd's journal where that is asked for, and to \
            the terminal where there is one; to standard error where there is neither file nor journal. \
            A file that would become too large is renamed (NAME.previous.EXTENSION) and begun anew, unless \
            another process holds a lock on it.\n\n\
            Levels are names of syslog(3) (emerg, alert, crit, err, warning, notice, info, debug), letters, or numbers.",
    options: OPTIONS,
    variables: VARIABLES,
    statuses: &[
        Status { number: "0", when: "Everything was recorded." },
        Status { number: "125", when: "Wrong usage, or recording cannot begin." },
        Status { number: "126", when: "The command cannot be executed." },
        Status { number: "127", when: "The command is not found." },
        Status { number: "N", when: "The command's own." },
    ],
    order: Order::First,
};

const OPTIONS: &[Opt] = &[
    Opt::switch(
        "background",
        "Record in a process of its own, which no process waits for, and print how to reach it.",
    ),
    Opt::value("default-level", "LEVEL", "The level of lines that have none. Default: info."),
    Opt::switch(
        "exec-fallback",
        "Where recording cannot begin, execute the command all the same; without one, copy standard \
         input to standard error.",
    ),
    Opt::value(
        "file-level",
        "LEVEL",
        "Lines that are less grave do not go to the file. Default: debug.",
    ),
    Opt::value(
        "filename",
        "NAME",
        "Write to the file NAME in the log directory; to none if it is empty. Default: the identifier \
         with `.txt`.",
    ),
    Opt::value(
        "identifier",
        "NAME",
        "The name that the journal shows. Default: the file name without its extension, or the \
         command's name.",
    )
    .short(b't'),
    Opt::value("journal-fd", "FD", "Descriptor FD is a stream to the journal."),
    Opt::value(
        "journal-level",
        "LEVEL",
        "Lines that are less grave do not go to the journal. Default: debug.",
    ),
    Opt::value("log-directory", "DIR", "Where log files are. It must exist."),
    Opt::value("log-fd", "FD", "Descriptor FD is the log file, opened for appending."),
    Opt::switch(
        "mkfifo",
        "Make a pipe with a name in a directory of its own, print its path, and end. Who reads from it \
         removes both.",
    ),
    // How a logger is told that it was started in a process of its own.
    Opt::switch("new-session", ""),
    Opt::switch("no-auto-terminal", "Do not copy lines to a terminal."),
    Opt::switch("parse-level-prefix", "Lines that begin with `<N>` are of level N."),
    Opt::value(
        "rotate",
        "BYTES",
        "Begin a new file before one grows beyond BYTES (with a suffix K, KiB, kB, M, MiB, MB); 0: never. \
         Default: 8 MiB.",
    ),
    Opt::switch("sh-syntax", "Print variables for a shell, and SRT_LOGGER_READY=1 in the end."),
    Opt::value("terminal-fd", "FD", "Descriptor FD is the terminal."),
    Opt::value(
        "terminal-level",
        "LEVEL",
        "Lines that are less grave do not go to the terminal. Default: info.",
    ),
    Opt::switch(
        "timestamps",
        "Put date and time before each line of the file. This is the default.",
    ),
    Opt::switch("no-timestamps", "Do not."),
    Opt::switch("use-journal", "Write to the journal too."),
    Opt::switch("verbose", "Say more; twice: every step.").short(b'v'),
    Opt::switch("version", "Print the version and end."),
];

const VARIABLES: &[Variable] = &[
    Variable { name: "SRT_LOG_DIR", help: "The log directory." },
    Variable {
        name: "STEAM_CLIENT_LOG_FOLDER",
        help: "The log directory below ~/.steam/steam, where SRT_LOG_DIR is not set. Default: `logs`.",
    },
    Variable { name: "SRT_LOG_ROTATION", help: "`0`: files grow." },
    Variable {
        name: "SRT_LOG_TERMINAL",
        help: "The terminal to which lines are copied; none if it is empty.",
    },
    Variable { name: "SRT_LOG_TO_JOURNAL, SRT_LOGGER_USE_JOURNAL", help: "`1`: as --use-journal." },
    Variable { name: "SRT_LOG", help: "How this program's own messages look." },
];
