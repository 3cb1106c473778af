//! The way from a plan to an exit status.

use crate::error::Error;
use crate::{Features, builtin, bwrap, spec};
use plan::{ByteString, ContainerPath, HostPath, LayerName, Plan};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Where the content that the plan needs has been prepared.
#[derive(Clone, Debug, Default)]
pub struct Prepared {
    /// Each layer of the plan: its directory.
    pub layers: BTreeMap<LayerName, HostPath>,
    /// Each stack of the plan that has the form of a tree: the tree.
    pub trees: BTreeMap<ContainerPath, HostPath>,
}

/// What the launcher was started with.
#[derive(Clone, Debug, Default)]
pub struct Inherited {
    /// Its environment, to which the plan's changes are applied.
    pub environment: Vec<(ByteString, ByteString)>,
}

/// Which executor is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Backend {
    /// The built-in one, and bwrap where namespaces or the mount API are not to be had.
    #[default]
    Auto,
    /// The built-in one.
    Builtin,
    /// bwrap.
    Bwrap,
}

/// Which executor is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Used {
    /// The built-in one.
    Builtin,
    /// This bwrap.
    Bwrap(PathBuf),
}

/// Something the user may want to know while the plan is executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// `auto` falls back to bwrap: one line without a full stop.
    FellBack {
        /// Why the built-in executor cannot be used.
        reason: String,
    },
    /// This bwrap was found, and can do this; it is going to be used.
    Found(Bwrap),
    /// This executor carries out the plan.
    Using(Used),
}

/// How a plan is executed.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Which executor.
    pub backend: Backend,
    /// Programs that serve as bwrap, the first that exists is used: `$PV_BWRAP`, `$BWRAP`.
    pub bwrap: Vec<PathBuf>,
    /// No other than these is used.
    pub only_named: bool,
    /// Directories where `bwrap` is looked for after these: the launcher's `PATH`.
    pub search_path: Vec<PathBuf>,
    /// A bwrap that was asked before, so that it need not be asked again.
    pub known_bwrap: Option<Bwrap>,
    /// This program is run by an emulator that redirects paths: files of the host are named relative
    /// to a descriptor of the real root, and bwrap, which would be emulated too, is refused.
    pub by_descriptor: bool,
}

impl Options {
    /// Whether bwrap may take the built-in executor's place.
    fn may_fall_back(&self) -> bool {
        self.backend == Backend::Auto && !self.by_descriptor
    }
}

/// A bwrap and what it can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bwrap {
    /// The program.
    pub path: PathBuf,
    /// What it can do.
    pub features: Features,
}

impl Bwrap {
    /// The program that `options` lead to.
    ///
    /// # Errors
    /// [`Error::BwrapMissing`].
    pub fn path(options: &Options) -> Result<PathBuf, Error> {
        bwrap::locate(options)
    }

    /// The bwrap that `options` lead to. Runs it once to ask it, unless it is known.
    ///
    /// # Errors
    /// [`Error::BwrapMissing`].
    pub fn find(options: &Options) -> Result<Self, Error> {
        let path = bwrap::locate(options)?;
        match &options.known_bwrap {
            Some(known) if known.path == path => Ok(known.clone()),
            _ => Ok(Self { features: Features::probe(&path), path }),
        }
    }
}

/// Exit status of a command: its own, or 128 + the number of the signal that ended it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExitStatus(pub u8);

/// Whether a plan is still right.
pub type Confirm<'c> = &'c mut dyn FnMut() -> bool;

/// Executes a plan and waits until its command and, as the plan asks, its descendants have ended.
///
/// `notify` is called before the command starts. The caller should have one thread: the built-in
/// executor forks without executing another program.
///
/// # Errors
/// Everything in [`Error`]. The caller's namespaces, descriptors, signal mask and working directory
/// are as before, so it may try again with a changed plan.
pub fn run(
    plan: &Plan,
    prepared: &Prepared,
    inherited: &Inherited,
    options: &Options,
    notify: &mut dyn FnMut(Notice),
) -> Result<ExitStatus, Error> {
    let ran = execute(plan, prepared, inherited, options, notify, None)?;
    Ok(ran.unwrap_or_else(|| unreachable!("nobody was asked whether to give it up")))
}

/// As [`run`], for a plan that may have become wrong. `confirm` is called once, before anything is executed
/// and, with the built-in executor, while the container is being made; when it says no, nothing has happened
/// that anybody could see, and there is no exit status.
///
/// # Errors
/// As [`run`]. `confirm` may have been called or not.
pub fn run_if(
    plan: &Plan,
    prepared: &Prepared,
    inherited: &Inherited,
    options: &Options,
    notify: &mut dyn FnMut(Notice),
    confirm: Confirm<'_>,
) -> Result<Option<ExitStatus>, Error> {
    execute(plan, prepared, inherited, options, notify, Some(confirm))
}

fn execute(
    plan: &Plan,
    prepared: &Prepared,
    inherited: &Inherited,
    options: &Options,
    notify: &mut dyn FnMut(Notice),
    mut confirm: Option<Confirm<'_>>,
) -> Result<Option<ExitStatus>, Error> {
    if options.by_descriptor && options.backend == Backend::Bwrap {
        return Err(Error::ForeignBwrap);
    }
    let spec = spec::prepare(plan, inherited)?;
    let mut bwrap = None;
    if options.backend != Backend::Bwrap {
        notify(Notice::Using(Used::Builtin));
        // Only what fails in the child makes another executor worth trying, and by then this was asked.
        let confirm = confirm.take();
        let job =
            builtin::Job { plan, prepared, spec: &spec, by_descriptor: options.by_descriptor };
        match builtin::run(job, confirm) {
            Err(error) if options.may_fall_back() && error.is_about_means() => {
                // Without a bwrap that works, the first error is the one to act on.
                let found = match Bwrap::find(options) {
                    Ok(found) => found,
                    Err(missing) => return Err(error.with_bwrap(&missing)),
                };
                notify(Notice::FellBack { reason: error.to_string() });
                bwrap = Some((found, error));
            }
            other => return other,
        }
    }
    if confirm.is_some_and(|confirm| !confirm()) {
        return Ok(None);
    }
    let (bwrap, refused) = match bwrap {
        Some((found, refused)) => (found, Some(refused)),
        None => (Bwrap::find(options)?, None),
    };
    notify(Notice::Found(bwrap.clone()));
    notify(Notice::Using(Used::Bwrap(bwrap.path.clone())));
    let ran = bwrap::run(plan, prepared, spec, &bwrap);
    ran.map(Some).map_err(|error| match (refused, error) {
        (Some(refused), failed @ Error::BwrapFailed { .. }) => refused.with_bwrap(&failed),
        (_, error) => error,
    })
}

impl Prepared {
    /// Where the host has a source.
    pub(crate) fn host(&self, source: &plan::Source) -> Result<HostPath, Error> {
        match source {
            plan::Source::Host(path) => Ok(path.clone()),
            plan::Source::Layer { layer, path } => match self.layers.get(layer) {
                Some(directory) => Ok(directory.lexically(path)),
                None => Err(Error::LayerMissing(layer.clone())),
            },
        }
    }

    /// The tree that takes the place of a stack.
    pub(crate) fn tree(&self, at: &ContainerPath) -> Result<HostPath, Error> {
        self.trees.get(at).cloned().ok_or_else(|| Error::TreeMissing(at.clone()))
    }
}
