//! The laboratory: real Debian systems as runtimes and hosts, built once and kept outside the checkout.
//!
//! A root is built aside and renamed when complete. The mark of its recipe lies beside it: when the recipe changes,
//! the next `lab build` makes the root again, and nothing else does.

mod bootstrap;
mod depot;
mod emulation;
pub(crate) mod enter;
mod finish;
mod form;
mod kernel;
mod merge;
mod mirror;
mod mtree;
mod recipe;
mod roots;

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::error::{Context, Problem, Result};
use crate::process;
use crate::progress::{note, step};
use crate::setup::TEST_USER;
use recipe::{Recipe, Source};

/// Where the laboratory is when `BATHYSPHERE_LAB` does not say.
const DEFAULT_DIRECTORY: &str = "/var/cache/bathysphere/lab";

/// How long a store of a test is kept: longer than any test runs.
const STORE_KEPT: Duration = Duration::from_secs(3600);

/// The laboratory's directory, with what is known of the roots in it.
#[derive(Debug, Clone)]
pub(crate) struct Lab {
    dir: PathBuf,
}

/// How a root on disk compares with its recipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Ready,
    Stale,
    Absent,
}

impl Lab {
    /// The laboratory that the environment names, or the default one.
    pub(crate) fn from_environment() -> Self {
        let dir = std::env::var_os("BATHYSPHERE_LAB").filter(|value| !value.is_empty());
        Self { dir: dir.map_or_else(|| PathBuf::from(DEFAULT_DIRECTORY), PathBuf::from) }
    }

    /// The laboratory's directory.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The directory of a root that has been built.
    pub(crate) fn root(&self, name: &str) -> Result<PathBuf> {
        let recipe = find(name)?;
        let root = self.dir.join(recipe.name);
        if root.is_dir() {
            return Ok(root);
        }
        let problem = Problem::new(format!("the laboratory's root {name} has not been built"));
        Err(problem.hint(format!("run `cargo xtask lab build {name}` as root")))
    }

    /// Prints every root: its state, what it is, and why it is there.
    pub(crate) fn list(&self) {
        println!("laboratory: {}", self.dir.display());
        for recipe in roots::all() {
            let state = match self.state(recipe) {
                State::Ready => "ready",
                State::Stale => "stale",
                State::Absent => "-",
            };
            println!("{:28} {state:6} {}; {}", recipe.name, recipe.about, recipe.source);
        }
    }

