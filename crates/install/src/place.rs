//! Installing, replacing, putting back.

use crate::error::{At, Error};
use crate::note::{Kind, NOTE, Note, State, is_absence, look};
use crate::stage::{self, Stage, is_ours, left_over, lock};
use crate::swap::Exchange;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// Where the link to what was replaced is, below a tree.
pub(crate) const ORIGINAL: &str = "libexec/bathysphere/original";

/// The directories whose programs others start: what the original has there and we do not stays in reach.
const OF_PROGRAMS: &[&str] = &["bin", "libexec/steam-runtime-tools-0"];

/// Where what is replaced is kept: beside its place.
#[must_use]
pub fn kept(place: &Path) -> PathBuf {
    let mut name = OsString::from(place.file_name().unwrap_or_default());
    name.push(".original");
    place.with_file_name(name)
}

/// Whether a directory is that of pressure-vessel.
#[must_use]
pub fn is_replaceable(place: &Path) -> bool {
    let names = ["bin/pressure-vessel-wrap", "bin/pressure-vessel-unruntime"];
    names.iter().any(|name| is_there(&place.join(name)))
}

/// Writes an installation of its own at `place`: a new one, or a newer one.
///
/// # Errors
/// [`Error::NoPlace`] where others have something; [`Error::Io`]. Nothing is changed then.
pub fn install(
    place: &Path,
    kind: Kind,
    exchange: Exchange,
    fill: impl FnOnce(&mut Stage) -> Result<(), Error>,
) -> Result<(), Error> {
    if let Some(parent) = place.parent() {
        fs::create_dir_all(parent).at("creating", parent)?;
    }
    let _lock = lock(place)?;
    settle_locked(place)?;
    let old = Note::read(place)?;
    match &old {
        Some(note) if note.kind != kind => {
            return Err(Error::NoPlace {
                path: place.into(),
                why: "is another kind of installation",
            });
        }
        Some(note) if !foreign(place, note)?.is_empty() => {
            return Err(Error::NoPlace { path: place.into(), why: "has files that are not ours" });
        }
        None if !is_empty_or_absent(place)? => {
            return Err(Error::NoPlace {
                path: place.into(),
                why: "is there already and not empty",
            });
        }
        _ => {}
    }
    let mut stage = Stage::new(place, kind)?;
    fill(&mut stage)?;
    stage.finish()?;
    if old.is_none() {
        fs::rename(stage.path(), place).at("placing", place)?;
        stage.placed();
        return Ok(());
    }
    exchange(place, stage.path()).at("replacing", place)
    // The older one is at the stage's place now, and removed with it.
}

/// Puts an installation in the place of a `pressure-vessel` directory, which is kept.
///
/// # Errors
/// [`Error::NoPlace`] when it is none; [`Error::Io`]. Nothing is changed then.
pub fn replace(
    place: &Path,
    exchange: Exchange,
    fill: impl FnOnce(&mut Stage) -> Result<(), Error>,
) -> Result<(), Error> {
    let _lock = lock(place)?;
    settle_locked(place)?;
    // What Steam has put back, whole or in part, is the original from now on.
    if look(place)? != State::Intact && (is_ours(place) || is_there(&kept(place))) {
        put_back_locked(place, exchange)?;
    }
    let first = !is_ours(place);
    if first && !is_replaceable(place) {
        let why = "is no `pressure-vessel` directory: it has no pressure-vessel-wrap";
        return Err(Error::NoPlace { path: place.into(), why });
    }
    let kept = kept(place);
    let mut stage = Stage::new(place, Kind::Replaced)?;
    fill(&mut stage)?;
    lead_to_original(&mut stage, if first { place } else { &kept }, &kept)?;
    stage.finish()?;
    exchange(place, stage.path()).at("replacing", place)?;
    if !first {
        return Ok(());
    }
    if let Err(error) = fs::rename(stage.path(), &kept) {
        exchange(place, stage.path()).at("restoring", place)?;
        return Err(error).at("keeping", &kept);
    }
    stage.placed();
    Ok(())
}

/// Links to what was replaced, and to its programs that have no counterpart here.
fn lead_to_original(stage: &mut Stage, original: &Path, kept: &Path) -> Result<(), Error> {
    let Some(name) = kept.file_name().and_then(|name| name.to_str()) else {
        return Err(Error::NoPlace { path: kept.into(), why: "has a name that is not UTF-8" });
    };
    stage.keep_original(name);
    for directory in OF_PROGRAMS {
        let Ok(entries) = fs::read_dir(original.join(directory)) else { continue };
        let up = "../".repeat(directory.split('/').count() + 1);
        for entry in entries {
            let entry = entry.at("reading", original)?.file_name();
            let Some(program) = entry.to_str() else { continue };
            let at = format!("{directory}/{program}");
            if !is_there(&stage.path().join(&at)) {
                stage.link(&at, &format!("{up}{name}/{at}"))?;
            }
        }
    }
    stage.link(ORIGINAL, &format!("../../../{name}"))
}

/// Puts back what [`replace`] has replaced.
///
/// Where Steam was first, its files stay, what is ours goes, and only what is missing comes from what was
/// kept.
///
/// # Errors
/// [`Error::NothingThere`], [`Error::OriginalGone`], [`Error::Io`].
pub fn put_back(place: &Path, exchange: Exchange) -> Result<(), Error> {
    let _lock = lock(place)?;
    settle_locked(place)?;
    put_back_locked(place, exchange)
}

