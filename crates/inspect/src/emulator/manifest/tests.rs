use super::*;
use testkit::TreeBuilder;

fn parsed(text: &str) -> Result<EmulatorManifest, Reason> {
    parse(text.as_bytes(), &HostPath::literal("/opt/fex"))
}

/// An `emulator_v0` with these members.
fn with(members: &str) -> Result<EmulatorManifest, Reason> {
    parsed(&format!("{{\"emulator_v0\": {{{members}}}}}"))
}

const FEX: &str = r#"
    "argv": "./usr/bin/FEX",
    "container_argv": ["./usr/bin/FEX"],
    "main_argv": "./FEXCompatTool",
    "server_argv": "./usr/bin/FEXServerManager",
    "emulated_architectures": ["x86_64-linux-gnu", "i386-linux-gnu"],
    "required_architectures": ["aarch64-linux-gnu"],
    "required_libraries": ["libc.so.6", "libstdc++.so.6"],
    "environment": {"FEX_PORTABLE": "1", "B": null},
    "container_environment": {"FEX_ROOTFS": "", "B": "2"},
    "some_future_member": [{}]
"#;

#[test]
fn what_fex_ships() {
    let got = with(FEX).unwrap();
    let program = |path: &str| HostPath::literal(path);
    assert_eq!(got.argv, Argv { program: program("/opt/fex/usr/bin/FEX"), arguments: vec![] });
    assert_eq!(got.container(), &got.argv);
    assert_eq!(got.main().program, program("/opt/fex/FEXCompatTool"));
    let server = got.server_argv.as_ref().unwrap();
    assert_eq!(server.program, program("/opt/fex/usr/bin/FEXServerManager"));
    assert_eq!(got.emulated_architectures, [Tuple::X86_64, Tuple::I386]);
    assert_eq!(got.required_architectures, [Tuple::Aarch64]);
    assert_eq!(got.required_libraries, ["libc.so.6", "libstdc++.so.6"]);
    let change = |name: &str, value: Option<&str>| (name.to_owned(), value.map(String::from));
    assert_eq!(got.environment, [change("FEX_PORTABLE", Some("1")), change("B", None)]);
    assert_eq!(
        got.inside(),
        [change("FEX_PORTABLE", Some("1")), change("B", Some("2")), change("FEX_ROOTFS", Some(""))]
    );
}

