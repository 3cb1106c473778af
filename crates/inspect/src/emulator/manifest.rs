//! `emulator.json`: a native launcher's description of an emulator (object `emulator_v0`).
//!
//! Unknown members are ignored; a known one of a wrong type or value is an error that names it.
//! Whether the programs exist and are ELF files is for the one who has the root
//! ([`super::program`]).

use super::words;
use crate::manifest::Reason;
use crate::manifest::json::{self, Object};
use crate::root::{self, Root};
use plan::{HostPath, RootPath, Tuple};
use serde_json::Value;

/// The object that the file consists of.
const OBJECT: &str = "emulator_v0";

/// A command line of the manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argv {
    /// The program. A relative one starts from the manifest's directory; `..` stays as it is.
    pub program: HostPath,
    /// What follows it.
    pub arguments: Vec<String>,
}

/// Changes to an environment, in the order of the file: a value, or `None` to unset.
pub type Changes = Vec<(String, Option<String>)>;

/// What the manifest says, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmulatorManifest {
    /// The manifest's directory, without links: relative paths start there.
    pub directory: HostPath,
    /// Runs the emulator outside the container.
    pub argv: Argv,
    /// Runs it for set-up commands inside, if that differs.
    pub container_argv: Option<Argv>,
    /// Runs it for the main command, if that differs.
    pub main_argv: Option<Argv>,
    /// A server that must be ready before any emulated command starts.
    pub server_argv: Option<Argv>,
    /// Programs of these are given to the emulator; not empty.
    pub emulated_architectures: Vec<Tuple>,
    /// Emulated architectures that are not known here.
    pub other_architectures: Vec<String>,
    /// Native architectures that must work in the container.
    pub required_architectures: Vec<Tuple>,
    /// SONAMEs that are needed of these.
    pub required_libraries: Vec<String>,
    /// Applied whenever the emulator runs.
    pub environment: Changes,
    /// Applied in addition inside the container; wins over `environment`.
    pub container_environment: Changes,
}

impl EmulatorManifest {
    /// What runs a set-up command inside the container.
    pub fn container(&self) -> &Argv {
        self.container_argv.as_ref().unwrap_or(&self.argv)
    }

    /// What runs the main command.
    pub fn main(&self) -> &Argv {
        self.main_argv.as_ref().unwrap_or(self.container())
    }

    /// What changes in the environment inside the container: each variable once, the stronger value
    /// in place of the weaker.
    pub fn inside(&self) -> Changes {
        let mut all: Changes = Vec::new();
        for (name, value) in self.environment.iter().chain(&self.container_environment) {
            match all.iter_mut().find(|(known, _)| known == name) {
                Some(entry) => entry.1.clone_from(value),
                None => all.push((name.clone(), value.clone())),
            }
        }
        all
    }
}

/// Why a manifest cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It cannot be found or read.
    #[error(transparent)]
    File(#[from] root::Error),
    /// What it says is wrong.
    #[error("`{file}`: {why}")]
    Content {
        /// The manifest, with links resolved.
        file: HostPath,
        /// What is wrong.
        why: Reason,
    },
}

/// Reads the manifest at `path`. Relative paths in it start from the directory that it is really in.
///
/// # Errors
/// As [`parse`], and when it cannot be read.
pub fn read(root: &Root, path: &RootPath) -> Result<EmulatorManifest, Error> {
    let found = root.resolve(path)?;
    let bytes = root.read(&found.path)?;
    let directory = found.host.parent().unwrap_or_else(HostPath::root);
    parse(&bytes, &directory).map_err(|why| Error::Content { file: found.host, why })
}

/// Reads a manifest that is in `directory`.
///
/// # Errors
/// When it is not JSON, has no `emulator_v0`, or a known member of a wrong type or value.
pub fn parse(bytes: &[u8], directory: &HostPath) -> Result<EmulatorManifest, Reason> {
    let outer = json::parse(bytes)?;
    let members = Members { object: json::object(&outer, OBJECT)?, name: OBJECT.into() };
    let argv = |name| argv(&members, name, directory);
    let missing = |name| Reason::Missing(members.path(name));
    let (emulated, others) = members.tuples("emulated_architectures")?;
    if emulated.is_empty() && others.is_empty() {
        return match members.object.get("emulated_architectures") {
            None => Err(missing("emulated_architectures")),
            Some(_) => Err(Reason::Empty(members.path("emulated_architectures"))),
        };
    }
    let (required, unknown) = members.tuples("required_architectures")?;
    if let Some(unknown) = unknown.first() {
        let why = plan::UnknownTuple(unknown.clone()).to_string();
        return Err(Reason::Value { member: members.path("required_architectures"), why });
    }
    Ok(EmulatorManifest {
        directory: directory.clone(),
        argv: argv("argv")?.ok_or_else(|| missing("argv"))?,
        container_argv: argv("container_argv")?,
        main_argv: argv("main_argv")?,
        server_argv: argv("server_argv")?,
        emulated_architectures: emulated,
        other_architectures: others,
        required_architectures: required,
        required_libraries: sonames(&members)?,
        environment: changes(&members, "environment")?,
        container_environment: changes(&members, "container_environment")?,
    })
}

/// Members of an object, with the names that messages call them.
pub(crate) struct Members<'o> {
    pub(crate) object: &'o Object,
    /// The object's own name, with those of the objects that contain it.
    pub(crate) name: String,
}

