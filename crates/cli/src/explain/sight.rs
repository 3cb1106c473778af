//! The views of a container, each with what can be asked in it.

use inspect::linker::{Linker, Options};
use inspect::root::ViewRoot;
use plan::simulate::{Found, Namespace, Origin, Step, View};
use plan::{Composition, Emulator, Plan, RootPath, Tuple};

/// One view.
pub(super) struct Sight<'n, 'p> {
    /// Whose it is, where there is more than one.
    pub(super) title: Option<String>,
    pub(super) root: ViewRoot<'n, 'p>,
    /// Architectures of the programs that have it.
    pub(super) tuples: Vec<Tuple>,
}

/// All views of a plan, that of native processes first.
pub(super) struct Sights<'n, 'p> {
    pub(super) namespace: &'n Namespace<'p>,
    pub(super) all: Vec<Sight<'n, 'p>>,
    /// `LD_LIBRARY_PATH` of the command.
    library_path: Vec<u8>,
}

impl<'n, 'p> Sights<'n, 'p> {
    pub(super) fn new(namespace: &'n Namespace<'p>) -> Self {
        let plan = namespace.plan();
        let emulation = plan.emulation.as_ref();
        // Those of which there is no dynamic linker are passed over.
        let mut tuples = Tuple::ALL.to_vec();
        if let Some(emulation) = emulation {
            // In the direct form the runtime is `/`, for both.
            let direct = matches!(emulation.composition, Composition::Direct { .. });
            tuples = if direct { emulation.tuples.clone() } else { vec![] };
            tuples.push(emulation.native);
        }
        let emulated = View::emulated(plan);
        let title = emulated.is_some().then(|| "to native programs".to_owned());
        let root = ViewRoot::new(namespace, View::Native);
        let mut all = vec![Sight { title, root, tuples }];
        if let (Some(view), Some(emulation)) = (emulated, emulation) {
            let emulator = match emulation.emulator {
                Emulator::Fex => "FEX",
                Emulator::Qemu => "qemu-user",
                Emulator::Plain => "the emulator",
            };
            all.push(Sight {
                title: Some(format!("to programs under {emulator}")),
                root: ViewRoot::new(namespace, view),
                tuples: emulation.tuples.clone(),
            });
        }
        let value = plan.environment.get("LD_LIBRARY_PATH");
        let library_path = value.map(|v| v.as_bytes().to_vec()).unwrap_or_default();
        Self { namespace, all, library_path }
    }

    pub(super) fn plan(&self) -> &'p Plan {
        self.namespace.plan()
    }

    /// The dynamic linker of an architecture in a view; `None` where the view has none.
    pub(super) fn linker<'s>(&self, sight: &'s Sight<'n, 'p>, tuple: Tuple) -> Option<Linker<'s>> {
        let linker = Linker::new(&sight.root, tuple, Options::default()).ok()?;
        let directory = RootPath::new(self.plan().working_directory.as_path()).ok()?;
        let linker = linker.with_environment(&self.library_path, None, &directory);
        linker.interpreter().is_some().then_some(linker)
    }

    /// The operation that provides what was found, with its reason.
    pub(super) fn provider(&self, found: &Found) -> Option<String> {
        let plan = self.plan();
        let made = || {
            let at = |step: &&plan::Step| *step.op.at() == found.path;
            plan.steps.iter().rev().find(at)
        };
        let mounted = || {
            let step = found.trail.iter().rev().find_map(|step| match step {
                Step::Mount { step, .. } => Some(*step),
                _ => None,
            })?;
            plan.steps.get(step)
        };
        let step = if found.origin == Origin::Made { made().or_else(mounted) } else { mounted() };
        step.map(|step| format!("{} ({})", step.op, step.reason))
    }

    /// Where the content of what was found is.
    pub(super) fn content(&self, found: &Found) -> String {
        let host = self.namespace.host_file(found);
        match (&found.origin, host) {
            (Origin::Host(path), _) => format!("{path} on the host"),
            (Origin::Layer { layer, path }, Some(host)) => {
                format!("{path} of layer {layer}, a copy of {host} on the host")
            }
            (Origin::Layer { layer, path }, None) => format!("{path} of layer {layer}"),
            (Origin::Made, _) => "made for the container".into(),
        }
    }
}
