//! What an installed bwrap can do, found by asking it once.

use rustix::fs::{FileType, stat};
use std::path::Path;
use std::process::{Command, Stdio};

/// What a bwrap can do. Found by [`Features::probe`]; set-uid counts too, because it forbids some.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features {
    /// `--perms` (0.5): modes of what is made.
    pub perms: bool,
    /// `--overlay-src` and `--ro-overlay` (0.11), usable: it is not privileged.
    pub overlay: bool,
    /// `--as-pid-1`.
    pub as_pid_1: bool,
    /// It runs with privileges of its own: set-uid root or file capabilities.
    pub privileged: bool,
}

type Set = fn(&mut Features);

/// Options in the output of `--help` and the feature that each means.
const OPTIONS: &[(&str, Set)] = &[
    ("--perms", |features| features.perms = true),
    ("--ro-overlay", |features| features.overlay = true),
    ("--as-pid-1", |features| features.as_pid_1 = true),
];

impl Features {
    /// Asks the program at `path`: one short process. A program that does not answer has none.
    pub fn probe(path: &Path) -> Self {
        let asked = Command::new(path).arg("--help").stdin(Stdio::null()).output();
        let answer =
            asked.map(|output| [output.stdout, output.stderr].concat()).unwrap_or_default();
        Self::from_help(&answer, is_privileged(path))
    }

    /// Why it mounts no overlays; `None` when it does.
    pub fn no_overlay(self) -> Option<&'static str> {
        match self {
            Self { overlay: true, .. } => None,
            Self { privileged: true, .. } => {
                Some("this bwrap is privileged, and then mounts no overlays")
            }
            _ => Some("this bwrap is older than 0.11"),
        }
    }

    /// As one number, to be remembered with what tells this program from another.
    pub fn to_bits(self) -> u8 {
        let flags = [self.perms, self.overlay, self.as_pid_1, self.privileged];
        flags.iter().enumerate().map(|(n, flag)| u8::from(*flag) << n).sum()
    }

    /// See [`Self::to_bits`].
    pub fn from_bits(bits: u8) -> Self {
        let flag = |n: u8| bits >> n & 1 == 1;
        Self { perms: flag(0), overlay: flag(1), as_pid_1: flag(2), privileged: flag(3) }
    }

    /// From what `--help` prints.
    pub fn from_help(help: &[u8], privileged: bool) -> Self {
        let help = String::from_utf8_lossy(help);
        let mut features = Features { privileged, ..Features::default() };
        for word in help.split_whitespace() {
            if let Some((_, set)) = OPTIONS.iter().find(|(option, _)| *option == word) {
                set(&mut features);
            }
        }
        // bwrap refuses to mount overlays for others with its own privileges.
        features.overlay &= !privileged;
        features
    }
}

fn is_privileged(path: &Path) -> bool {
    let Ok(status) = stat(path) else { return false };
    let is_file = FileType::from_raw_mode(status.st_mode) == FileType::RegularFile;
    let mut value = [0; 64];
    let capabilities = rustix::fs::getxattr(path, "security.capability", &mut value[..]).is_ok();
    is_file && (status.st_mode & 0o4000 != 0 && status.st_uid == 0 || capabilities)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_of_versions() {
        // Lines from `bwrap --help` of the versions in Debian 11, 12 and 13.
        let v04 =
            b"usage: bwrap [OPTIONS...] [--] COMMAND [ARGS...]\n    --as-pid-1  Do not install";
        let v08 =
            b"    --as-pid-1  Do not\n    --perms OCTAL                Set permissions of next";
        let v11 = b"    --as-pid-1 x\n    --perms OCTAL x\n    --ro-overlay DEST            Mount";
        for (help, privileged, want) in [
            (&v04[..], false, (false, false, true)),
            (&v08[..], false, (true, false, true)),
            (&v11[..], false, (true, true, true)),
            (&v11[..], true, (true, false, true)),
            (b"", false, (false, false, false)),
        ] {
            let got = Features::from_help(help, privileged);
            assert_eq!((got.perms, got.overlay, got.as_pid_1), want);
            assert_eq!(Features::from_bits(got.to_bits()), got);
        }
    }
}
