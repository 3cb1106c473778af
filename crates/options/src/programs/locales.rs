//! `pressure-vessel-locale-gen` and `pressure-vessel-try-setlocale`: locales that a container lacks.

use crate::{Opt, Order, Program, Status, Variable};

/// `pressure-vessel-locale-gen`.
pub(super) static LOCALE_GEN: Program = Program {
    names: &["pressure-vessel-locale-gen", "pv-locale-gen"],
    summary: "Generate the locales that programs will want and that do not exist",
    usage: "[OPTION…] [--] [LOCALE…]",
    about: "Wanted are the values of LC_* and LANG, HOST_LC_ALL, en_US.UTF-8 and every LOCALE. Where all of \
            them exist, nothing is done. Else all of them are made by localedef in the directory, which is \
            then a value for LOCPATH.",
    options: &[
        Opt::value("output-dir", "DIR", "Make locales in DIR. Default: the current directory.")
            .short(b'o'),
        Opt::value("output-directory", "DIR", ""),
        Opt::switch("verbose", "Say what is done.").short(b'v'),
        Opt::switch("version", "Print the version and end."),
    ],
    variables: &[
        Variable { name: "LC_ALL, LC_*, LANG", help: "Locales that are wanted." },
        Variable { name: "HOST_LC_ALL", help: "Another one." },
    ],
    statuses: &[
        Status { number: "0", when: "Every locale exists." },
        Status { number: "64", when: "Wrong usage." },
        Status { number: "72", when: "Locales were made." },
        Status { number: "73", when: "A locale could not be made." },
        Status { number: "78", when: "A name is not one of a locale." },
    ],
    order: Order::Anywhere,
};

/// `pressure-vessel-try-setlocale`.
pub(super) static TRY_SETLOCALE: Program = Program {
    names: &["pressure-vessel-try-setlocale", "pv-try-setlocale"],
    summary: "Find out whether a locale exists",
    usage: "[LOCALE]",
    about: "Looks where the C library of this system looks for locales (LOCPATH, the locale archive, \
            directories of locales, aliases). Without LOCALE: for those that LC_ALL, LC_* and LANG name.",
    options: &[Opt::switch("version", "Print the version and end.")],
    variables: &[
        Variable { name: "LC_ALL, LC_*, LANG", help: "The locales, where none is named." },
        Variable { name: "LOCPATH", help: "Directories of locales, in place of the system's." },
    ],
    statuses: &[
        Status { number: "0", when: "It exists." },
        Status { number: "1", when: "It does not." },
        Status { number: "2", when: "Wrong usage." },
    ],
    order: Order::Anywhere,
};
