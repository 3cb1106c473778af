//! What a root of the laboratory is made of: a value, so that it can be compared with what is on disk.

use std::fmt;

/// Raised when building changes in a way that the recipes do not show, so that every root is made again.
const REVISION: u32 = 4;

/// How one root is made.
#[derive(Debug)]
pub(crate) struct Recipe {
    /// Name of the root, and of its directory in the laboratory.
    pub(crate) name: &'static str,
    /// One line for `lab list`.
    pub(crate) about: &'static str,
    /// What it is made from.
    pub(crate) source: Source,
}

/// What a root is made from.
#[derive(Debug)]
pub(crate) enum Source {
    /// A system of Debian packages with all that they depend on.
    System(System),
    /// The contents of Debian packages alone, without what they depend on.
    Packages {
        /// Release of Debian.
        suite: &'static str,
        /// Binary packages.
        packages: &'static [&'static str],
    },
    /// Debian's arm64 kernel with the modules that the virtual machine loads, and a static busybox.
    Kernel {
        /// Release of Debian.
        suite: &'static str,
        /// Modules by name; those that they need come with them.
        modules: &'static [&'static str],
    },
    /// Another shape of a root that is already there.
    Form {
        /// Name of the recipe to derive it from; its `usr` is taken.
        of: &'static str,
        /// The shape.
        shape: Shape,
    },
}

/// A system of Debian packages.
#[derive(Debug)]
pub(crate) struct System {
    /// Release of Debian.
    pub(crate) suite: &'static str,
    /// Debian's names of the architectures, native first.
    pub(crate) architectures: &'static [&'static str],
    /// Root directories that are links into `usr`; the others are directories if some package has them.
    pub(crate) merged: &'static [&'static str],
    /// Sets of packages that are wanted for each architecture.
    pub(crate) each: &'static [&'static [&'static str]],
    /// Sets of packages that are wanted for the native architecture.
    pub(crate) native: &'static [&'static [&'static str]],
    /// Programs wanted for the other architecture too, which cannot be installed for both.
    pub(crate) foreign: &'static [ForeignPrograms],
    /// Whether the root serves as a host: gets generated locales, a time zone and a machine identity.
    pub(crate) host: bool,
}

/// Programs of an i386 package, placed beside the native ones as `NAME.i386-linux-gnu`.
#[derive(Debug)]
pub(crate) struct ForeignPrograms {
    /// The package.
    pub(crate) package: &'static str,
    /// Names below `usr/bin`.
    pub(crate) programs: &'static [&'static str],
}

/// A shape in which a runtime can be delivered.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape {
    /// `files/` holding a merged `/usr` with its `etc` and `var`, and `metadata`.
    Flatpak,
    /// A merged `/usr` by itself.
    Usr,
    /// `files/` as a content server delivers it, to be completed after `usr-mtree.txt.gz`.
    Depot,
    /// Such a depot with what Steam delivers around it: scripts, descriptions, a directory `pressure-vessel`.
    Steam,
    /// The same system with these root directories made links into `usr`, as Debian's `usrmerge` does.
    Merged(&'static [&'static str]),
}

impl Recipe {
    /// The mark of this recipe, which changes with anything that it says.
    ///
    /// `parent` is the mark of the recipe that a form derives from.
    pub(crate) fn stamp(&self, parent: Option<&str>) -> String {
        let mut text = format!("{REVISION} {:?} {parent:?}", self.source);
        if matches!(self.source, Source::Form { shape: Shape::Steam, .. }) {
            text += &super::depot::mark();
        }
        format!("{:016x}", fnv1a(text.as_bytes()))
    }

    /// Whether the root serves as a host.
    pub(crate) fn is_host(&self) -> bool {
        match &self.source {
            Source::System(system) => system.host,
            Source::Form { of, shape: Shape::Merged(_) } => {
                super::roots::find(of).is_some_and(Self::is_host)
            }
            Source::Form { .. } | Source::Packages { .. } | Source::Kernel { .. } => false,
        }
    }

    /// Whether the files are the very inodes of another root, which must keep their owner.
    pub(crate) fn shares_inodes(&self) -> bool {
        matches!(self.source, Source::Form { shape: Shape::Merged(_), .. })
    }

    /// The recipe's name for the root that must be there first, if any.
    pub(crate) fn parent(&self) -> Option<&'static str> {
        match self.source {
            Source::Form { of, .. } => Some(of),
            Source::System(_) | Source::Packages { .. } | Source::Kernel { .. } => None,
        }
    }
}

impl System {
    /// Whether this machine can run the system's programs without an emulator.
    pub(crate) fn is_native(&self) -> bool {
        self.architectures.first() == Some(&"amd64")
    }

    /// Package names as apt takes them, with the architecture where it matters.
    pub(crate) fn packages(&self) -> Vec<String> {
        let each = self.each.iter().copied().flatten().flat_map(|package| {
            self.architectures.iter().map(move |architecture| format!("{package}:{architecture}"))
        });
        each.chain(self.native.iter().copied().flatten().map(|p| p.to_string())).collect()
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System(System { suite, architectures, merged, .. }) => {
                let usr = match merged.len() {
                    0 => "non-merged",
                    n if n == super::roots::MERGED.len() => "merged",
                    _ => "hybrid",
                };
                write!(f, "{suite} {} {usr}", architectures.join("+"))
            }
            Self::Kernel { suite, .. } => write!(f, "{suite} arm64 kernel"),
            Self::Packages { suite, packages } => write!(f, "{suite} {}", packages.join(" ")),
            Self::Form { of, shape } => write!(f, "{shape:?} of {of}"),
        }
    }
}

/// The 64-bit FNV-1a hash: stable over compilers, which the standard library's is not promised to be.
pub(super) fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_is_fnv1a() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn stamp_follows_the_source_and_its_parent() {
        let form = |shape| Recipe {
            name: "form",
            about: "",
            source: Source::Form { of: "runtime", shape },
        };
        assert_eq!(form(Shape::Usr).stamp(Some("a")), form(Shape::Usr).stamp(Some("a")));
        assert_ne!(form(Shape::Usr).stamp(Some("a")), form(Shape::Usr).stamp(Some("b")));
        assert_ne!(form(Shape::Usr).stamp(Some("a")), form(Shape::Depot).stamp(Some("a")));
    }
}
