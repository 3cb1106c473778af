//! `steam-runtime-urlopen` and `steam-runtime-steam-remote`: what is asked of the desktop or of Steam.

use crate::{Opt, Order, Program, Status, Variable};

/// `steam-runtime-urlopen`.
pub(super) static URLOPEN: Program = Program {
    names: &["steam-runtime-urlopen"],
    summary: "Open a URL or a file, from inside a container",
    usage: "URL|FILE",
    about: "Addresses of Steam (`steam:`, `steamlink:`) go to the running Steam. Others are opened by the \
            desktop portal (org.freedesktop.portal.OpenURI); where there is none, web addresses are opened \
            by Steam.",
    options: &[Opt::switch("version", "Print the version and end.")],
    variables: &[
        Variable {
            name: "SRT_URLOPEN_PREFER_STEAM",
            help: "`1`: ask Steam first for web addresses.",
        },
        Variable { name: "DBUS_SESSION_BUS_ADDRESS", help: "The bus on which the portal is." },
    ],
    statuses: &[
        Status { number: "0", when: "It is being opened." },
        Status { number: "1", when: "Wrong usage." },
        Status { number: "4", when: "Nothing could open it." },
    ],
    order: Order::Anywhere,
};

/// `steam-runtime-steam-remote`.
pub(super) static STEAM_REMOTE: Program = Program {
    names: &["steam-runtime-steam-remote"],
    summary: "Pass arguments to the running Steam",
    usage: "[ARGUMENT…]",
    about: "Writes a command line of Steam into its pipe, ~/.steam/steam.pipe. Without arguments: \
            `-foreground`. Every argument is Steam's, whatever it looks like.",
    options: &[],
    variables: &[Variable { name: "HOME", help: "Where .steam is." }],
    statuses: &[
        Status { number: "0", when: "Steam has them." },
        Status { number: "1", when: "No Steam reads its pipe." },
    ],
    order: Order::First,
};
