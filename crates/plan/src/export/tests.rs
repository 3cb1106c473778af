use super::*;
use crate::{
    Access, Candidate, Composition, ContainerPath, Decision, Emulation, Emulator, Environment,
    HostPath, LayerEntry, LayerName, LayerSpec, Namespaces, Op, Origin, Preload, Problem, RootPath,
    SCHEMA, Server, Source, StackForm, Step, Subject, Supervision, Tuple, Variable, Verdict,
};

fn odd() -> ByteString {
    ByteString(b"/odd \xff\n".to_vec())
}

fn steps() -> Vec<Op> {
    let at = |path: &str| ContainerPath::literal(path);
    let odd_path = ContainerPath::new(odd().as_os_str()).unwrap();
    let host = Source::Host(HostPath::new(odd().as_os_str()).unwrap());
    let layer = Source::Layer { layer: LayerName("usr".into()), path: RootPath::root() };
    vec![
        Op::Directory { at: odd_path, mode: 0o1777 },
        Op::Symlink { at: at("/lib"), target: odd() },
        Op::File { at: at("/f"), content: vec![0, 0xff].into(), mode: 0o444 },
        Op::Bind { source: host.clone(), at: at("/b"), access: Access::Device, optional: true },
        Op::Stack { at: at("/usr"), sources: vec![layer, host], form: StackForm::Tree },
        Op::Tmpfs { at: at("/t"), mode: 0o755 },
        Op::ReadOnly { at: at("/t") },
        Op::Proc { at: at("/proc") },
    ]
}

fn layer() -> LayerSpec {
    let mut layer = LayerSpec::new("usr");
    for (path, entry) in [
        (&b"/d"[..], LayerEntry::Directory { mode: 0o755 }),
        (b"/l", LayerEntry::Symlink { target: odd() }),
        (b"/odd \xff", LayerEntry::File { content: odd(), executable: true, modified: None }),
        (b"/old", LayerEntry::File { content: odd(), executable: false, modified: Some(-1) }),
        (
            b"/c",
            LayerEntry::CopyOf {
                source: HostPath::literal("/s"),
                executable: false,
                modified: Some(-1),
                identity: (1, 2, 3),
            },
        ),
        (b"/w", LayerEntry::Whiteout),
    ] {
        let path = RootPath::new(ByteString(path.to_vec()).as_os_str()).unwrap();
        layer.entries.insert(path, entry);
    }
    layer
}

fn decisions() -> Vec<Decision> {
    let x86 = Tuple::X86_64;
    let subjects = [
        Subject::Library { tuple: x86, name: "libGL.so.1".into() },
        Subject::Module { tuple: x86, api: "dri".into(), path: "/x".into() },
        Subject::Manifest { api: "vulkan-icd".into(), path: "/x".into() },
        Subject::Path { path: "/x".into() },
        Subject::Architecture { tuple: x86 },
        Subject::Other { name: "glibc".into() },
    ];
    let verdicts = [
        Verdict::Taken { origin: Origin::Generated, at: "/y".into() },
        Verdict::Rejected,
        Verdict::Absent,
    ];
    let candidate = Candidate { origin: Origin::Provider, path: "/p".into(), note: "n".into() };
    let decision = |(subject, verdict): (Subject, &Verdict)| Decision {
        subject,
        candidates: vec![candidate.clone()],
        verdict: verdict.clone(),
        why: "so".into(),
    };
    subjects.into_iter().zip(verdicts.iter().cycle()).map(decision).collect()
}

/// A plan with every operation, entry, subject and verdict, and bytes that are no text.
fn full() -> Plan {
    let mut environment = Environment::default();
    environment.set("A", odd(), "test");
    environment.unset("B", "test");
    let nameless = Variable { value: None, reason: "odd".into() };
    environment.0.insert(ByteString(b"C\xff".to_vec()), nameless);
    let preload = Preload { module: odd(), tuple: Some(Tuple::I386) };
    Plan {
        schema: SCHEMA,
        layers: vec![layer()],
        steps: steps().into_iter().map(|op| Step { op, reason: "test".into() }).collect(),
        environment,
        working_directory: ContainerPath::literal("/w"),
        command: vec!["true".into(), odd()],
        supervision: Supervision {
            pass_fds: vec![5],
            assign_fds: vec![(3, 4)],
            locks: vec![HostPath::literal("/lock")],
            terminate_idle: Some(7),
            terminate_grace: 8,
            new_session: true,
            null_stdin: false,
            ld_preload: vec![preload.clone(), Preload { module: "b".into(), tuple: None }],
            ld_audit: vec![preload],
            per_launch: vec![],
        },
        namespaces: Namespaces { pid: true },
        emulation: Some(Emulation {
            emulator: Emulator::Fex,
            tuples: vec![Tuple::X86_64],
            native: Tuple::Aarch64,
            program: ContainerPath::literal("/usr/bin/FEX"),
            composition: Composition::Direct {
                prefix: vec![odd()],
                container_argv: vec!["FEX".into()],
            },
            server: Some(Server {
                argv: vec!["server".into()],
                environment: vec![("A".into(), None), ("B".into(), Some(odd()))],
            }),
        }),
        decisions: decisions(),
        warnings: vec![Problem::warning(crate::Code(7), "w").evidence("e").hint("h")],
    }
}

#[test]
fn a_plan_survives_json() {
    let plan = full();
    let json = plan.to_json().unwrap();
    assert_eq!(Plan::from_json(json.as_bytes()), Ok(plan.clone()));
    let mut overlay = plan;
    if let Some(emulation) = &mut overlay.emulation {
        emulation.composition = Composition::Overlay {
            root: ContainerPath::literal("/ir"),
            registrations: vec!["FEX-x86_64".into()],
            fixed: true,
        };
    }
    let again = Plan::from_json(overlay.to_json().unwrap().as_bytes());
    assert_eq!(again, Ok(overlay));
}

