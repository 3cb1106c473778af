//! `plan --format oci`: the bundle that [`plan::export::oci`] describes, written into a directory.
//!
//! ```text
//! DIR/config.json    how it is run
//! DIR/rootfs/        directories, links and small files of the plan, and mount points
//! DIR/store/         layers and trees, in a store of the bundle's own: nobody else deletes them
//! ```

use super::prepared;
use crate::args::ShowPlan;
use crate::report;
use crate::request::bad_value;
use crate::session::Session;
use crate::stop::Stop;
use plan::export::oci::{self, Bundle, Item, Surroundings};
use plan::{Code, HostPath, Problem, RootPath};
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::Path;
use store::Store;

pub(super) fn shown(show: &ShowPlan, session: &mut Session) -> Result<Vec<u8>, Stop> {
    // Required by the option's definition.
    let given = show.output.as_deref().unwrap_or(Path::new("."));
    let absolute = std::path::absolute(given).map_err(bad_value("--output"))?;
    let directory = HostPath::new(absolute).map_err(bad_value("--output"))?;
    empty(directory.as_path()).map_err(|error| unusable(&directory, &error))?;
    let store = Store::open(&directory.at("store"))?;
    let (plan, ready) = prepared(session, &store, &|_| {})?;
    let around = Surroundings {
        layers: &ready.directories.layers,
        trees: &ready.directories.trees,
        environment: session.edge.environment.clone(),
        uid: rustix::process::geteuid().as_raw(),
        gid: rustix::process::getegid().as_raw(),
        is_directory: &is_directory,
    };
    let bundle = oci::bundle(&plan, &around).map_err(|error| {
        Problem::blocking(Code::EXPORT_IMPOSSIBLE, error.to_string())
            .hint("start the plan with `bathysphere run`, or keep it as JSON for `run --plan`")
    })?;
    for name in &bundle.left_out {
        report::notice(&format!("the variable `{name}` is left out: its value is not UTF-8"));
    }
    write(&directory, &bundle).map_err(|error| unusable(&directory, &error))?;
    Ok(vec![])
}

fn is_directory(path: &HostPath) -> Option<bool> {
    let status = rustix::fs::stat(path.as_path()).ok()?;
    Some(rustix::fs::FileType::from_raw_mode(status.st_mode) == rustix::fs::FileType::Directory)
}

fn unusable(directory: &HostPath, error: &io::Error) -> Problem {
    Problem::blocking(Code::OUTPUT_UNUSABLE, format!("`{directory}`: {error}"))
        .hint("name a directory that does not exist yet, in one that you can write")
}

/// Makes the directory, or finds it empty.
fn empty(directory: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o755).create(directory) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            match fs::read_dir(directory)?.next() {
                Some(_) => Err(Errno::NOTEMPTY.into()),
                None => Ok(()),
            }
        }
        other => other,
    }
}

fn write(directory: &HostPath, bundle: &Bundle) -> io::Result<()> {
    let root = directory.at("rootfs");
    fs::create_dir(root.as_path())?;
    let open = fs::Permissions::from_mode(0o755);
    fs::set_permissions(root.as_path(), open)?;
    let mut modes: BTreeMap<&RootPath, u32> = BTreeMap::new();
    for (path, item) in &bundle.root {
        let place = root.lexically(path);
        let place = place.as_path();
        match item {
            Item::Directory { mode } => {
                DirBuilder::new().mode(0o700).create(place)?;
                modes.insert(path, *mode);
            }
            Item::Symlink { target } => symlink(target.as_os_str(), place)?,
            Item::File { content, mode } => {
                let mut options = OpenOptions::new();
                let mut file = options.write(true).create_new(true).mode(0o600).open(place)?;
                file.write_all(content.as_bytes())?;
                modes.insert(path, *mode);
            }
        }
    }
    // Last, and from the bottom up: a directory need not be writable.
    for (path, mode) in modes.iter().rev() {
        let permissions = fs::Permissions::from_mode(*mode);
        fs::set_permissions(root.lexically(path).as_path(), permissions)?;
    }
    let mut text = serde_json::to_vec_pretty(&bundle.config)?;
    text.push(b'\n');
    fs::write(directory.at("config.json").as_path(), text)
}
