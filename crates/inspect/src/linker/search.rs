//! Where a name is looked for, in which order (`_dl_map_object` of elf/dl-load.c).

use super::candidate::{self, Candidate};
use super::{Library, Linker, NotFound};
use crate::elf::{Elf, Kind};
use plan::RootPath;
use std::rc::Rc;

/// A directory to look into, and how to say why.
struct Place {
    directory: RootPath,
    via: Rc<str>,
}

/// The state of one search.
struct Search<'a, 'r> {
    linker: &'a Linker<'r>,
    name: &'a str,
    loader: Option<&'a Rc<Library>>,
    tried: Vec<(RootPath, String)>,
}

/// The end of a search.
enum End {
    Found(Library),
    /// Somewhere the dynamic linker gives up.
    Fatal,
}

impl<'r> Linker<'r> {
    /// Searches without regard to what was found before.
    pub(super) fn search(
        &self,
        name: &str,
        loader: Option<&Rc<Library>>,
    ) -> Result<Library, NotFound> {
        let mut search = Search { linker: self, name, loader, tried: Vec::new() };
        match search.run() {
            Some(End::Found(library)) => Ok(library),
            Some(End::Fatal) | None => Err(NotFound {
                name: name.into(),
                requested_by: loader.map(|l| l.found.clone()),
                tried: search.tried,
            }),
        }
    }
}

impl Search<'_, '_> {
    fn run(&mut self) -> Option<End> {
        if self.name.contains('/') {
            return self.by_path();
        }
        if self.linker.is_loader(self.name) {
            let path = RootPath::literal(self.linker.tuple.interpreter());
            return self.candidate(&path, "the program interpreter");
        }
        let rpath = self.rpath_places();
        self.places(rpath)
            .or_else(|| self.places(self.library_path()))
            .or_else(|| self.places(self.runpath_places()))
            .or_else(|| self.cache())
            .or_else(|| self.places(self.default_places()))
            .or_else(|| self.places(self.extra_places()))
    }

    fn by_path(&mut self) -> Option<End> {
        let raw = match self.loader {
            Some(loader) => self.linker.tokens(loader).expand(self.name)?,
            None => self.name.into(),
        };
        if raw.as_encoded_bytes().first() != Some(&b'/') {
            let why = "the path is relative, and nobody knows to what".into();
            self.tried.push((RootPath::root(), why));
            return None;
        }
        match self.linker.root.without_dot_dot(&RootPath::root(), &raw) {
            Ok(path) => self.candidate(&path, "its path").or_else(|| {
                self.absent(Some(path), "its path");
                None
            }),
            Err(e) => {
                self.tried.push((RootPath::root(), e.to_string()));
                None
            }
        }
    }

    /// `DT_RPATH` of the object that asks, then of what loaded it, and so on; none of them when the
    /// object has a `DT_RUNPATH`.
    fn rpath_places(&self) -> Vec<Place> {
        let mut places = Vec::new();
        if self.loader.is_some_and(|l| l.elf.runpath.is_some()) {
            return places;
        }
        let mut object = self.loader;
        while let Some(library) = object {
            if let (Some(rpath), None) = (&library.elf.rpath, &library.elf.runpath) {
                places.extend(self.listed(library, rpath, "RPATH"));
            }
            object = library.loader.as_ref();
        }
        places
    }

    fn runpath_places(&self) -> Vec<Place> {
        let Some(loader) = self.loader else { return Vec::new() };
        let runpath = loader.elf.runpath.as_deref();
        runpath.map(|list| self.listed(loader, list, "RUNPATH")).unwrap_or_default()
    }

    /// The directories of an RPATH or RUNPATH. Relative ones depend on the working directory of a
    /// process that does not exist yet; they are left out.
    fn listed(&self, library: &Library, list: &str, what: &str) -> Vec<Place> {
        let via: Rc<str> = format!("{what} of {}", library.found).into();
        let tokens = self.linker.tokens(library);
        let directories = list.split(':').filter_map(|element| {
            let raw = tokens.expand(element)?;
            let absolute = raw.as_encoded_bytes().first() == Some(&b'/');
            let path = absolute.then(|| self.linker.root.without_dot_dot(&RootPath::root(), &raw));
            path?.ok()
        });
        directories.map(|directory| Place { directory, via: via.clone() }).collect()
    }

