//! Everything that a library needs (`_dl_map_object_deps` of elf/dl-deps.c).

use super::{Closure, Library, Linker, NotFound};
use plan::RootPath;
use std::collections::{HashMap, HashSet, VecDeque};
use std::rc::Rc;

/// The most libraries of one closure.
const MAX_LIBRARIES: usize = 4096;

/// What is loaded so far: a name counts as loaded when a library was asked for by it or has it as
/// its SONAME, and a file is loaded once, whatever its names.
#[derive(Default)]
struct Loaded {
    libraries: Vec<Rc<Library>>,
    names: HashSet<String>,
    files: HashMap<(u64, u64, RootPath), ()>,
}

impl Loaded {
    /// Adds a library, unless its file is loaded.
    fn add(&mut self, library: Rc<Library>) -> bool {
        self.names.insert(library.name.clone());
        self.names.extend(library.elf.soname.clone());
        let id = library.file.identity;
        // What only a manifest has is told apart by its path; hard links are the same file.
        let path = if id.inode == 0 { library.file.path.clone() } else { RootPath::root() };
        let is_new = self.files.insert((id.device, id.inode, path), ()).is_none();
        if is_new {
            self.libraries.push(library);
        }
        is_new
    }
}

impl Linker<'_> {
    pub(super) fn walk(&self, top: &Library) -> Closure {
        let mut loaded = Loaded::default();
        let mut missing: Vec<NotFound> = Vec::new();
        let mut queue = VecDeque::new();
        let top = Rc::new(top.clone());
        loaded.add(top.clone());
        queue.push_back(top);
        while let Some(library) = queue.pop_front() {
            for raw in &library.elf.needed {
                let name = self.expanded(&library, raw);
                if loaded.names.contains(&name) || loaded.libraries.len() >= MAX_LIBRARIES {
                    continue;
                }
                match self.find_for(&name, Some(&library)) {
                    Ok(found) => {
                        let found = Rc::new(found);
                        if loaded.add(found.clone()) {
                            queue.push_back(found);
                        }
                    }
                    Err(e) => {
                        loaded.names.insert(name);
                        missing.push(e);
                    }
                }
            }
        }
        let libraries = loaded.libraries.into_iter().map(|l| (*l).clone()).collect();
        Closure { libraries, missing }
    }

    /// A name of `DT_NEEDED` may have tokens too.
    fn expanded(&self, library: &Library, name: &str) -> String {
        if !name.contains('$') {
            return name.into();
        }
        let expanded = self.tokens(library).expand(name);
        expanded.map_or_else(|| name.into(), |e| e.to_string_lossy().into_owned())
    }
}
