use super::*;

/// A document in one line: `key=text`, `key{…}`, with `[condition]`.
fn shown(nodes: &[Node]) -> String {
    let one = |n: &Node| {
        let condition = n.condition.as_ref().map(|c| format!("[{c}]")).unwrap_or_default();
        match &n.value {
            Value::Text(t) => format!("{}={t}{condition}", n.key),
            Value::Block(b) => format!("{}{condition}{{{}}}", n.key, shown(b)),
        }
    };
    nodes.iter().map(one).collect::<Vec<_>>().join(" ")
}

#[test]
fn reads() {
    for (raw, want) in [
        ("", ""),
        ("\u{feff}a b", "a=b"),
        ("\"a\" \"b c\"", "a=b c"),
        ("a{b c}d e", "a{b=c} d=e"),
        ("a\n{\n\"b\"\t\t\"c\"\n}\n", "a{b=c}"),
        ("a {}", "a{}"),
        ("// c\na b // d } \n// e", "a=b"),
        ("a bin//x", "a=bin//x"),
        ("a /x", "a=/x"),
        ("a \"// no comment\"", "a=// no comment"),
        (r#"a "q\"b\\c\td\ne\x""#, "a=q\"b\\c\\x09d\\x0ae\\x"),
        ("a b [$WIN32]\nc d", "a=b[$WIN32] c=d"),
        ("a [$LINUX] { b c }", "a[$LINUX]{b=c}"),
        ("a b a c", "a=b a=c"),
        ("#base \"other.vdf\"\na b", "#base=other.vdf a=b"),
        ("a \"\" \"\" b", "a= =b"),
        ("a b\0", "a=b"),
    ] {
        let document = parse(raw.as_bytes()).unwrap_or_else(|e| panic!("{raw:?}: {e}"));
        assert_eq!(shown(&document.nodes), want, "{raw:?}");
    }
}

#[test]
fn errors_have_their_line() {
    for (raw, want) in [
        ("a b\n\"c", "line 2: a quoted string has no end"),
        ("a \"b\nc\" {", "line 2: `{` has no key before it"),
        ("a", "line 1: key `a` has no value"),
        ("a {\nb\n}", "line 2: key `b` has no value"),
        ("\na {\nb c", "line 2: the block `a` has no `}`"),
        ("}", "line 1: `}` has no `{` before it"),
        ("a b [$X", "line 1: `[` has no `]`"),
        ("a [x\n]", "line 1: `[` has no `]`"),
        ("[x] a", "line 1: a conditional has nothing before it"),
        ("a [x] [y]", "line 1: key `a` has no value"),
    ] {
        match parse(raw.as_bytes()) {
            Err(e) => assert_eq!(e.to_string(), want, "{raw:?}"),
            Ok(d) => panic!("{raw:?} gave {}", shown(&d.nodes)),
        }
    }
}

#[test]
fn depth_is_bounded() {
    let nested = |n: usize| [b"a{".repeat(n), b"}".repeat(n)].concat();
    assert!(parse(&nested(DEPTH_LIMIT)).is_ok());
    let error = parse(&nested(DEPTH_LIMIT + 1)).unwrap_err();
    assert_eq!(error.kind, ErrorKind::TooDeep);
    assert_eq!(parse(&b"a{".repeat(1 << 20)).unwrap_err().kind, ErrorKind::TooDeep);
}

#[test]
fn reads_files_of_steam() {
    let tool = parse(include_bytes!("../../fixtures/vdf/toolmanifest.vdf")).unwrap();
    assert_eq!(tool.text(&["manifest", "commandline"]), Some("/_v2-entry-point --verb=%verb% --"));
    assert_eq!(tool.text(&["Manifest", "VERSION"]), Some("2"));
    assert_eq!(tool.text(&["manifest"]), None);
    assert_eq!(tool.text(&["manifest", "missing"]), None);

    let folders = parse(include_bytes!("../../fixtures/vdf/libraryfolders.vdf")).unwrap();
    let paths: Vec<_> = folders
        .get(&["libraryfolders"])
        .unwrap()
        .nodes()
        .iter()
        .filter_map(|n| n.value.get(&["path"])?.text())
        .collect();
    assert_eq!(paths, ["/home/user/.local/share/Steam", "/mnt/games \"fast\""]);

    let compat = parse(include_bytes!("../../fixtures/vdf/compatibilitytool.vdf")).unwrap();
    let tools = compat.get(&["compatibilitytools", "compat_tools"]).unwrap();
    assert_eq!(tools.nodes().len(), 1);
    assert_eq!(tools.nodes()[0].value.get(&["install_path"]).unwrap().text(), Some("."));
}