#[test]
fn modules_are_variables() {
    let plan = full();
    let changes = plan.environment_changes();
    assert_eq!(changes[&b"LD_PRELOAD"[..]], Some(b"/odd \xff\n:b".to_vec().into()));
    assert_eq!(changes[&b"LD_AUDIT"[..]], Some(b"/odd \xff\n".to_vec().into()));
    assert_eq!(changes[&b"B"[..]], None);
}

#[test]
fn an_entry_for_several_architectures_is_said_once() {
    let mut plan = Plan::new(vec!["true".into()]);
    assert_eq!(plan.module_variables().count(), 0);
    let module = |module: &str, tuple| Preload { module: module.into(), tuple };
    plan.supervision.ld_preload = vec![
        module("/m/${LIB}/a.so", Some(Tuple::X86_64)),
        module("b.so", None),
        module("/m/${LIB}/a.so", Some(Tuple::I386)),
        module("b.so", None),
    ];
    let variables: Vec<_> = plan.module_variables().collect();
    assert_eq!(variables, [("LD_PRELOAD", "/m/${LIB}/a.so:b.so:b.so".into())]);
}

fn edited(from: &str, to: &str) -> Result<Plan, ReadError> {
    let json = full().to_json().unwrap();
    let edited = json.replacen(from, to, 1);
    assert_ne!(edited, json, "nothing was replaced: {from}");
    Plan::from_json(edited.as_bytes())
}

#[test]
fn doubtful_json_is_refused() {
    for (from, to, want) in [
        ("\"schema\": 1", "\"schema\": 2", "schema 2"),
        ("\"schema\": 1", "\"schema\": \"1\"", "no number `schema`"),
        ("\"schema\": 1", "\"schema\": -1", "no number `schema`"),
        ("\"op\": \"tmpfs\"", "\"op\": \"format-disk\"", "format-disk"),
        ("\"optional\": true", "\"optionl\": true", "optional"),
        ("\"mode\": 493", "\"mode\": 493, \"moed\": 1", "`layers[0].entries./d.moed`"),
        ("\"optional\": true", "\"optional\": true, \"x\": 1", "`steps[3].x`"),
        ("\"pid\": true", "\"pid\": true, \"ipc\": true", "`namespaces.ipc`"),
        ("\"/t\"", "\"t\"", "not an absolute path"),
        ("\"/t\"", "\"/../t\"", "`..`"),
        ("\"layer\": \"usr\"", "\"layer\": \"urs\"", "step 5 names the layer `urs`"),
        ("\"name\": \"usr\"", "\"name\": \"urs\"", "step 5 names the layer `usr`"),
        ("\"mode\": 493", "\"mode\": 65536", "/d in the layer `usr` has the mode 0o200000"),
        ("\"true\"", "\"tr\\u0000ue\"", "NUL"),
        ("\"true\"", "\"\"", "it has no command"),
        ("\"A\": {", "\"A=\": {", "`A=` cannot be the name of a variable"),
        ("\"at\": \"/lib\"", "\"at\": \"/\"", "root directory"),
        ("\"/s\"", "\"/../s\", \"x\": 1", "`layers[0].entries./c.x`"),
    ] {
        match edited(from, to) {
            Ok(_) => panic!("{from} as {to} is taken"),
            Err(error) => {
                let text = error.to_string();
                assert!(text.contains(want), "{from} as {to}: {text}");
            }
        }
    }
    for bad in [&b""[..], b"{", b"[]", b"null", b"{\"schema\":1}", b"\xff", b"{} {}"] {
        assert!(Plan::from_json(bad).is_err(), "{}", String::from_utf8_lossy(bad));
    }
    let deep = [vec![b'['; 100_000], vec![b']'; 100_000]].concat();
    assert!(matches!(Plan::from_json(&deep), Err(ReadError::Malformed(_))));
}

#[test]
fn a_stack_needs_two() {
    let mut plan = full();
    for step in &mut plan.steps {
        if let Op::Stack { sources, .. } = &mut step.op {
            sources.truncate(1);
        }
    }
    plan.layers.push(LayerSpec::new("usr"));
    let flaws = plan.flaws();
    let want = [Flaw::LayerTwice(LayerName("usr".into())), Flaw::Stack { step: 4 }];
    assert_eq!(flaws, want);
}

/// Every member and every word that a plan can have is in the document.
#[test]
fn the_document_has_everything() {
    fn words(value: &serde_json::Value, out: &mut std::collections::BTreeSet<String>) {
        match value {
            serde_json::Value::Object(members) => {
                for (name, value) in members {
                    if !name.starts_with('/') && name.len() > 1 && !name.starts_with("hex:") {
                        out.insert(name.clone());
                    }
                    if ["op", "type", "kind", "verdict", "origin", "access", "form", "emulator"]
                        .contains(&name.as_str())
                        && let Some(word) = value.as_str()
                    {
                        out.insert(word.to_owned());
                    }
                    words(value, out);
                }
            }
            serde_json::Value::Array(items) => items.iter().for_each(|item| words(item, out)),
            _ => {}
        }
    }
    let document = include_str!("../../../../docs/plan.md");
    let mut all = std::collections::BTreeSet::new();
    words(&serde_json::to_value(full()).unwrap(), &mut all);
    assert!(all.len() > 60, "{all:?}");
    for word in &all {
        let named = [format!("`{word}`"), format!("\"{word}\"")];
        assert!(named.iter().any(|n| document.contains(n)), "{word} is not in docs/plan.md");
    }
    assert!(document.contains(&format!("### Schema {SCHEMA}\n")));
}