    /// Names of the roots that serve as hosts of foreign programs, on this machine's processor.
    pub(crate) fn emulation_hosts() -> impl Iterator<Item = &'static str> {
        emulation::hosts()
    }

    /// Names of the roots that serve as hosts of native launches.
    pub(crate) fn hosts() -> impl Iterator<Item = &'static str> {
        roots::hosts()
    }

    /// Builds the named roots, or all, with those that they derive from; ready ones are left alone.
    pub(crate) fn build(&self, names: &[String]) -> Result<()> {
        let mut wanted = Vec::new();
        for name in names {
            let recipe = find(name)?;
            wanted.extend(recipe.parent());
            wanted.push(recipe.name);
        }
        for recipe in roots::all() {
            if names.is_empty() || wanted.contains(&recipe.name) {
                self.build_one(recipe)?;
            }
        }
        self.stores()
    }

    /// A place for stores of tests, on the file system of the runtimes, so that prepared trees are hard links as they are
    /// for a user whose games and cache are on one disk. Stores that no test can be using any more are removed.
    fn stores(&self) -> Result<()> {
        if !is_root() {
            return Ok(());
        }
        let dir = self.hidden("stores");
        fs::create_dir_all(&dir).at("creating", &dir)?;
        chown(&dir, Some(TEST_USER.uid), Some(TEST_USER.uid)).at("giving to the user", &dir)?;
        for entry in fs::read_dir(&dir).at("reading", &dir)? {
            let store = entry.at("reading", &dir)?.path();
            let modified = store.symlink_metadata().and_then(|metadata| metadata.modified());
            let age = modified.at("examining", &store)?.elapsed().unwrap_or_default();
            if age > STORE_KEPT {
                remove(&store)?;
            }
        }
        Ok(())
    }

    fn build_one(&self, recipe: &Recipe) -> Result<()> {
        if self.state(recipe) == State::Ready {
            return Ok(());
        }
        require_root("building a root")?;
        for dir in [self.hidden("stamps"), self.hidden("logs")] {
            fs::create_dir_all(&dir).at("creating", &dir)?;
        }
        let lock = self.hidden("stamps").join(format!("{}.lock", recipe.name));
        let lock = fs::File::create(&lock).at("creating", &lock)?;
        lock.lock().context("waiting for another build of the same root")?;
        if self.state(recipe) == State::Ready {
            return Ok(());
        }
        let root = self.dir.join(recipe.name);
        step(&format!("lab: {} ({})", recipe.name, recipe.source), || {
            let aside = self.hidden(&format!("building-{}", recipe.name));
            remove(&aside)?;
            self.make(recipe, &aside)?;
            if !recipe.is_host() && !recipe.shares_inodes() {
                give_to_test_user(&aside)?;
            }
            let stamp = self.stamp_file(recipe);
            remove(&stamp)?;
            remove(&root)?;
            fs::rename(&aside, &root).at("placing", &root)?;
            fs::write(&stamp, stamp_of(recipe)).at("writing", &stamp)?;
            note(&format!("{} MiB in {}", size_in_mib(&root)?, root.display()));
            Ok(())
        })
    }

    fn make(&self, recipe: &Recipe, aside: &Path) -> Result<()> {
        let log = self.hidden("logs").join(format!("{}.log", recipe.name));
        remove(&log)?;
        match &recipe.source {
            Source::System(system) => {
                let archives = self.hidden("archives").join(system.suite);
                bootstrap::system(system, aside, &archives, &log)
            }
            Source::Packages { suite, packages } => {
                fs::create_dir_all(aside).at("creating", aside)?;
                bootstrap::packages(suite, packages, aside, &log)
            }
            Source::Kernel { suite, modules } => kernel::fetch(suite, modules, aside, &log),
            Source::Form { of, shape } => form::derive(*shape, &self.root(of)?, aside),
        }
    }

    fn state(&self, recipe: &Recipe) -> State {
        if !self.dir.join(recipe.name).is_dir() {
            return State::Absent;
        }
        match fs::read_to_string(self.stamp_file(recipe)) {
            Ok(stamp) if stamp == stamp_of(recipe) => State::Ready,
            _ => State::Stale,
        }
    }

    fn hidden(&self, name: &str) -> PathBuf {
        self.dir.join(format!(".{name}"))
    }

    fn stamp_file(&self, recipe: &Recipe) -> PathBuf {
        self.hidden("stamps").join(recipe.name)
    }
}

/// Fails unless this process is root's.
pub(crate) fn require_root(what: &str) -> Result<()> {
    if is_root() {
        return Ok(());
    }
    let line = std::env::args().skip(1).collect::<Vec<_>>().join(" ");
    Err(Problem::new(format!("{what} needs root"))
        .hint(format!("run `sudo -E cargo xtask {line}`")))
}

/// Whether this process is root's.
pub(crate) fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

fn find(name: &str) -> Result<&'static Recipe> {
    roots::find(name).ok_or_else(|| {
        let names: Vec<_> = roots::all().map(|recipe| recipe.name).collect();
        Problem::new(format!("the laboratory has no root {name}"))
            .hint(format!("the roots are {}", names.join(", ")))
    })
}

fn stamp_of(recipe: &Recipe) -> String {
    let parent = recipe.parent().and_then(roots::find).map(stamp_of);
    recipe.stamp(parent.as_deref())
}

/// Makes the test user the owner of a runtime, as a player is of what Steam has installed: the kernel
/// lets nobody else make hard links to it (`fs.protected_hardlinks`).
fn give_to_test_user(tree: &Path) -> Result<()> {
    let owner = format!("{0}:{0}", TEST_USER.uid);
    let mut chown = Command::new("chown");
    process::output(chown.args(["--recursive", "--no-dereference", &owner]).arg(tree)).map(drop)
}

/// Removes a file or tree if it is there.
fn remove(path: &Path) -> Result<()> {
    let Ok(metadata) = path.symlink_metadata() else { return Ok(()) };
    if metadata.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
        .at("removing", path)
}

/// What a tree takes on disk, hard links counted once.
fn size_in_mib(tree: &Path) -> Result<u64> {
    let text = process::output(Command::new("du").args(["-s", "-m"]).arg(tree))?;
    text.split_whitespace()
        .next()
        .and_then(|number| number.parse().ok())
        .ok_or_else(|| Problem::new(format!("du said nothing of {}", tree.display())))
}
