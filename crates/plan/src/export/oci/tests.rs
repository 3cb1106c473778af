use super::*;
use crate::Step;

fn at(path: &str) -> ContainerPath {
    ContainerPath::literal(path)
}

fn plan(ops: Vec<Op>) -> Plan {
    Plan {
        steps: ops.into_iter().map(|op| Step { op, reason: "test".into() }).collect(),
        ..Plan::new(vec!["true".into()])
    }
}

fn bind(source: &str, to: &str, optional: bool) -> Op {
    let source = Source::Host(HostPath::literal(source));
    Op::Bind { source, at: at(to), access: Access::ReadOnly, optional }
}

/// With `/there` a directory and `/there/file` a file; nothing else exists.
fn made(plan: &Plan) -> Result<Bundle, Error> {
    let is_directory = |path: &HostPath| match path.as_bytes() {
        b"/there" => Some(true),
        b"/there/file" => Some(false),
        _ => None,
    };
    bundle(
        plan,
        &Surroundings {
            layers: &[(LayerName("l".into()), HostPath::literal("/store/a:b"))].into(),
            trees: &BTreeMap::new(),
            environment: vec![("A".into(), "1".into()), ("B".into(), vec![0xff].into())],
            uid: 7,
            gid: 8,
            is_directory: &is_directory,
        },
    )
}

fn root(bundle: &Bundle) -> String {
    let line = |(path, item): (&RootPath, &Item)| match item {
        Item::Directory { mode } => format!("{path}/ {mode:o}\n"),
        Item::Symlink { target } => format!("{path} -> {target}\n"),
        Item::File { content, mode } => format!("{path} {mode:o} {content}\n"),
    };
    bundle.root.iter().map(line).collect()
}

fn mounts(bundle: &Bundle) -> String {
    let mounts = bundle.config["mounts"].as_array().unwrap();
    let options = |mount: &Value| {
        let words = mount["options"].as_array().unwrap().iter();
        words.map(|w| w.as_str().unwrap()).collect::<Vec<_>>().join(",")
    };
    let line = |mount: &Value| {
        let word = |name: &str| mount[name].as_str().unwrap().to_owned();
        format!("{} {} {} {}\n", word("destination"), word("type"), word("source"), options(mount))
    };
    mounts.iter().map(line).collect()
}

#[test]
fn made_things_are_in_the_root_and_mounts_in_the_file() {
    let layer = Source::Layer { layer: LayerName("l".into()), path: RootPath::literal("/u") };
    let plan = plan(vec![
        Op::Stack {
            at: at("/usr"),
            sources: vec![layer, Source::Host(HostPath::literal("/there"))],
            form: StackForm::Overlay,
        },
        Op::Symlink { at: at("/lib"), target: "usr/lib".into() },
        Op::Directory { at: at("/run"), mode: 0o700 },
        Op::Symlink { at: at("/var/run"), target: "../run".into() },
        Op::File { at: at("/var/run/f"), content: "x".into(), mode: 0o444 },
        bind("/there", "/var/run/d", false),
        bind("/there/file", "/etc/f", false),
        bind("/gone", "/etc/g", true),
        Op::Directory { at: at("/usr/in-the-mount"), mode: 0o755 },
        Op::Directory { at: at("/home/hidden"), mode: 0o755 },
        Op::Tmpfs { at: at("/home"), mode: 0o750 },
        Op::Directory { at: at("/home/seen"), mode: 0o711 },
        Op::Tmpfs { at: at("/empty"), mode: 0o755 },
        Op::ReadOnly { at: at("/empty") },
        bind("/there", "/tmp", false),
        Op::Tmpfs { at: at("/tmp/x"), mode: 0o755 },
        bind("/there/file", "/tmp/x/deep/f", false),
    ]);
    let bundle = made(&plan).unwrap();
    assert_eq!(
        root(&bundle),
        "/empty/ 755\n/etc/ 755\n/etc/f 644 \n/home/ 755\n/home/seen/ 711\n/lib -> usr/lib\n\
         /run/ 700\n/run/d/ 755\n/run/f 444 x\n/tmp/ 755\n/usr/ 755\n/var/ 755\n/var/run -> ../run\n"
    );
    assert_eq!(
        mounts(&bundle),
        "/usr overlay overlay ro,nosuid,nodev,userxattr,lowerdir=/store/a\\:b/u:/there\n\
         /var/run/d bind /there rbind,rslave,nosuid,nodev,ro,rro\n\
         /etc/f bind /there/file rbind,rslave,nosuid,nodev,ro\n\
         /home tmpfs tmpfs nosuid,nodev,mode=0750,tmpcopyup\n\
         /empty tmpfs tmpfs nosuid,nodev,mode=0755,ro\n\
         /tmp bind /there rbind,rslave,nosuid,nodev,ro,rro\n\
         /tmp/x tmpfs tmpfs nosuid,nodev,mode=0755\n\
         /tmp/x/deep/f bind /there/file rbind,rslave,nosuid,nodev,ro\n"
    );
    assert_eq!(bundle.config["process"]["env"], serde_json::json!(["A=1"]));
    assert_eq!(bundle.left_out, [ByteString::from("B")]);
}

#[test]
fn what_cannot_be_said_is_refused() {
    let odd = ByteString(b"/\xff".to_vec());
    let odd_path = ContainerPath::new(odd.as_os_str()).unwrap();
    let mut passing = plan(vec![]);
    passing.supervision.pass_fds = vec![5];
    for (plan, want) in [
        (plan(vec![bind("/gone", "/x", false)]), Error::Missing(HostPath::literal("/gone"))),
        (plan(vec![Op::Tmpfs { at: odd_path, mode: 0o755 }]), Error::NotText(odd)),
        (passing, Error::Inexpressible("descriptors that the command inherits")),
        (
            plan(vec![
                bind("/there", "/tmp", false),
                Op::Tmpfs { at: at("/tmp/x"), mode: 0o755 },
                Op::Directory { at: at("/tmp/x/d"), mode: 0o755 },
            ]),
            Error::Inexpressible("something in a file system in memory that lies in a mount"),
        ),
        (
            plan(vec![Op::ReadOnly { at: at("/x") }]),
            Error::Inexpressible("a directory that becomes read-only"),
        ),
    ] {
        assert_eq!(made(&plan), Err(want));
    }
}