#[test]
fn weaker_command_lines_stand_in() {
    let tuples = r#""emulated_architectures": ["x86_64-linux-gnu"]"#;
    for (members, container, main) in [
        (r#""argv": "/a""#, "/a", "/a"),
        (r#""argv": "/a", "container_argv": "/c""#, "/c", "/c"),
        (r#""argv": "/a", "main_argv": "/m""#, "/a", "/m"),
        (r#""argv": "/a", "container_argv": "/c", "main_argv": "/m""#, "/c", "/m"),
    ] {
        let got = with(&format!("{members}, {tuples}")).unwrap();
        let paths = (got.container().program.to_string(), got.main().program.to_string());
        assert_eq!(paths, (container.to_owned(), main.to_owned()), "{members}");
    }
}

#[test]
fn forms_of_a_command_line() {
    let tuples = r#""emulated_architectures": ["i386-linux-gnu", "riscv64-linux-gnu"]"#;
    for (value, program, arguments) in [
        (
            r#""/usr/bin/qemu-i386 -L '/a b' \"c d\"""#,
            "/usr/bin/qemu-i386",
            &["-L", "/a b", "c d"][..],
        ),
        (r#"["./a b", "-x y", ""]"#, "/opt/fex/a b", &["-x y", ""]),
        (r#""bin/x""#, "/opt/fex/bin/x", &[]),
        (r#""../bin/./x""#, "/opt/fex/../bin/x", &[]),
        (r#""./x\\ y""#, "/opt/fex/x y", &[]),
    ] {
        let got = with(&format!("\"argv\": {value}, {tuples}")).unwrap();
        assert_eq!(got.argv.program.to_string(), program);
        assert_eq!(got.argv.arguments, arguments);
        assert_eq!(got.other_architectures, ["riscv64-linux-gnu"]);
    }
}

#[test]
fn errors_name_the_member() {
    let good = r#""argv": "/a", "emulated_architectures": ["x86_64-linux-gnu"]"#;
    assert!(with(good).is_ok());
    for (text, want) in [
        ("{}", "it has no `emulator_v0`"),
        (r#"{"emulator_v0": []}"#, "`emulator_v0` is not an object"),
        ("[]", "`the manifest` is not an object"),
        ("{", "line 1, column 1: EOF while parsing an object"),
    ] {
        assert_eq!(parsed(text).unwrap_err().to_string(), want, "{text}");
    }
    for (members, want) in [
        (r#""argv": "/a""#, "it has no `emulator_v0.emulated_architectures`"),
        (r#""emulated_architectures": ["x86_64-linux-gnu"]"#, "it has no `emulator_v0.argv`"),
        (
            r#""argv": "/a", "emulated_architectures": []"#,
            "`emulator_v0.emulated_architectures` is empty",
        ),
        (
            r#""argv": "/a", "emulated_architectures": "x86_64-linux-gnu""#,
            "`emulator_v0.emulated_architectures` is not an array of strings",
        ),
        (
            r#""argv": "/a", "emulated_architectures": ["x86_64-linux-gnu", 1]"#,
            "`emulator_v0.emulated_architectures[1]` is not a string",
        ),
        (
            r#""argv": "/a", "emulated_architectures": ["amd64"]"#,
            "`emulator_v0.emulated_architectures[0]`: `amd64` is not a multiarch tuple",
        ),
    ] {
        assert_eq!(with(members).unwrap_err().to_string(), want, "{members}");
    }
    for (member, want) in [
        (
            r#""argv": "a""#,
            "`emulator_v0.argv`: the program `a` has no `/`; it is not searched on the PATH",
        ),
        (r#""argv": 1"#, "`emulator_v0.argv` is not a string or an array of strings"),
        (r#""argv": " ""#, "`emulator_v0.argv` is empty"),
        (r#""argv": []"#, "`emulator_v0.argv` is empty"),
        (r#""argv": "/a 'b""#, "`emulator_v0.argv`: a quotation mark (') is not closed"),
        (r#""argv": ["/a", null]"#, "`emulator_v0.argv[1]` is not a string"),
        (r#""argv": ["/a", "\u0000"]"#, "`emulator_v0.argv`: a word contains a NUL byte"),
        (
            r#""container_argv": {}"#,
            "`emulator_v0.container_argv` is not a string or an array of strings",
        ),
        (
            r#""main_argv": ["x"]"#,
            "`emulator_v0.main_argv`: the program `x` has no `/`; it is not searched on the PATH",
        ),
        (
            r#""server_argv": null"#,
            "`emulator_v0.server_argv` is not a string or an array of strings",
        ),
        (
            r#""required_architectures": {}"#,
            "`emulator_v0.required_architectures` is not an array of strings",
        ),
        (
            r#""required_architectures": ["riscv64-linux-gnu"]"#,
            "`emulator_v0.required_architectures`: `riscv64-linux-gnu` is not an architecture known here (x86_64-linux-gnu, i386-linux-gnu, aarch64-linux-gnu)",
        ),
        (
            r#""required_libraries": ["a/b"]"#,
            "`emulator_v0.required_libraries[0]`: `a/b` is not a SONAME",
        ),
        (r#""environment": []"#, "`emulator_v0.environment` is not an object"),
        (r#""environment": {"A": 1}"#, "`emulator_v0.environment.A` is not a string or null"),
        (
            r#""environment": {"A=B": "1"}"#,
            "`emulator_v0.environment`: `A=B` cannot name a variable",
        ),
        (
            r#""container_environment": {"": "1"}"#,
            "`emulator_v0.container_environment`: `` cannot name a variable",
        ),
    ] {
        // The last of two members of the same name counts.
        assert_eq!(with(&format!("{good}, {member}")).unwrap_err().to_string(), want, "{member}");
    }
}

#[test]
fn relative_paths_start_where_the_manifest_really_is() {
    let content = format!("{{\"emulator_v0\": {{{}}}}}", FEX.replace('\n', " "));
    let tree = TreeBuilder::new().unwrap();
    let tree = tree.table("usr/\nopt/link.json -> ../srv/fex/emulator.json").unwrap();
    let tree = tree.file("srv/fex/emulator.json", content.as_bytes()).unwrap();
    let tree = tree.file("srv/fex/bad.json", b"{}").unwrap();
    let root = Root::open(HostPath::new(tree.path()).unwrap()).unwrap();
    let got = read(&root, &RootPath::literal("/opt/link.json")).unwrap();
    let want = HostPath::new(tree.path().join("srv/fex")).unwrap();
    assert_eq!(got.argv.program, want.at("usr/bin/FEX"));
    assert_eq!(got.directory, want);
    let bad = read(&root, &RootPath::literal("/srv/fex/bad.json")).unwrap_err();
    assert!(bad.to_string().ends_with("/srv/fex/bad.json`: it has no `emulator_v0`"), "{bad}");
    assert!(matches!(read(&root, &RootPath::literal("/gone")), Err(Error::File(_))));
}
