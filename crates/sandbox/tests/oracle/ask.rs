//! Asking the system: a container is launched, with a probe as its command.

use crate::case::{self, PREFIX, STAGE};
use crate::world::World;
use plan::{Access, ByteString, HostPath, Op, Plan, Source, StackForm};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use testkit::resolve::{Answer, Question};

/// Who builds the namespace, and who asks in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// The built-in executor.
    Builtin,
    /// This bwrap; whether it can mount overlays.
    Bwrap(PathBuf, bool),
    /// The built-in executor, and the probe of another architecture under qemu-user.
    Qemu,
}

impl Way {
    pub(crate) fn name(&self) -> String {
        match self {
            Way::Builtin => "built in".into(),
            Way::Bwrap(path, _) => format!("bwrap {}", path.display()),
            Way::Qemu => "qemu-user".into(),
        }
    }
}

/// What came of a launch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Answers(Vec<Answer>),
    /// The container could not be made, or the probe not be run.
    Refused(String),
}

/// The programs that are needed.
#[derive(Clone, Debug)]
pub(crate) struct Programs {
    /// `examples/stage.rs`, static: launcher, supervisor below bwrap, and probe.
    pub(crate) stage: PathBuf,
    /// `bathysphere-probe` for aarch64, static.
    pub(crate) foreign: PathBuf,
    pub(crate) qemu: PathBuf,
}

/// What is added to the operations, so that the probe can be run.
pub(crate) fn fixed(way: &Way, programs: &Programs, questions: &Path) -> Vec<Op> {
    let bind = |source: &Path, to: &str| Op::Bind {
        source: Source::Host(HostPath::new(source).unwrap()),
        at: case::at(to),
        access: Access::ReadOnly,
        optional: false,
    };
    let probe = if *way == Way::Qemu { &programs.foreign } else { &programs.stage };
    let mut ops = case::fixed(probe, questions);
    if *way == Way::Qemu {
        ops.push(bind(&programs.qemu, "/opt/qemu"));
        ops.push(bind(Path::new("/usr"), "/opt/host"));
    }
    ops
}

/// The dynamic linker and the directories of this machine, which qemu is started with: nothing in a
/// random container is where it would look.
const LOADER: &str = "/opt/host/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2";
const LIBRARIES: &str = "/opt/host/lib/x86_64-linux-gnu";

/// Where `/usr` of this machine has the loader.
pub(crate) fn loader() -> PathBuf {
    Path::new("/usr").join(Path::new(LOADER).strip_prefix("/opt/host").unwrap())
}

/// The questions from the working directory: emulators leave relative paths alone.
const RELATIVE: &str = "opt/questions";

/// The plan as it can be executed this way: without overlays where there are none.
pub(crate) fn adapted(way: &Way, mut plan: Plan) -> Plan {
    if let Way::Bwrap(_, false) = way {
        for step in &mut plan.steps {
            if let Op::Stack { form, .. } = &mut step.op {
                *form = StackForm::Tree;
            }
        }
    }
    plan
}

pub(crate) fn command(way: &Way) -> Vec<ByteString> {
    let words: &[&str] = match way {
        Way::Qemu => {
            &[LOADER, "--library-path", LIBRARIES, "/opt/qemu", STAGE, "resolve", RELATIVE]
        }
        _ => &[STAGE, "probe", "resolve", RELATIVE],
    };
    words.iter().map(|word| (*word).into()).collect()
}

/// Launches a container and has the questions answered in it.
pub(crate) fn ask(
    way: &Way,
    programs: &Programs,
    world: &World,
    plan: &Plan,
    questions: &[Question],
) -> Outcome {
    let scratch = crate::common::open_to_all(tempfile::tempdir().unwrap());
    let mut trees = Vec::new();
    if let Way::Bwrap(_, false) = way {
        for index in 0..plan.steps.len() {
            if let Op::Stack { at, .. } = &plan.steps[index].op {
                let name = format!("u{index}");
                let into = scratch.path().join(&name);
                std::fs::create_dir(&into).unwrap();
                world.union(plan, index, &into);
                let tree = into.join(at.to_string().replace('/', "%"));
                // One tree stands at each place; a second stack there cannot be told apart.
                if trees.iter().any(|(other, _)| other == at) {
                    return Outcome::Refused("two trees at one place".into());
                }
                trees.push((at.clone(), case::host(&tree)));
            }
        }
    }
    let file = questions_file(world);
    std::fs::write(&file, serde_json::to_vec(questions).unwrap()).unwrap();
    let (backend, bwrap) = match way {
        Way::Bwrap(path, _) => ("bwrap", vec![path.clone()]),
        Way::Builtin | Way::Qemu => ("builtin", vec![]),
    };
    let scene = serde_json::json!({
        "plan": plan,
        "layers": world.layers(plan),
        "trees": trees,
        "backend": backend,
        "bwrap": bwrap,
        "search_path": ["/usr/bin"],
        "inject": "",
        "by_descriptor": false,
        "environment": [["QEMU_LD_PREFIX", PREFIX]],
    });
    let path = scratch.path().join("scene.json");
    std::fs::write(&path, serde_json::to_vec(&scene).unwrap()).unwrap();
    let mut launcher = crate::common::as_user(&programs.stage);
    launcher.arg("launch").arg(&path).stdin(Stdio::null());
    let output = launcher.output().unwrap();
    match serde_json::from_slice::<Vec<Answer>>(&output.stdout) {
        Ok(answers) if output.status.success() && answers.len() == questions.len() => {
            Outcome::Answers(answers)
        }
        _ => {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            Outcome::Refused(format!("{}: {said}", output.status))
        }
    }
}

pub(crate) fn questions_file(world: &World) -> PathBuf {
    let mut path = world.path().as_os_str().to_owned();
    path.push("/questions");
    path.into()
}
