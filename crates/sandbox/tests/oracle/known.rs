//! Cases that were found by the search, or are known to be hard, each a row.

use crate::ask::{Programs, Way};
use crate::case::{self, Case};
use crate::compare::{Tally, check};

struct Row {
    /// What is special about it.
    about: &'static str,
    /// `t0`, `t1` …, entries separated by `;`.
    trees: &'static [&'static str],
    /// `l0` …
    layers: &'static [&'static str],
    acts: &'static [&'static str],
    questions: &'static [&'static str],
}

const ROWS: &[Row] = &[
    Row {
        about: "40 links are followed, the 41st is not",
        trees: &["c 40 a;c 41 b"],
        layers: &[],
        acts: &["bind ro t0 /c"],
        questions: &["open / /c/a/0", "open / /c/b/0", "open / /c/b/1", "lstat / /c/b/0"],
    },
    Row {
        about: "`..` from the root leads nowhere, although the root covers another mount",
        trees: &["x a/sh", "x b/sh"],
        layers: &[],
        acts: &["bind ro t0 /", "bind ro t1 /"],
        questions: &["open / ../bin/sh", "open / ../b/sh", "open / ../a/sh", "open / /.."],
    },
    Row {
        about: "a directory that is in one layer alone is listed with its whiteouts",
        trees: &["w a/bin;m a/lib;f a/c", "d 0755 b"],
        layers: &["d 0755 b"],
        acts: &["stack /c t0 l0", "stack /b l0 t0"],
        questions: &["open / /c/a", "open / /b/a", "lstat / /c/a/bin", "lstat / /b/a/lib"],
    },
    Row {
        about: "whiteouts of a merged directory, by device and by attribute",
        trees: &["w a/bin;m a/lib;opaque x b;m b/c", "f a/bin;f a/lib;f a/c;f b/c;f b/a"],
        layers: &["w b/a", "d 0755 b"],
        acts: &["stack /c t0 t1", "stack /a l0 t0 t1", "stack /b l1 t0 t1"],
        questions: &[
            "open / /c/a",
            "open / /c/b",
            "open / /a/b",
            "open / /b/b",
            "lstat / /c/a/bin",
            "lstat / /c/a/lib",
            "lstat / /c/b/c",
            "lstat / /a/b/a",
        ],
    },
    Row {
        about: "only `y` makes a directory opaque",
        trees: &["opaque y a;opaque yy b;opaque n c", "f a/1;f b/1;f c/1"],
        layers: &[],
        acts: &["stack /c t0 t1"],
        questions: &["open / /c/a", "open / /c/b", "open / /c/c", "open / /c/a/1"],
    },
    Row {
        about: "an optional bind of nothing makes no directories",
        trees: &[""],
        layers: &[],
        acts: &["bind ro? t0/b/lib64 /bin/b/c"],
        questions: &["open / /bin//"],
    },
    Row {
        about: "qemu decides by access, and what the call says then is final",
        trees: &[""],
        layers: &["f c/bin"],
        acts: &["bind ro l0 /run/ir/b"],
        questions: &["read-link / /b/c/bin", "read-link / /b/c/nothing"],
    },
    Row {
        about: "the machine's own mounts below what is bound come along",
        trees: &["f a/f"],
        layers: &[],
        acts: &["bind ro / /c", "bind ro t0 /c/proc/sys"],
        questions: &[
            "open / /c/proc/version",
            "stat / /c/proc/../dev/null",
            "open / /c/dev/null/",
            "open / /c/proc/sys/a/f",
            "open / /c/proc/sys/kernel",
            "change-directory /c/proc/sys/a ../../../dev",
            "change-directory /c/dev ..",
        ],
    },
    Row {
        about: "the machine's whole root as the root",
        trees: &[],
        layers: &[],
        acts: &["bind ro / /", "tmpfs 0755 /opt"],
        questions: &["stat / /usr/lib/os-release", "open / /opt/..//proc/version", "stat / ../.."],
    },
    Row {
        about: "what is made in a directory of the host that may be written to",
        trees: &["d 0755 a;l b a"],
        layers: &[],
        acts: &["bind rw t0 /c", "dir 0755 /c/b/usr/lib", "file /c/a/f", "bind ro t0/a /c/usr"],
        questions: &["open / /c", "open / /c/a", "open / /c/usr", "open / /c/b/usr"],
    },
    Row {
        about: "slashes at the end, of paths and of the texts of links",
        trees: &["f f;d 0755 d;l a f/;l b d/;l c b;l lib a;s bin d/"],
        layers: &[],
        acts: &["bind ro t0 /c"],
        questions: &[
            "lstat / /c/a",
            "lstat / /c/a/",
            "stat / /c/a",
            "lstat / /c/b/",
            "read-link / /c/b/",
            "read-link / /c/c/.",
            "stat / /c/lib",
            "lstat / /c/f/.",
            "lstat / /c/f/..",
            "execute / /c/bin",
        ],
    },
    Row {
        about: "a mount point is what `..` of the mount's root leads above, links or not",
        trees: &["l b /lib/a;d 0755 a/usr", "d 0755 lib"],
        layers: &[],
        acts: &["bind ro t1 /lib/a", "bind ro t0 /c", "bind ro t0 /c/a/usr"],
        questions: &[
            "change-directory / /c/b/..",
            "change-directory / /c/b/lib/../../..",
            "change-directory /c/a/usr/a ../../..",
            "open / /c/a/usr/../usr/b/lib",
        ],
    },
];

/// Rows that are true for ordinary users alone: root sees what its containers may not.
const ROWS_OF_USERS: &[Row] = &[Row {
    about: "a directory of the host that may not be searched",
    trees: &["d 0600 a;f a/b;l c a/b"],
    layers: &[],
    acts: &["bind ro t0 /c"],
    questions: &[
        "lstat / /c/a",
        "lstat / /c/a/b",
        "lstat / /c/a/nothing",
        "open / /c/c",
        "change-directory / /c/a",
        "open /c/a b",
    ],
}];

fn case(row: &Row) -> Case {
    let entries = |text: &&str| {
        text.split(';').filter(|line| !line.is_empty()).map(case::entry).collect::<Vec<_>>()
    };
    Case {
        trees: row.trees.iter().map(entries).collect(),
        layers: row.layers.iter().map(entries).collect(),
        acts: row.acts.iter().map(|line| case::act(line)).collect(),
        questions: row.questions.iter().map(|line| case::question(line)).collect(),
    }
}

/// Every row in every way.
pub(crate) fn check_all(programs: &Programs) {
    let mut tally = Tally::default();
    let mut rows: Vec<&Row> = ROWS.iter().collect();
    if rustix::process::geteuid().is_root() {
        assert!(crate::programs::variable("BATHYSPHERE_NO_SKIP").is_none(), "run by root");
        println!("SKIP: {} rows, because root runs them", ROWS_OF_USERS.len());
    } else {
        rows.extend(ROWS_OF_USERS);
    }
    for row in &rows {
        let case = case(row);
        for way in crate::programs::native_ways().iter().chain([&Way::Qemu]) {
            if let Some(difference) = check(way, programs, &case, &mut tally) {
                panic!("{}, {}:\n{case}\n{difference}", row.about, way.name());
            }
        }
    }
    println!("{} rows: {tally}", rows.len());
}
