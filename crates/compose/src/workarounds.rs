//! Workarounds for systems that others have found to need them, switched by a variable.
//!
//! Names are pressure-vessel's. `steam-snap#N` is issue N of the snap package of Steam.

use crate::facts::Facts;

const VARIABLE: &str = "PRESSURE_VESSEL_WORKAROUNDS";

/// Variables that are set in every program of a snap package.
const SNAP: &[&str] = &["SNAP", "SNAP_NAME", "SNAP_REVISION"];

/// Which workarounds are on. Those for set-uid bwrap and for bwrap without `--perms` are found out by asking
/// bwrap, and those for snap's older bwrap by probing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Workarounds {
    /// Share no disks and homes but those that are asked for.
    pub limit_shared_dirs: bool,
    /// Leave `/snap` and what belongs to it out.
    pub snap_359: bool,
    /// Leave the host's certificates out; `None`: where this is a snap package.
    snap_397: Option<bool>,
}

impl Workarounds {
    /// Those of this launch.
    pub(crate) fn of(facts: &Facts) -> Self {
        use std::os::unix::ffi::OsStrExt;
        let words = facts.environment.get(VARIABLE).map(OsStrExt::as_bytes);
        let mut workarounds = Self::parse(words.unwrap_or_default());
        let in_snap = SNAP.iter().all(|name| facts.environment.get(name).is_some());
        workarounds.snap_397.get_or_insert(in_snap);
        workarounds
    }

    /// Reads the variable: `name` or `+name` is on, `-name` or `!name` off, `all` and `none` are what they say.
    #[must_use]
    pub fn parse(words: &[u8]) -> Self {
        let mut out = Self::default();
        for word in words.split(|b| b" \t,".contains(b)).filter(|word| !word.is_empty()) {
            let (on, name) = match word[0] {
                b'-' | b'!' => (false, &word[1..]),
                b'+' => (true, &word[1..]),
                _ => (true, word),
            };
            let name = String::from_utf8_lossy(name);
            match name.strip_prefix("steam-snap#").or_else(|| name.strip_prefix("steamsnap")) {
                Some("359") => out.snap_359 = on,
                Some("397") => out.snap_397 = Some(on),
                Some("356" | "369" | "370") => {}
                None if name == "limit-shared-dirs" => out.limit_shared_dirs = on,
                None if matches!(&*name, "bwrap-no-perms" | "bwrap-setuid") => {}
                None if matches!(&*name, "all" | "none") => {
                    let on = on == (name == "all");
                    out = Self { limit_shared_dirs: on, snap_359: on, snap_397: Some(on) };
                }
                _ => log::warn!("{VARIABLE}: `{name}` is not known"),
            }
        }
        out
    }

    /// Whether the host's certificates are left out.
    pub(crate) fn no_certificates(&self) -> bool {
        self.snap_397 == Some(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::facts;

    #[test]
    fn words() {
        for (words, want) in [
            ("", ""),
            ("limit-shared-dirs", "dirs"),
            ("limit-shared-dirs,-limit-shared-dirs", ""),
            ("+steam-snap#359\tsteamsnap397", "359 397"),
            ("all !steam-snap#359", "dirs 397"),
            ("all,none", ""),
            ("bwrap-setuid unknown", ""),
        ] {
            let all = Workarounds::parse(words.as_bytes());
            let marks = [
                (all.limit_shared_dirs, "dirs"),
                (all.snap_359, "359"),
                (all.no_certificates(), "397"),
            ];
            let on: Vec<_> = marks.iter().filter(|(on, _)| *on).map(|(_, name)| *name).collect();
            assert_eq!(on.join(" "), want, "{words}");
        }
    }

    #[test]
    fn a_snap_package_is_recognised() {
        let base = tempfile::tempdir().unwrap();
        let snap = [("SNAP", "/snap/steam/1"), ("SNAP_NAME", "steam"), ("SNAP_REVISION", "1")];
        for (words, variables, want) in [
            ("", &snap[..], true),
            ("", &snap[..2], false),
            ("-steam-snap#397", &snap, false),
            ("steam-snap#397", &[], true),
        ] {
            let all = [variables, &[(VARIABLE, words)]].concat();
            let facts = facts(base.path(), &all);
            assert_eq!(Workarounds::of(&facts).no_certificates(), want, "{all:?}");
        }
    }
}
