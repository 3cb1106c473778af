//! Modules for `LD_PRELOAD` and `LD_AUDIT`: one for a single architecture shares its path with those of
//! the same name for others.

use super::asked::architecture;
use super::libraries::{Libraries, Linked};
use crate::supervised::{Refused, Variables};
use plan::{ByteString, Tuple};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Steam's overlay, and the directories in which it is for one architecture.
const OVERLAY: &[(&[u8], Tuple)] = &[
    (b"/ubuntu12_32/gameoverlayrenderer.so", Tuple::I386),
    (b"/ubuntu12_64/gameoverlayrenderer.so", Tuple::X86_64),
];

/// How a module is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Audit,
    Preload,
}

/// A module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Module {
    how: How,
    name: ByteString,
    /// What it is for; none: for all that it can be loaded into.
    pub(super) abi: Option<Tuple>,
}

/// An entry of a variable.
struct Entry {
    text: ByteString,
    /// It stands for the modules of several architectures, and once is enough.
    shared: bool,
}

impl Module {
    /// A value of `--ld-audit`; none for an empty one.
    ///
    /// # Errors
    /// When it says something unknown of the module.
    pub(super) fn audit(value: &OsStr) -> Result<Option<Self>, Refused> {
        Self::parse(How::Audit, value)
    }

    /// A value of `--ld-preload`; none for an empty one.
    ///
    /// # Errors
    /// As [`Self::audit`].
    pub(super) fn preload(value: &OsStr) -> Result<Option<Self>, Refused> {
        let module = Self::parse(How::Preload, value)?;
        Ok(module.map(|module| {
            let overlay = OVERLAY.iter().find(|(end, _)| module.name.as_bytes().ends_with(end));
            let abi = module.abi.or(overlay.map(|(_, tuple)| *tuple));
            Self { abi, ..module }
        }))
    }

    fn parse(how: How, value: &OsStr) -> Result<Option<Self>, Refused> {
        let mut parts = value.as_bytes().split(|b| *b == b':');
        let name = ByteString(parts.next().unwrap_or_default().to_vec());
        let mut abi = None;
        for part in parts {
            // The manual of the existing tool calls it `arch`; the tool itself knows `abi` only.
            let Some(tuple) = part.strip_prefix(b"abi=") else {
                let part = ByteString(part.to_vec());
                return Err(Refused::Usage(format!("`{part}` after `{name}` is not `abi=TUPLE`")));
            };
            abi = Some(architecture(OsStr::from_bytes(tuple))?);
        }
        Ok((!name.as_bytes().is_empty()).then_some(Self { how, name, abi }))
    }

    /// As the variable names it.
    fn entry(&self, libraries: Option<&Libraries>) -> Result<Entry, Refused> {
        let literal = Entry { text: self.name.clone(), shared: false };
        let path = Path::new(self.name.as_os_str());
        let (Some(abi), Some(libraries), Some(base)) = (self.abi, libraries, path.file_name())
        else {
            return Ok(literal);
        };
        // One that is searched for by its name has no path that a link could lead to.
        if !self.name.as_bytes().contains(&b'/') {
            return Ok(literal);
        }
        match libraries.link(abi, Path::new(base), path) {
            Ok(Linked::Made) => Ok(Entry { text: libraries.entry(base.as_bytes()), shared: true }),
            Ok(Linked::Taken) => Ok(literal),
            Err(error) => Err(Refused::Unavailable(format!("a link to {}: {error}", self.name))),
        }
    }
}

/// Sets the variables that have modules.
///
/// # Errors
/// When a link cannot be made.
pub(super) fn set(
    modules: &[Module],
    libraries: Option<&Libraries>,
    variables: &mut Variables,
) -> Result<(), Refused> {
    for (how, name) in [(How::Audit, "LD_AUDIT"), (How::Preload, "LD_PRELOAD")] {
        let mut entries: Vec<ByteString> = Vec::new();
        for module in modules.iter().filter(|module| module.how == how) {
            let entry = module.entry(libraries)?;
            if !(entry.shared && entries.contains(&entry.text)) {
                entries.push(entry.text);
            }
        }
        if !entries.is_empty() {
            let entries: Vec<&[u8]> = entries.iter().map(ByteString::as_bytes).collect();
            variables.set(name, entries.join(&b':'));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_a_module() {
        let shown = |value: &str| match Module::preload(OsStr::new(value)) {
            Ok(Some(Module { name, abi, .. })) => {
                format!("{name} {}", abi.map_or("any", Tuple::name))
            }
            Ok(None) => "none".into(),
            Err(_) => "refused".into(),
        };
        for (value, want) in [
            ("", "none"),
            (":abi=i386-linux-gnu", "none"),
            ("/a/b.so", "/a/b.so any"),
            ("/a/b.so:abi=i386-linux-gnu", "/a/b.so i386-linux-gnu"),
            (
                "/ubuntu12_64/gameoverlayrenderer.so",
                "/ubuntu12_64/gameoverlayrenderer.so x86_64-linux-gnu",
            ),
            (
                "/ubuntu12_32/gameoverlayrenderer.so",
                "/ubuntu12_32/gameoverlayrenderer.so i386-linux-gnu",
            ),
            ("/other/gameoverlayrenderer.so", "/other/gameoverlayrenderer.so any"),
            (
                "/ubuntu12_32/gameoverlayrenderer.so:abi=x86_64-linux-gnu",
                "/ubuntu12_32/gameoverlayrenderer.so x86_64-linux-gnu",
            ),
            ("/a/b.so:abi=hal9000", "refused"),
            ("/a/b.so:arch=i386-linux-gnu", "refused"),
            ("/a/b.so:abi=i386-linux-gnu:more", "refused"),
            ("/a/b.so:", "refused"),
        ] {
            assert_eq!(shown(value), want, "{value}");
        }
        let audit = Module::audit(OsStr::new("/ubuntu12_64/gameoverlayrenderer.so")).unwrap();
        assert_eq!(audit.unwrap().abi, None, "the overlay's rule is for LD_PRELOAD");
    }
}
