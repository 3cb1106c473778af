//! Locales that neither root has, generated on this machine and kept in the store.
//!
//! Their files go into the layer: hard links, where the store is on one file system with itself.

use super::{Input, Locales};
use crate::capture::place::position;
use crate::depot::copy_of;
use inspect::locale::compiled::{CATEGORIES, Shape, head};
use inspect::locale::{ARCHIVE, DIRECTORY, name};
use inspect::root::{Form, Kind, Root};
use plan::{Decision, Origin, RootPath, Subject, Verdict};
use std::fs::File;
use std::os::unix::fs::FileExt;

/// Puts the files of a generated locale into the layer. `false`: there is none, or the C library would not
/// accept it.
pub(super) fn add(out: &mut Locales, input: &Input<'_>, locale: &str, own: &Option<Shape>) -> bool {
    let Some(directory) = input.generated.get(locale) else { return false };
    let Ok(root) = Root::with_form(directory.clone(), Form::Full) else { return false };
    let files: Option<Vec<_>> = CATEGORIES
        .iter()
        .map(|(_, file)| root.find(&RootPath::root().at(file)).filter(|f| f.kind == Kind::File))
        .collect();
    let Some(files) = files else { return false };
    let heads = files.iter().map(|found| {
        let file = File::from(root.open_file(found).ok()??);
        let mut start = [0; 8];
        file.read_exact_at(&mut start, 0).ok()?;
        head(&start)
    });
    let Some(shape) = heads.collect::<Option<Vec<_>>>().map(Shape) else { return false };
    if own.as_ref().is_some_and(|own| !shape.is_accepted_by(own)) {
        return false;
    }
    let at = position(input.runtime, &RootPath::literal(DIRECTORY)).at(&name::normalised(locale));
    for ((_, file), found) in CATEGORIES.iter().zip(&files) {
        out.entries.insert(at.at(file), copy_of(found, false, None));
    }
    out.decisions.push(Decision {
        subject: Subject::Other { name: format!("locale {locale}") },
        candidates: vec![],
        verdict: Verdict::Taken { origin: Origin::Generated, at: at.to_string() },
        why: format!("generated on this machine: neither root has it, and no {ARCHIVE} does"),
    });
    true
}