impl Members<'_> {
    /// What messages call a member.
    pub(crate) fn path(&self, name: &str) -> String {
        format!("{}.{name}", self.name)
    }

    /// The strings of an array, each with what messages call it; `None` where there is no such
    /// member.
    pub(crate) fn strings(&self, name: &str) -> Result<Option<Vec<(String, &str)>>, Reason> {
        let member = self.path(name);
        let items = match self.object.get(name) {
            None => return Ok(None),
            Some(Value::Array(items)) => items,
            Some(_) => return Err(Reason::Type { member, wanted: "an array of strings" }),
        };
        let strings = items.iter().enumerate().map(|(i, item)| {
            let member = format!("{member}[{i}]");
            match item {
                Value::String(text) => Ok((member, text.as_str())),
                _ => Err(Reason::Type { member, wanted: "a string" }),
            }
        });
        strings.collect::<Result<_, _>>().map(Some)
    }

    /// The architectures of an array, each once, and those that are not known here.
    pub(crate) fn tuples(&self, name: &str) -> Result<(Vec<Tuple>, Vec<String>), Reason> {
        let (mut known, mut others) = (Vec::new(), Vec::new());
        for (member, text) in self.strings(name)?.unwrap_or_default() {
            match tuple(member, text)? {
                Ok(tuple) if !known.contains(&tuple) => known.push(tuple),
                Ok(_) => {}
                Err(other) => others.push(other),
            }
        }
        Ok((known, others))
    }

    /// A truth value, if there is such a member.
    pub(crate) fn truth(&self, name: &str) -> Result<Option<bool>, Reason> {
        match self.object.get(name) {
            None => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(*value)),
            Some(_) => Err(Reason::Type { member: self.path(name), wanted: "`true` or `false`" }),
        }
    }
}

/// A known architecture, or the name of another one.
///
/// # Errors
/// When it is no tuple of any architecture.
pub(crate) fn tuple(member: String, text: &str) -> Result<Result<Tuple, String>, Reason> {
    let good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-';
    match text.parse() {
        Ok(tuple) => Ok(Ok(tuple)),
        Err(_) if text.contains('-') && text.bytes().all(good) => Ok(Err(text.to_owned())),
        Err(_) => {
            let why = format!("`{}` is not a multiarch tuple", text.escape_debug());
            Err(Reason::Value { member, why })
        }
    }
}

fn argv(members: &Members<'_>, name: &str, base: &HostPath) -> Result<Option<Argv>, Reason> {
    let member = members.path(name);
    let bad = |why: String| Reason::Value { member: member.clone(), why };
    let words: Vec<String> = match members.object.get(name) {
        None => return Ok(None),
        Some(Value::String(text)) => words::split(text).map_err(|e| bad(e.to_string()))?,
        Some(Value::Array(_)) => {
            let items = members.strings(name)?.unwrap_or_default();
            items.into_iter().map(|(_, text)| text.to_owned()).collect()
        }
        Some(_) => {
            return Err(Reason::Type { member, wanted: "a string or an array of strings" });
        }
    };
    let mut words = words.into_iter();
    let program = words.next().ok_or_else(|| Reason::Empty(member.clone()))?;
    let arguments: Vec<String> = words.collect();
    if arguments.iter().any(|word| word.contains('\0')) {
        return Err(bad("a word contains a NUL byte".into()));
    }
    if !program.contains('/') {
        let shown = program.escape_debug();
        return Err(bad(format!(
            "the program `{shown}` has no `/`; it is not searched on the PATH"
        )));
    }
    let path = if program.starts_with('/') { HostPath::new(&program) } else { base.join(&program) };
    let program = path.map_err(|e| bad(e.to_string()))?;
    Ok(Some(Argv { program, arguments }))
}

fn sonames(members: &Members<'_>) -> Result<Vec<String>, Reason> {
    let mut names = Vec::new();
    for (member, name) in members.strings("required_libraries")?.unwrap_or_default() {
        if name.is_empty() || name.contains(['/', '\0']) {
            let why = format!("`{}` is not a SONAME", name.escape_debug());
            return Err(Reason::Value { member, why });
        }
        names.push(name.to_owned());
    }
    Ok(names)
}

fn changes(members: &Members<'_>, name: &str) -> Result<Changes, Reason> {
    let member = members.path(name);
    let object = match members.object.get(name) {
        None => return Ok(vec![]),
        Some(Value::Object(object)) => object,
        Some(_) => return Err(Reason::Type { member, wanted: "an object" }),
    };
    let mut changes = Vec::new();
    for (variable, value) in object {
        if variable.is_empty() || variable.contains(['=', '\0']) {
            let why = format!("`{}` cannot name a variable", variable.escape_debug());
            return Err(Reason::Value { member, why });
        }
        let member = format!("{member}.{variable}");
        let value = match value {
            Value::Null => None,
            Value::String(text) if text.contains('\0') => {
                return Err(Reason::Value { member, why: "it contains a NUL byte".into() });
            }
            Value::String(text) => Some(text.clone()),
            _ => return Err(Reason::Type { member, wanted: "a string or null" }),
        };
        changes.push((variable.clone(), value));
    }
    Ok(changes)
}

#[cfg(test)]
mod tests;
