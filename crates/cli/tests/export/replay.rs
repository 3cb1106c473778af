//! `run --plan`.

use crate::support::{BACKENDS, Launch, need, sh};
use crate::walk::{self, RUNTIME};
use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

const DOCUMENT: &str = include_str!("../../../../docs/plan.md");

/// `run --plan FILE`.
fn replay(home: &Path, file: impl AsRef<OsStr>) -> Launch {
    Launch::new().env("HOME", home).in_directory(home).option("--plan").option(file)
}

const NOTHING: &[&str] = &[];

fn saved(directory: &Path, json: &str) -> PathBuf {
    let file = directory.join("plan.json");
    std::fs::write(&file, json).unwrap();
    file
}

/// The plan of a launch as JSON, carried out again, makes the same container with either executor.
#[test]
fn a_plan_is_carried_out_again() {
    let home = tempfile::tempdir().unwrap();
    let plan = need!(walk::launch("plan", RUNTIME, home.path())).pair("--format", "json");
    let file = saved(home.path(), &plan.run(&need!(walk::command())).ok());
    for backend in BACKENDS {
        let launched = need!(walk::launched(RUNTIME, backend, home.path(), &[]));
        let replayed = replay(home.path(), &file).backend(backend).run(NOTHING).ok();
        walk::assert_same(&launched, &replayed, &format!("--plan with {backend}"));
    }
}

/// From standard input, with words and paths that are no text.
#[test]
fn bytes_that_are_no_text_survive() {
    use std::os::unix::ffi::OsStrExt;
    let home = tempfile::tempdir().unwrap();
    let odd = std::ffi::OsStr::from_bytes(b"odd \xff\n");
    let directory = home.path().join(odd);
    std::fs::create_dir(&directory).unwrap();
    let mut variable = std::ffi::OsString::from("ODD=");
    variable.push(odd);
    let plan = need!(walk::launch("plan", RUNTIME, home.path()))
        .in_directory(&directory)
        .pair("--env", variable)
        .pair("--format", "json");
    let script = "printf '%s' \"$1|$ODD|\"; pwd";
    let [shell, option, script] = sh(script).map(OsStr::new);
    let plan = plan.run(&[shell, option, script, OsStr::new("x"), odd]).ok();
    let (mut run, _home) = replay(home.path(), "-").prepare(NOTHING);
    let mut child =
        run.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(plan.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let want = [b"odd \xff\n|odd \xff\n|", directory.as_os_str().as_bytes(), b"\n"].concat();
    assert_eq!(output.stdout, want, "{}", String::from_utf8_lossy(&output.stderr));
}

/// The example of the document is a plan, and runs.
#[test]
fn the_documented_example_runs() {
    let start = DOCUMENT.find("```json\n").expect("an example") + "```json\n".len();
    let end = start + DOCUMENT[start..].find("```").expect("its end");
    let directory = tempfile::tempdir().unwrap();
    let mut example = DOCUMENT[start..end].to_owned();
    // A host whose directories are not merged has no links there.
    for name in ["bin", "lib", "lib64"] {
        let path = Path::new("/").join(name);
        if !path.symlink_metadata().is_ok_and(|meta| meta.is_symlink()) {
            let link = format!(
                r#"{{ "op": "symlink", "at": "/{name}", "target": "usr/{name}", "reason": "merged" }}"#
            );
            let bind = format!(
                r#"{{ "op": "bind", "source": {{ "host": "/{name}" }}, "at": "/{name}", "access": "read-only", "optional": true, "reason": "not merged" }}"#
            );
            let changed = example.replace(&link, &bind);
            assert_ne!(changed, example, "the example has no link {name}");
            example = changed;
        }
    }
    let file = saved(directory.path(), &example);
    for backend in BACKENDS {
        let said = replay(directory.path(), &file).backend(backend).run(NOTHING).ok();
        assert_eq!(said, "hello from a layer\n", "{backend}");
    }
}

#[test]
fn what_is_no_plan_is_refused_with_its_code() {
    let home = tempfile::tempdir().unwrap();
    let plan = need!(walk::launch("plan", RUNTIME, home.path())).pair("--format", "json");
    let good = plan.run(&["true"]).ok();
    let cases = [
        ("not JSON", "{".to_owned(), "BS0070"),
        ("another schema", good.replacen("\"schema\": 1", "\"schema\": 99", 1), "schema 99"),
        (
            "a missing layer",
            good.replacen("\"name\": \"usr\"", "\"name\": \"us\"", 1),
            "layer `usr`",
        ),
        ("a misspelt member", good.replacen("\"optional\"", "\"optoinal\"", 1), "optional"),
        (
            "a strange member",
            good.replacen("\"pid\":", "\"uts\": true, \"pid\":", 1),
            "namespaces.uts",
        ),
    ];
    for (what, json, want) in cases {
        assert_ne!(json, good, "{what}: nothing was changed");
        let outcome = replay(home.path(), saved(home.path(), &json)).run(NOTHING);
        outcome.fails(125, "BS0070");
        assert!(outcome.stderr().contains(want), "{what}: no {want}: {}", outcome.account());
    }
    replay(home.path(), home.path().join("missing")).run(NOTHING).fails(125, "BS0070");
}

#[test]
fn options_that_decide_the_plan_do_not_go_with_one() {
    let run = || replay(Path::new("/"), "/plan.json");
    for launch in [run().runtime("/r"), run().pair("--env", "A=b")] {
        assert_eq!(launch.run(NOTHING).status(), 2);
    }
    assert_eq!(run().run(&["true"]).status(), 2);
}

/// A plan of a command that is not there is found out before anything is made.
#[test]
fn a_plan_is_checked() {
    let home = tempfile::tempdir().unwrap();
    let plan = need!(walk::launch("plan", RUNTIME, home.path())).pair("--format", "json");
    let plan = plan.run(&["/no/such/command"]).ok();
    replay(home.path(), saved(home.path(), &plan)).run(NOTHING).fails(127, "BS0007");
}