fn put_back_locked(place: &Path, exchange: Exchange) -> Result<(), Error> {
    let kept = kept(place);
    let note = Note::read(place)?.filter(|note| note.kind == Kind::Replaced);
    let state = look(place)?;
    match (note, is_there(&kept)) {
        (None, false) => Err(Error::NothingThere(place.into())),
        (None, true) if state == State::Gone => fs::rename(&kept, place).at("putting back", place),
        // All of it is there again: what was kept is superseded.
        (None, true) => fs::remove_dir_all(&kept).at("removing", &kept),
        (Some(_), false) => Err(Error::OriginalGone { path: place.into(), kept }),
        (Some(_), true) if state == State::Intact => {
            // Under a name that is settled after an interruption.
            let mut stage = Stage::new(place, Kind::Replaced)?;
            let aside = stage.path().to_owned();
            stage::remove(&aside)?;
            fs::rename(&kept, &aside).at("putting back", place)?;
            if let Err(error) = exchange(place, &aside) {
                stage.placed();
                fs::rename(&aside, &kept).at("keeping", &kept)?;
                return Err(error).at("putting back", place);
            }
            Ok(())
        }
        (Some(note), true) => {
            remove_entries(place, &note)?;
            complete(place, &kept)?;
            fs::remove_dir_all(&kept).at("removing", &kept)?;
            forget(place)
        }
    }
}

/// Removes an installation of its own. Files in it that are not ours are left, and given back.
///
/// # Errors
/// [`Error::NothingThere`], [`Error::Io`].
pub fn remove(place: &Path) -> Result<Vec<String>, Error> {
    let nothing = || Error::NothingThere(place.into());
    if !is_ours(place) {
        return Err(nothing());
    }
    let _lock = lock(place)?;
    settle_locked(place)?;
    let note = Note::read(place)?.filter(|note| note.kind != Kind::Replaced).ok_or_else(nothing)?;
    let left = foreign(place, &note)?;
    if left.is_empty() {
        let stage = Stage::new(place, note.kind)?;
        stage::remove(stage.path())?;
        return fs::rename(place, stage.path()).at("removing", place).map(|()| left);
    }
    for path in note.entries.keys() {
        remove_file(&place.join(path))?;
    }
    prune(place, &note);
    forget(place)?;
    Ok(left)
}

/// Brings to an end what was interrupted at a place.
///
/// # Errors
/// [`Error::Busy`] when it is not interrupted but going on; [`Error::Io`].
pub fn settle(place: &Path) -> Result<(), Error> {
    let _lock = lock(place)?;
    settle_locked(place)
}

fn settle_locked(place: &Path) -> Result<(), Error> {
    let kept = kept(place);
    for left in left_over(place)? {
        // A third name of an exchange has what was in the place.
        let was_in_place = left.as_os_str().as_encoded_bytes().ends_with(b"x");
        if !is_there(place) && (was_in_place || !is_ours(&left)) {
            fs::rename(&left, place).at("putting back", place)?;
        } else if is_ours(&left) {
            stage::remove(&left)?;
        } else if is_ours(place) && !is_there(&kept) {
            fs::rename(&left, &kept).at("keeping", &kept)?;
        }
    }
    Ok(())
}

/// Removes what is as it was written; what others have written in its place stays.
fn remove_entries(place: &Path, note: &Note) -> Result<(), Error> {
    let changed = note.changed(place);
    for path in note.entries.keys().filter(|path| !changed.contains(path)) {
        remove_file(&place.join(path))?;
    }
    prune(place, note);
    Ok(())
}

/// Moves to `place` whatever of `from` is missing there.
fn complete(place: &Path, from: &Path) -> Result<(), Error> {
    for entry in fs::read_dir(from).at("reading", from)? {
        let entry = entry.at("reading", from)?;
        let to = place.join(entry.file_name());
        if !is_there(&to) {
            fs::rename(entry.path(), &to).at("putting back", &to)?;
        } else if entry.file_type().at("looking at", &entry.path())?.is_dir() {
            complete(&to, &entry.path())?;
        }
    }
    Ok(())
}

/// Removes the note, with its directory if nothing else is in that, and the place likewise.
fn forget(place: &Path) -> Result<(), Error> {
    remove_file(&place.join(NOTE))?;
    // They refuse when something is in them.
    let _ = fs::remove_dir(place.join("metadata"));
    let _ = fs::remove_dir(place);
    Ok(())
}

/// Removes directories of entries that are empty now.
fn prune(place: &Path, note: &Note) {
    for path in note.entries.keys().rev() {
        let above = Path::new(path).ancestors().skip(1).filter(|path| !path.as_os_str().is_empty());
        for directory in above {
            // It refuses when something is in it, and so will those above.
            if fs::remove_dir(place.join(directory)).is_err() {
                break;
            }
        }
    }
}

/// Paths of files in an installation that are not in its note.
fn foreign(place: &Path, note: &Note) -> Result<Vec<String>, Error> {
    let mut found = vec![];
    let mut pending = vec![String::new()];
    while let Some(directory) = pending.pop() {
        let path = place.join(&directory);
        for entry in fs::read_dir(&path).at("reading", &path)? {
            let entry = entry.at("reading", &path)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let below = if directory.is_empty() { name } else { format!("{directory}/{name}") };
            if entry.file_type().at("looking at", &entry.path())?.is_dir() {
                pending.push(below);
            } else if below != NOTE && !note.entries.contains_key(&below) {
                found.push(below);
            }
        }
    }
    found.sort_unstable();
    Ok(found)
}

fn remove_file(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if is_absence(&error) => Ok(()),
        other => other.at("removing", path),
    }
}

fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

fn is_empty_or_absent(path: &Path) -> Result<bool, Error> {
    match fs::read_dir(path) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if is_absence(&error) && !is_there(path) => Ok(true),
        Err(_) => Ok(false),
    }
}

#[cfg(test)]
mod tests;
