//! What this program does not do by itself: plans that were changed by hand.

use crate::broken::warned;
use crate::support::{Launch, Outcome, lab, need};
use serde_json::{Value, json};
use std::path::Path;

/// The plan of `true` on the demo runtime with this machine's drivers.
fn plan(runtime: &Path) -> Value {
    let launch = Launch::verb("plan").runtime(runtime).pair("--format", "json");
    // Its own working directory goes with it.
    let launch = launch.in_directory(Path::new("/"));
    serde_json::from_str(&launch.run(&["/usr/bin/true"]).ok()).expect("JSON")
}

fn run(plan: &Value) -> Outcome {
    let launch = Launch::new();
    let file = launch.home().join("plan.json");
    std::fs::write(&file, plan.to_string()).unwrap();
    launch.pair("--plan", file).run::<&str>(&[])
}

/// The layer that has the override links, and the name of one that leads to a library.
fn an_override(plan: &mut Value) -> (&mut Value, String) {
    let layers = plan["layers"].as_array_mut().expect("layers");
    for layer in layers {
        let entries = layer["entries"].as_object_mut().expect("entries");
        let is_library = |path: &&String| {
            path.contains("/overrides/lib/x86_64-linux-gnu/lib") && path.ends_with(".so.6")
        };
        let found = entries.keys().find(is_library).cloned();
        if let Some(path) = found {
            return (&mut layer["entries"], path);
        }
    }
    panic!("no override link in the plan");
}

#[test]
fn an_override_that_leads_to_nothing() {
    let runtime = need!(lab("runtime-bullseye"));
    let mut plan = plan(&runtime);
    let (entries, path) = an_override(&mut plan);
    entries[&path]["target"] = json!("/run/host/no/such/library.so");
    let outcome = run(&plan);
    let line = warned(&outcome, "BS0031");
    assert!(line.contains(&path.replace("/lib/pressure", "/usr/lib/pressure")), "{line}");
}

/// A library that is brought along needs one that is not.
#[test]
fn a_captured_library_that_lacks_another() {
    let runtime = need!(lab("runtime-bullseye"));
    let mut plan = plan(&runtime);
    let (entries, path) = an_override(&mut plan);
    let own = path.replace(path.rsplit('/').next().expect("a name"), "libhungry.so.1");
    let directory = tempfile::tempdir_in("/var/tmp").unwrap();
    let library = directory.path().join("libhungry.so.1");
    let bytes = testkit::ElfBuilder::shared(plan::Tuple::X86_64)
        .soname("libhungry.so.1")
        .needed("libnowhere.so.7")
        .build();
    std::fs::write(&library, bytes).unwrap();
    let mut entry = entries[&path].clone();
    entry["target"] = json!(library.to_str());
    entries[&own] = entry;
    let outcome = run(&plan);
    outcome.ok();
    let line = warned(&outcome, "BS0030");
    assert!(line.contains("libhungry.so.1") && line.contains("libnowhere.so.7"), "{line}");
}

/// A plan that was made in a directory which is gone.
#[test]
fn a_working_directory_that_is_gone() {
    let runtime = need!(lab("runtime-bullseye"));
    let mut plan = plan(&runtime);
    run(&plan).ok();
    plan["working_directory"] = json!("/home/no/such/directory");
    run(&plan).fails(125, "BS0033");
    plan["working_directory"] = json!("/etc/os-release");
    run(&plan).fails(125, "BS0033");
}

#[test]
fn a_plan_that_cannot_be_carried_out() {
    let runtime = need!(lab("runtime-bullseye"));
    let mut plan = plan(&runtime);
    let step = json!({"op": "symlink", "at": "/usr", "target": "x", "reason": "a test"});
    plan["steps"].as_array_mut().expect("steps").push(step);
    let outcome = run(&plan);
    warned(&outcome, "BS0037");
    outcome.fails(125, "BS0015");
}
