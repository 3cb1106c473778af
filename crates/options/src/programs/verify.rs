//! `pv-verify`.

use crate::{Opt, Order, Program, Status, Variable};

/// The program.
pub(super) const VERIFY: Program = Program {
    names: &["pv-verify"],
    summary: "Compare a Steam Linux Runtime with its manifest",
    usage: "[OPTION…] [--] [DIRECTORY]",
    about: "\
DIRECTORY is a SteamLinuxRuntime_sniper or the like. By default it is the one that this program is in, as \
DIRECTORY/pressure-vessel/bin/pv-verify. Its manifest is mtree.txt.gz, in a subset of mtree(5). Kinds, links, \
sizes, executable bits, times and SHA-256 are compared as far as the manifest has them, and there may be nothing \
else, except in directories that the manifest leaves out.

With --minimized-runtime, DIRECTORY is the files directory of a *_platform_* directory. Content servers keep no \
links, empty files, empty directories, modes and times: these need not be there.",
    options: &[
        Opt::switch(
            "minimized-runtime",
            "DIRECTORY is the files directory of a *_platform_* directory; its manifest is \
             ../usr-mtree.txt.gz.",
        ),
        Opt::value("mtree", "FILE", "Use this manifest, compressed with gzip or not."),
        Opt::switch("quiet", "Say nothing when all is as it should be."),
        Opt::switch("verbose", "Say more."),
        Opt::switch("version", "Print the version and exit."),
    ],
    variables: &[
        Variable {
            name: "SRT_LOG",
            help: "How messages are written: tokens such as info, debug, timestamp, journal.",
        },
        Variable { name: "PRESSURE_VESSEL_VERBOSE", help: "1: as --verbose." },
    ],
    statuses: &[
        Status { number: "0", when: "The runtime is as its manifest says." },
        Status { number: "1", when: "It is not, or cannot be compared." },
        Status { number: "64", when: "The command line cannot be read." },
    ],
    order: Order::Anywhere,
};
