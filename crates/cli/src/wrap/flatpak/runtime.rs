//! Files of a sub-sandbox: what the copy of the runtime needs beside what every copy has, and where its linker's
//! cache is.
//!
//! Flatpak fills `/etc` of a sub-sandbox from `etc` of what is its `/usr`. All sandboxes of an app have one
//! `XDG_RUNTIME_DIR`, so that the cache can be there.

use super::super::failed;
use super::spawn::Copy;
use crate::stop::Stop;
use compose::{Inherited, PARENT};
use inspect::root::Root;
use plan::{ByteString, Code, HostPath, LayerEntry, Plan, RootPath};
use std::fs;
use std::os::unix::ffi::OsStrExt;

/// Where the copy has this tool.
const FROM_HOST: &str = "/usr/lib/pressure-vessel/from-host";

/// The adverb, in an installation.
const ADVERBS: &[&str] = &["bin/pressure-vessel-adverb", "libexec/steam-runtime-tools-0/pv-adverb"];

/// What the freedesktop.org runtime's linker is kept from loading, unless the variable says otherwise.
const GUARD: &str = "/app/etc/freedesktop-sdk.ld.so.blockedlist";

/// Directories of an app that a sub-sandbox with another `/usr` has elsewhere.
const MOVED: &[&str] = &["/app/", "/usr/", "/lib"];

/// The directory of the linker's cache.
pub(super) fn directory(environment: &Inherited) -> Result<HostPath, Stop> {
    let run = environment.path("XDG_RUNTIME_DIR").map(|run| HostPath::root().lexically(&run));
    run.map(|run| run.at("pressure-vessel/ldso")).ok_or_else(|| {
        let cause = "XDG_RUNTIME_DIR is not set, where the linker's cache is made".into();
        failed(Code::FLATPAK_LIMITS, cause, "leave it as Flatpak has set it")
    })
}

/// Gives the copy an `etc` whose linker files are those of `linker`, and makes these.
pub(super) fn complete(copy: &HostPath, linker: &HostPath, plan: &Plan) -> Result<(), Stop> {
    let root = Root::open(copy.clone()).ok();
    let read = |path: &str| root.as_ref().and_then(|r| r.read(&RootPath::literal(path)).ok());
    let configuration = read("/etc/ld.so.conf").unwrap_or_default();
    let done = (|| {
        let etc = copy.at("usr/etc");
        if etc.as_path().symlink_metadata().is_err() {
            // Of a whole root it is beside `usr`.
            let beside = copy.at("etc");
            if beside.as_path().symlink_metadata().is_ok_and(|found| found.is_dir()) {
                fs::rename(beside.as_path(), etc.as_path())?;
                std::os::unix::fs::symlink("usr/etc", beside.as_path())?;
            } else {
                fs::create_dir(etc.as_path())?;
            }
        }
        fs::create_dir_all(linker.as_path())?;
        fs::write(linker.at("runtime-ld.so.conf").as_path(), configuration)?;
        for name in ["ld.so.cache", "ld.so.conf"] {
            // Until it is made anew, what was decided here serves. Others may have it open.
            if let Some(content) = decided(plan, name) {
                let draft = linker.at(&format!("{name}.{}", std::process::id()));
                fs::write(draft.as_path(), content)?;
                fs::rename(draft.as_path(), linker.at(name).as_path())?;
            }
            let place = etc.at(name);
            if place.as_path().symlink_metadata().is_ok() {
                fs::remove_file(place.as_path())?;
            }
            std::os::unix::fs::symlink(linker.at(name).as_path(), place.as_path())?;
        }
        Ok(())
    })();
    done.map_err(|error: std::io::Error| {
        let cause = format!("completing the copy of the runtime in {copy}: {error}");
        failed(Code::COPY_IMPOSSIBLE, cause, "make room there and in XDG_RUNTIME_DIR")
    })
}

/// The content that a layer of the plan gives a file of this name.
fn decided<'p>(plan: &'p Plan, name: &str) -> Option<&'p [u8]> {
    let entries = plan.layers.iter().flat_map(|layer| &layer.entries);
    let named = entries.filter(|(path, _)| path.file_name().is_some_and(|n| n == name));
    named.into_iter().find_map(|(_, entry)| match entry {
        LayerEntry::File { content, .. } => Some(content.as_bytes()),
        _ => None,
    })
}

/// The adverb as the sub-sandbox has it.
pub(super) fn adverb(prefix: Option<&HostPath>, copy: Option<&Copy>) -> Result<ByteString, Stop> {
    let there = |program: &&&str| {
        prefix.is_some_and(|prefix| fs::exists(prefix.at(program).as_path()).unwrap_or(false))
    };
    match (prefix, ADVERBS.iter().find(there)) {
        (Some(prefix), Some(program)) => Ok(match copy {
            Some(_) => format!("{FROM_HOST}/{program}").as_str().into(),
            None => prefix.at(program).as_path().as_os_str().into(),
        }),
        _ => {
            let cause = format!("inside Flatpak, there is no {} beside this program", ADVERBS[0]);
            let hint = "install it: `bathysphere install --prefix` does";
            Err(failed(Code::PROGRAM_MISSING, cause, hint))
        }
    }
}

/// The linker's list of what it does not load, where the app or its runtime has it.
pub(super) fn guard(environment: &Inherited) -> Option<ByteString> {
    let named = environment.non_empty("SHARED_LIBRARY_GUARD_CONFIG");
    let path = named.unwrap_or(GUARD.as_ref()).as_bytes();
    let moves = MOVED.iter().any(|prefix| path.starts_with(prefix.as_bytes()));
    let is_there = || fs::exists(ByteString::from(path.to_vec()).as_os_str()).unwrap_or(false);
    (moves && is_there()).then(|| [PARENT.as_bytes(), path].concat().into())
}