    fn library_path(&self) -> Vec<Place> {
        places(&self.linker.options.library_path, "LD_LIBRARY_PATH")
    }

    /// The default directories, unless the object that asks is linked with `-z nodefaultlib`. Where
    /// there is no cache, what `ldconfig` would put into it comes first.
    fn default_places(&self) -> Vec<Place> {
        let configured = if self.linker.cache.is_none() {
            places(&self.linker.configured, "ld.so.conf, for lack of a cache")
        } else {
            Vec::new()
        };
        let defaults = if self.refuses_defaults() {
            Vec::new()
        } else {
            places(&self.linker.loader.directories, "default directories")
        };
        configured.into_iter().chain(defaults).collect()
    }

    fn extra_places(&self) -> Vec<Place> {
        places(&self.linker.options.extra_directories, "extra directories")
    }

    fn refuses_defaults(&self) -> bool {
        self.loader.is_some_and(|l| l.elf.no_default_lib)
    }

    fn cache(&mut self) -> Option<End> {
        let linker = self.linker;
        let cache = linker.cache.as_ref()?;
        let path = cache.lookup(self.name, &linker.capabilities)?;
        let is_default = || linker.loader.directories.iter().any(|d| path.is_within(d));
        if self.refuses_defaults() && is_default() {
            let why = "it is in a default directory, which the library that asks excludes";
            self.tried.push((path, why.into()));
            return None;
        }
        let via = cache.path.to_string();
        let end = self.candidate(&path, &via);
        if end.is_none() {
            self.absent(Some(path), &via);
        }
        end
    }

    fn places(&mut self, places: Vec<Place>) -> Option<End> {
        let linker = self.linker;
        for Place { directory, via } in places {
            if linker.root.find(&directory).is_none() {
                continue;
            }
            for subdirectory in &linker.subdirectories {
                let within = directory.join(subdirectory);
                let path = within.and_then(|d| d.join(self.name));
                let end = path.ok().and_then(|path| self.candidate(&path, &via));
                if end.is_some() {
                    return end;
                }
            }
            self.absent(directory.join(self.name).ok(), &via);
        }
        None
    }

    /// Notes that there is nothing at `path`, unless something else was noted of it.
    fn absent(&mut self, path: Option<RootPath>, via: &str) {
        let Some(path) = path else { return };
        if self.tried.iter().all(|(p, _)| *p != path) {
            self.tried.push((path, format!("it does not exist ({via})")));
        }
    }

    fn candidate(&mut self, path: &RootPath, via: &str) -> Option<End> {
        let linker = self.linker;
        match candidate::look(linker.root, linker.tuple, path) {
            Candidate::Absent => None,
            Candidate::Passed(why) => {
                self.tried.push((path.clone(), why));
                None
            }
            Candidate::Fatal(why) => {
                self.tried.push((path.clone(), why));
                Some(End::Fatal)
            }
            Candidate::Usable(file, elf) => Some(End::Found(Library {
                name: self.name.into(),
                found: path.clone(),
                file,
                elf,
                via: via.into(),
                loader: self.loader.cloned(),
            })),
        }
    }
}

fn places(directories: &[RootPath], via: &str) -> Vec<Place> {
    let via: Rc<str> = via.into();
    let directories = directories.iter().cloned();
    directories.map(|directory| Place { directory, via: via.clone() }).collect()
}

/// The directory for which `$ORIGIN` stands: a program is known by its real path, a library by the
/// path under which it was found.
pub(super) fn origin(file: &RootPath, found: &RootPath, elf: &Elf) -> Option<RootPath> {
    let path = if elf.kind == Kind::Executable { file } else { found };
    path.parent()
}
