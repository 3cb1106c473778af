//! Paths that the environment names, as a table: which variables, how they are shared.
//!
//! The names are an interface: Steam, Proton and launchers set them.

use crate::draft::Draft;
use crate::exports::{Exports, Mode, Wish};
use crate::facts::Facts;
use plan::{ByteString, Code, Problem, RootPath};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// One variable that names paths.
struct Row {
    variable: &'static str,
    mode: Mode,
    /// Several, separated by `:`.
    list: bool,
    /// What replaces it, where it is obsolete.
    instead: Option<&'static str>,
}

const fn row(variable: &'static str, mode: Mode, list: bool) -> Row {
    Row { variable, mode, list, instead: None }
}

const fn old(variable: &'static str, list: bool, instead: &'static str) -> Row {
    Row { variable, mode: Mode::ReadWrite, list, instead: Some(instead) }
}

/// In ascending order of the names.
const TABLE: &[Row] = &[
    row("PRESSURE_VESSEL_FILESYSTEMS_RO", Mode::ReadOnly, true),
    row("PRESSURE_VESSEL_FILESYSTEMS_RW", Mode::ReadWrite, true),
    row("PROTON_LOG_DIR", Mode::ReadWrite, false),
    old("STEAM_COMPAT_APP_LIBRARY_PATH", false, "STEAM_COMPAT_LIBRARY_PATHS"),
    old("STEAM_COMPAT_APP_LIBRARY_PATHS", true, "STEAM_COMPAT_LIBRARY_PATHS"),
    row("STEAM_COMPAT_CLIENT_INSTALL_PATH", Mode::ReadWrite, false),
    row("STEAM_COMPAT_DATA_PATH", Mode::ReadWrite, false),
    row("STEAM_COMPAT_INSTALL_PATH", Mode::ReadWrite, false),
    row("STEAM_COMPAT_LIBRARY_PATHS", Mode::ReadWrite, true),
    row("STEAM_COMPAT_MOUNTS", Mode::ReadWrite, true),
    old("STEAM_COMPAT_MOUNT_PATHS", true, "STEAM_COMPAT_MOUNTS"),
    row("STEAM_COMPAT_SHADER_PATH", Mode::ReadWrite, false),
    old("STEAM_COMPAT_TOOL_PATH", false, "STEAM_COMPAT_TOOL_PATHS"),
    row("STEAM_COMPAT_TOOL_PATHS", Mode::ReadWrite, true),
    row("STEAM_EXTRA_COMPAT_TOOLS_PATHS", Mode::ReadWrite, true),
    row("STEAM_RUNTIME_SCOUT", Mode::ReadWrite, false),
];

/// Where programs put scratch files.
const SCRATCH: &[&str] = &["TEMP", "TEMPDIR", "TMP", "TMPDIR"];

/// Shares every path that the environment names.
pub(crate) fn share(facts: &Facts, exports: &mut Exports<'_>, draft: &mut Draft) {
    for row in TABLE {
        let Some(value) = facts.environment.non_empty(row.variable) else { continue };
        if let Some(instead) = row.instead {
            log::info!("{} is obsolete; {instead} is read too", row.variable);
        }
        share_row(row, value, exports, draft);
    }
    for variable in SCRATCH {
        let Some(value) = facts.environment.non_empty(variable) else { continue };
        match lexical(value) {
            None => draft.warnings.push(Problem::warning(
                Code::BAD_VALUE,
                format!("{variable} is `{}`, which is not absolute", ByteString::from(value)),
            )),
            Some(path) if path.is_within(&RootPath::literal("/run/user")) => {
                let why = "the container's /run/user is its own";
                draft.environment.unset(variable, why);
            }
            Some(path) => {
                exports.share(&path, Mode::ReadWrite, Wish::Named, variable);
            }
        }
    }
}

fn share_row(row: &Row, value: &OsStr, exports: &mut Exports<'_>, draft: &mut Draft) {
    let parts: Vec<&[u8]> = if row.list {
        value.as_bytes().split(|b| *b == b':').collect()
    } else {
        vec![value.as_bytes()]
    };
    let mut out: Vec<Vec<u8>> = vec![];
    for part in &parts {
        match lexical(OsStr::from_bytes(part)) {
            Some(path) => {
                exports.share(&path, row.mode, Wish::Named, row.variable);
                out.push(path.as_bytes().to_vec());
            }
            None => {
                if !part.is_empty() {
                    draft.warnings.push(Problem::warning(
                        Code::BAD_VALUE,
                        format!(
                            "{}: `{}` is not absolute",
                            row.variable,
                            ByteString::from(part.to_vec())
                        ),
                    ));
                }
                out.push(part.to_vec());
            }
        }
    }
    if out != parts {
        let value = OsString::from_vec(out.join(&b':'));
        draft.environment.set(row.variable, value, "its paths, normalised");
    }
}

/// `path` without `.`, `..` and doubled slashes, taken lexically as the existing tool does; `None`
/// if it is not absolute or has a NUL byte.
pub(crate) fn lexical(path: &OsStr) -> Option<RootPath> {
    let bytes = path.as_bytes();
    if bytes.first() != Some(&b'/') {
        return None;
    }
    let mut out: Vec<&[u8]> = vec![];
    for component in bytes.split(|b| *b == b'/') {
        match component {
            b"" | b"." => {}
            b".." => {
                out.pop();
            }
            name => out.push(name),
        }
    }
    let mut whole = vec![b'/'];
    whole.extend(out.join(&b'/'));
    RootPath::new(OsStr::from_bytes(&whole)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lexical_paths() {
        for (raw, want) in [
            ("/a/../b", Some("/b")),
            ("/..", Some("/")),
            ("//x/./y/", Some("/x/y")),
            ("a", None),
            ("", None),
            ("/a\0", None),
        ] {
            assert_eq!(lexical(OsStr::new(raw)).map(|p| p.to_string()).as_deref(), want, "{raw}");
        }
    }

    #[test]
    fn the_table_is_sorted() {
        assert!(TABLE.is_sorted_by_key(|r| r.variable));
    }
}
