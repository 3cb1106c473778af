//! The compiled locales of one root.

use inspect::locale::archive::Archive;
use inspect::locale::compiled::{CATEGORIES, Shape, head};
use inspect::locale::{ARCHIVE, DIRECTORY, name};
use inspect::root::{Kind, Root};
use plan::{Origin, RootPath};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::os::unix::fs::FileExt;

/// Where distributions have them: nearly all, Exherbo.
const DIRECTORIES: &[&str] = &[
    DIRECTORY,
    "/usr/x86_64-pc-linux-gnu/lib/locale",
    "/usr/i686-pc-linux-gnu/lib/locale",
    "/usr/aarch64-unknown-linux-gnueabi/lib/locale",
];

/// The compiled locales of a root.
pub(super) struct Store<'a> {
    root: &'a Root,
    pub(super) origin: Origin,
    /// Where the C library of the root looks.
    pub(super) asked: RootPath,
    /// The same, free of links.
    pub(super) directory: RootPath,
    /// Name → directory, free of links.
    pub(super) directories: BTreeMap<OsString, RootPath>,
    pub(super) archive: Option<Archived>,
}

/// An archive with where it is.
pub(super) struct Archived {
    pub(super) path: RootPath,
    tables: Archive,
    file: File,
}

/// A locale as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// In the archive, by this name.
    Archived(String),
    /// A directory.
    Directory { path: RootPath },
}

impl Form {
    /// For the record.
    pub(super) fn note(&self) -> String {
        match self {
            Form::Archived(name) => format!("{name} in the archive"),
            Form::Directory { .. } => "a directory".into(),
        }
    }
}

impl<'a> Store<'a> {
    /// `None` where there are none at all.
    pub(super) fn open(root: &'a Root, origin: Origin) -> Option<Self> {
        let (asked, directory) = DIRECTORIES.iter().find_map(|path| {
            let asked = RootPath::literal(path);
            let found = root.find(&asked).filter(|f| f.kind == Kind::Directory)?;
            Some((asked, found.path))
        })?;
        let mut directories = BTreeMap::new();
        let mut archive = None;
        for entry in root.list(&directory).unwrap_or_default() {
            let Some(found) = directory.join(&entry.name).ok().and_then(|p| root.find(&p)) else {
                continue;
            };
            if found.kind == Kind::Directory {
                directories.insert(entry.name, found.path);
            } else if entry.name == ARCHIVE {
                let file = root.open_file(&found).ok().flatten().map(File::from);
                archive = file.and_then(|file| {
                    let tables = Archive::read(&file).ok()?;
                    Some(Archived { path: found.path, tables, file })
                });
            }
        }
        Some(Self { root, origin, asked, directory, directories, archive })
    }

    /// The locale in the archive.
    pub(super) fn find_archived(&self, locale: &str) -> Option<Form> {
        let tables = &self.archive.as_ref()?.tables;
        let names = [name::normalised(locale), locale.to_owned()];
        names.into_iter().find(|n| tables.has(n)).map(Form::Archived)
    }

    /// The locale as a directory: by the name as given, or with the character set as archives have it.
    pub(super) fn find_directory(&self, locale: &str) -> Option<Form> {
        let names = [locale.to_owned(), name::normalised(locale)];
        let path =
            names.iter().find_map(|n| self.directories.get(OsString::from(n).as_os_str()))?;
        Some(Form::Directory { path: path.clone() })
    }

    /// Where it is.
    pub(super) fn place(&self, form: &Form) -> RootPath {
        match (form, &self.archive) {
            (Form::Directory { path }, _) => path.clone(),
            (Form::Archived(_), Some(archive)) => archive.path.clone(),
            (Form::Archived(_), None) => self.directory.clone(),
        }
    }

    /// The shape of what this root's `localedef` made: that of any locale.
    pub(super) fn shape(&self) -> Option<Shape> {
        let directory = self.directories.values().find_map(|path| self.shape_of_directory(path));
        directory.or_else(|| {
            let archive = self.archive.as_ref()?;
            archive.tables.shape(&archive.file, archive.tables.any()?)
        })
    }

    /// Whether a C library of which data have the shape `own` accepts this. Where nothing is known of
    /// that C library it is tried: glibc checks again, and falls back to `C`.
    pub(super) fn fits(&self, form: &Form, own: Option<&Shape>) -> bool {
        let Some(own) = own else { return true };
        let shape = match form {
            Form::Directory { path } => self.shape_of_directory(path),
            Form::Archived(name) => {
                self.archive.as_ref().and_then(|a| a.tables.shape(&a.file, name))
            }
        };
        shape.is_some_and(|shape| shape.is_accepted_by(own))
    }

    fn shape_of_directory(&self, path: &RootPath) -> Option<Shape> {
        let categories = CATEGORIES.iter().map(|(_, file)| {
            let found = self.root.find(&path.join(file).ok()?)?;
            let file = File::from(self.root.open_file(&found).ok()??);
            let mut start = [0; 8];
            file.read_exact_at(&mut start, 0).ok()?;
            head(&start)
        });
        Some(Shape(categories.collect::<Option<_>>()?))
    }
}
