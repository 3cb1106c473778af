//! Three programs in one, for the tests: the launcher, the supervisor below bwrap, and the probe
//! that is run in the container.
//!
//! `stage launch SCENE.json`, `stage probe walk|status …`. Not a test itself, because a test program
//! has several threads, and the launcher must have one.

use plan::{ByteString, ContainerPath, HostPath, LayerName, Plan};
use sandbox::{Backend, Inherited, Options, Prepared};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

/// What is to be launched.
#[derive(Deserialize)]
struct Scene {
    plan: Plan,
    layers: BTreeMap<LayerName, HostPath>,
    trees: Vec<(ContainerPath, HostPath)>,
    backend: String,
    bwrap: Vec<PathBuf>,
    search_path: Vec<PathBuf>,
    /// See `testkit::inject`.
    inject: String,
    by_descriptor: bool,
    /// What is answered when it is asked whether the plan is still right; `None`: nobody asks.
    confirm: Option<bool>,
    environment: Vec<(ByteString, ByteString)>,
}

fn main() -> ExitCode {
    if let Some(status) = sandbox::supervise_if_asked(std::env::args_os()) {
        return status.into();
    }
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let result = match arguments.first().and_then(|word| word.to_str()) {
        Some("probe") => testkit::probe::command(&arguments[1..]).map(|()| 0),
        Some("launch") if arguments.len() == 2 => launch(&arguments[1]),
        Some("image") if arguments.len() == 6 => image(&arguments[1..]),
        Some("can-create") => can_create(&arguments[1..]),
        _ => Err("usage: stage launch SCENE.json | probe … | can-create [RULES [BWRAP]]".into()),
    };
    match result {
        Ok(status) => status.into(),
        Err(error) => {
            eprintln!("stage: {error}");
            99.into()
        }
    }
}

/// Which executor can be used, with these calls failing and this bwrap: of no name, the usual one;
/// with `only-bwrap`, that alone.
fn can_create(arguments: &[std::ffi::OsString]) -> testkit::probe::Result<u8> {
    let text = |at: usize| arguments.get(at).and_then(|word| word.to_str()).unwrap_or_default();
    testkit::inject::fail_if_any(text(0))?;
    let backend = if text(1) == "only-bwrap" { Backend::Bwrap } else { Backend::Auto };
    let bwrap = arguments.get(2).map(PathBuf::from).into_iter().collect();
    let options =
        Options { backend, bwrap, search_path: vec!["/usr/bin".into()], ..Options::default() };
    match sandbox::usable(&options) {
        Ok(used) => println!("{used:?}"),
        Err(error) => {
            eprintln!("{}", error.problem());
            return Ok(error.exit_status());
        }
    }
    Ok(0)
}

/// Mounts an image, runs a script with its place in `$AT`, and lets go: FORMAT IMAGE PLACE PATH SCRIPT.
fn image(arguments: &[std::ffi::OsString]) -> testkit::probe::Result<u8> {
    let format = match arguments[0].to_str() {
        Some("erofs") => sandbox::ImageFormat::Erofs,
        _ => sandbox::ImageFormat::Squashfs,
    };
    let image = HostPath::new(&arguments[1])?;
    let means = sandbox::ImageMeans {
        places: vec![HostPath::new(&arguments[2])?],
        search_path: std::env::split_paths(&arguments[3]).collect(),
    };
    let mounted = match sandbox::mount_image(&image, format, &means) {
        Ok(mounted) => mounted,
        Err(error) => {
            eprintln!("{}", error.problem());
            return Ok(125);
        }
    };
    let mut command = std::process::Command::new("/bin/sh");
    command.arg("-c").arg(&arguments[4]).env("AT", mounted.path().as_path());
    let status = command.status()?;
    drop(mounted);
    Ok(u8::try_from(status.code().unwrap_or(99))?)
}

fn launch(path: &std::ffi::OsStr) -> testkit::probe::Result<u8> {
    let scene: Scene = serde_json::from_slice(&std::fs::read(path)?)?;
    testkit::inject::fail(&scene.inject)?;
    let prepared = Prepared { layers: scene.layers, trees: scene.trees.into_iter().collect() };
    let inherited = Inherited { environment: scene.environment };
    let backend = match scene.backend.as_str() {
        "auto" => Backend::Auto,
        "builtin" => Backend::Builtin,
        "bwrap" => Backend::Bwrap,
        other => return Err(format!("no backend is called `{other}`").into()),
    };
    let (bwrap, search_path) = (scene.bwrap, scene.search_path);
    let by_descriptor = scene.by_descriptor;
    let options = Options { backend, bwrap, search_path, by_descriptor, ..Options::default() };
    let mut notify = |notice| eprintln!("notice {notice:?}");
    let ended = match scene.confirm {
        None => sandbox::run(&scene.plan, &prepared, &inherited, &options, &mut notify).map(Some),
        Some(answer) => {
            let mut confirm = || answer;
            let plan = &scene.plan;
            sandbox::run_if(plan, &prepared, &inherited, &options, &mut notify, &mut confirm)
        }
    };
    match ended {
        Ok(Some(status)) => Ok(status.0),
        Ok(None) => {
            eprintln!("given up");
            Ok(98)
        }
        Err(error) => {
            eprintln!("refused {:?}", error.refused_overlay());
            eprintln!("{}", error.problem());
            Ok(error.exit_status())
        }
    }
}
