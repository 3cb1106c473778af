//! FEX's configuration: files and variables, the weakest first.

use super::places::Places;
use super::thunks::{self, Thunks};
use crate::manifest::Environment;
use crate::root::{self, Root};
use plan::{ByteString, RootPath};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::ffi::OsStr;

/// A value and what gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// As it was written.
    pub value: ByteString,
    /// The file or the variable (`$FEX_ROOTFS`).
    pub origin: String,
}

/// Why a configuration file says nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It cannot be read. A missing one is no error.
    #[error(transparent)]
    File(#[from] root::Error),
    /// It is not JSON, or not an object.
    #[error("{0}")]
    Syntax(String),
}

/// What one file says. What is of an unexpected type is left out, as FEX does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct File {
    /// The members of `Config` that are strings or numbers.
    pub settings: BTreeMap<String, String>,
    /// The members of `ThunksDB`: which libraries' thunks are on or off.
    pub thunks: BTreeMap<String, bool>,
}

/// All that matters of it to a launcher.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// The files that were read, the weakest first.
    pub files: Vec<RootPath>,
    /// Files that could not be.
    pub unreadable: Vec<(RootPath, Error)>,
    /// `RootFS`. An empty one means: none.
    pub rootfs: Option<Setting>,
    /// `ServerSocketPath`.
    pub server_socket: Option<Setting>,
    /// What is known about thunks.
    pub thunks: Thunks,
}

/// The most members of one object that are read.
const MAX_MEMBERS: usize = 4096;

/// Reads a configuration file.
///
/// # Errors
/// When it is not a JSON object.
pub fn parse(bytes: &[u8]) -> Result<File, Error> {
    let value = serde_json::from_slice(bytes).map_err(|e| Error::Syntax(e.to_string()))?;
    let Value::Object(object) = value else {
        return Err(Error::Syntax("it is not an object".into()));
    };
    let members = |name: &str| match object.get(name) {
        Some(Value::Object(members)) => members.clone(),
        _ => Map::new(),
    };
    let mut file = File::default();
    for (name, value) in members("Config").into_iter().take(MAX_MEMBERS) {
        match value {
            Value::String(text) => file.settings.insert(name, text),
            Value::Number(number) => file.settings.insert(name, number.to_string()),
            Value::Bool(value) => file.settings.insert(name, u8::from(value).to_string()),
            _ => None,
        };
    }
    for (name, value) in members("ThunksDB").into_iter().take(MAX_MEMBERS) {
        let on = match value {
            Value::Number(number) => number.as_i64() != Some(0),
            Value::Bool(on) => on,
            _ => continue,
        };
        file.thunks.insert(name, on);
    }
    Ok(file)
}

/// Setting of a file, variable of the same meaning, where it goes.
type Row = (&'static str, &'static str, fn(&mut Config) -> &mut Option<Setting>);

const SETTINGS: &[Row] = &[
    ("RootFS", "FEX_ROOTFS", |c| &mut c.rootfs),
    ("ServerSocketPath", "FEX_SERVERSOCKETPATH", |c| &mut c.server_socket),
    ("ThunkHostLibs", "FEX_THUNKHOSTLIBS", |c| &mut c.thunks.host_libs),
    ("ThunkGuestLibs", "FEX_THUNKGUESTLIBS", |c| &mut c.thunks.guest_libs),
    ("ThunkConfig", "FEX_THUNKCONFIG", |c| &mut c.thunks.config),
];

pub(super) fn read(
    root: &Root,
    env: &Environment,
    places: &Places,
    program: Option<&OsStr>,
) -> Config {
    let mut config = Config::default();
    for path in files(env, places, program) {
        let name = path.to_string();
        if let Some(bytes) = read_file(root, path, &mut config)
            && let Some(file) = understood(&bytes, &mut config)
        {
            for (setting, _, place) in SETTINGS {
                if let Some(value) = file.settings.get(*setting) {
                    let value = ByteString::from(value.as_str());
                    *place(&mut config) = Some(Setting { value, origin: name.clone() });
                }
            }
            config.thunks.switches.extend(file.thunks);
        }
    }
    for (_, variable, place) in SETTINGS {
        if let Some(value) = env.get(variable) {
            let origin = format!("${variable}");
            *place(&mut config) = Some(Setting { value: value.into(), origin });
        }
    }
    read_thunk_config(root, &mut config);
    thunks::read_databases(root, places, &mut config);
    config
}

/// The files that may be there, the weakest first.
fn files(env: &Environment, places: &Places, program: Option<&OsStr>) -> Vec<RootPath> {
    let user = places.config.iter();
    let main = [&places.system].into_iter().chain(user.clone()).map(|d| d.at("Config.json"));
    let mut files: Vec<_> = main.collect();
    if let Some(program) = program.map(|p| ByteString::from(p).to_string()) {
        let names = [&places.system].into_iter().chain(user);
        files.extend(names.filter_map(|d| d.join(format!("AppConfig/{program}.json")).ok()));
    }
    // A file that a launcher chose for this program.
    files.extend(super::places::absolute(env, "FEX_APP_CONFIG"));
    files
}

/// Its content, if it is there; what prevents reading it is noted.
pub(super) fn read_file(root: &Root, path: RootPath, config: &mut Config) -> Option<Vec<u8>> {
    match root.read(&path) {
        Ok(bytes) => {
            config.files.push(path);
            Some(bytes)
        }
        Err(e) if e.is_absent() => None,
        Err(e) => {
            config.unreadable.push((path, e.into()));
            None
        }
    }
}

/// What a file says that was read last.
fn understood(bytes: &[u8], config: &mut Config) -> Option<File> {
    match parse(bytes) {
        Ok(file) => Some(file),
        Err(e) => {
            config.unreadable.extend(config.files.pop().map(|path| (path, e)));
            None
        }
    }
}

/// The file that `ThunkConfig` names, which has a `ThunksDB` of its own. It is weaker than switches
/// in the configuration itself.
fn read_thunk_config(root: &Root, config: &mut Config) {
    let Some(setting) = &config.thunks.config else { return };
    let Ok(path) = RootPath::new(setting.value.as_os_str()) else { return };
    let Some(bytes) = read_file(root, path, config) else { return };
    if let Some(file) = understood(&bytes, config) {
        for (name, on) in file.thunks {
            config.thunks.switches.entry(name).or_insert(on);
        }
    }
}
