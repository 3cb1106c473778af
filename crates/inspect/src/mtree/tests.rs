use super::*;
use std::time::Instant;

fn file(content: &str) -> Entry {
    Entry::File {
        content: RootPath::literal(content),
        size: None,
        executable: false,
        mode_said: false,
        modified: None,
        optional: false,
        no_change: false,
        sha256: None,
    }
}

fn one(line: &str) -> (RootPath, Entry) {
    let manifest = parse(line.as_bytes()).unwrap_or_else(|e| panic!("{line}: {e}"));
    assert_eq!((manifest.entries.len(), manifest.warnings.as_slice()), (1, &[][..]), "{line}");
    manifest.entries.into_iter().next().unwrap()
}

#[test]
fn reads_entries() {
    let link = |t: &str| Entry::Link { target: t.into() };
    for (line, path, want) in [
        ("./a type=file", "/a", file("/a")),
        ("  ./a\t type=file \r", "/a", file("/a")),
        ("./a/./b//c type=dir", "/a/b/c", Entry::Directory),
        ("./a type=link link=../b", "/a", link("../b")),
        ("./a\\040b type=link link=c\\011d\\\\", "/a b", link("c\td\\")),
        ("./\\b\\f\\n\\r\\t\\v\\\" type=dir", "/\u{8}\u{c}\n\r\t\u{b}\"", Entry::Directory),
        ("./a type=file contents=./12/123456-1.bin", "/a", file("/12/123456-1.bin")),
        ("./a type=file content=b", "/a", file("/b")),
        ("./a type=file uid=0 md5=x sha512digest=y nlink=2 cksum=1", "/a", file("/a")),
    ] {
        assert_eq!(one(line), (RootPath::literal(path), want), "{line}");
    }
}

#[test]
fn reads_keywords() {
    let digest = "00".repeat(31) + "fF";
    let line = format!(
        "./a type=file size=3 mode=0100 time=1600000000.000000042 optional nochange \
         sha256={digest} sha256digest={digest}"
    );
    let mut sha256 = [0; 32];
    sha256[31] = 0xff;
    let want = Entry::File {
        content: RootPath::literal("/a"),
        size: Some(3),
        executable: true,
        mode_said: true,
        modified: Some(Time { seconds: 1_600_000_000, nanoseconds: 42 }),
        optional: true,
        no_change: true,
        sha256: Some(sha256),
    };
    assert_eq!(one(&line).1, want);
    for (time, want) in [("7", (7, 0)), ("7.0", (7, 0)), ("7.100000000", (7, 100_000_000))] {
        let Entry::File { modified, .. } = one(&format!("./a type=file time={time}")).1 else {
            panic!("no file");
        };
        let (seconds, nanoseconds) = want;
        assert_eq!(modified, Some(Time { seconds, nanoseconds }), "{time}");
    }
    for (mode, want) in [("644", false), ("0755", true), ("0010", true), ("4666", false)] {
        let Entry::File { executable, .. } = one(&format!("./a type=file mode={mode}")).1 else {
            panic!("no file");
        };
        assert_eq!(executable, want, "{mode}");
    }
}

#[test]
fn names_the_line_and_the_reason() {
    for (bad, want) in [
        ("/set type=file", "`/set` is not supported here"),
        ("./a type=file \\", "a line that goes on in the next one is not supported here"),
        ("a type=file", "`a` is not `.` or a path below `./`"),
        ("../a type=file", "`../a` is not `.` or a path below `./`"),
        ("./a/../../b type=file", "`./a/../../b` is not `.` or a path below `./`"),
        ("./a\\000 type=file", "`./a\\x00` is not `.` or a path below `./`"),
        ("./\\056./a type=dir", "`./../a` is not `.` or a path below `./`"),
        ("./a\\q type=file", "unknown escape in `./a\\q`"),
        ("./a\\08 type=file", "unknown escape in `./a\\08`"),
        ("./a\\477 type=file", "unknown escape in `./a\\477`"),
        ("./a", "`type` is missing"),
        ("./a type", "`type` has no value"),
        ("./a type=fifo", "type `fifo` is not supported here"),
        ("./a type=link", "type is `link`, and `link` is missing"),
        ("./a type=file link=b", "`link` is there, and type is not `link`"),
        ("./a type=file size=-1", "`size=-1` is not a number"),
        ("./a type=file size=99999999999999999999", "`size=99999999999999999999` is not a number"),
        ("./a type=file mode=8", "`mode=8` is not an octal number"),
        ("./a type=file mode=777777777777", "`mode=777777777777` is not an octal mode"),
        (
            "./a type=file time=1.5",
            "`time=1.5` is not seconds, or seconds with 9 digits of nanoseconds",
        ),
        (
            "./a type=file time=1.",
            "`time=1.` is not seconds, or seconds with 9 digits of nanoseconds",
        ),
        ("./a type=file sha256=00", "`sha256=00` is not 64 hexadecimal digits"),
        ("./a type=file content=/b", "`content=/b` is not a relative path without `..`"),
        ("./a type=file content=../b", "`content=../b` is not a relative path without `..`"),
    ] {
        let error = parse(format!("#mtree\n\n{bad}\n").as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), format!("line 3: {want}"), "{bad}");
    }
    let (a, b) = ("0".repeat(64), "1".repeat(64));
    let line = format!("./a type=file sha256={a} sha256digest={b}");
    assert_eq!(parse(line.as_bytes()).unwrap_err().kind, ErrorKind::Digests);
}

#[test]
fn the_first_of_equal_paths_counts() {
    let manifest = parse(b"./a type=link link=b\n./c type=dir\n./a type=dir").unwrap();
    assert_eq!(manifest.entries.len(), 2);
    assert_eq!(manifest.entries[&RootPath::literal("/a")], Entry::Link { target: "b".into() });
}

#[test]
fn warns_and_goes_on() {
    let manifest =
        parse(b"#mtree\n. type=dir ignore\n./a type=dir ignore\n./b type=file color=red").unwrap();
    assert_eq!(manifest.warnings, [Warning { line: 4, keyword: "color".into() }]);
    let ignore: Vec<_> = manifest.ignore.iter().map(ToString::to_string).collect();
    assert_eq!(ignore, ["/", "/a"]);
    assert!(!manifest.entries.contains_key(&RootPath::root()));
}

#[test]
fn reads_a_manifest_like_a_depots() {
    let manifest = parse_gz(include_bytes!("../../fixtures/mtree/usr-mtree.txt.gz")).unwrap();
    assert_eq!(manifest.warnings, []);
    let get = |p: &str| &manifest.entries[&RootPath::literal(p)];
    assert_eq!(get("/lib/x86_64-linux-gnu"), &Entry::Directory);
    let soname = get("/lib/x86_64-linux-gnu/libz.so.1");
    assert_eq!(soname, &Entry::Link { target: "libz.so.1.2.11".into() });
    let Entry::File { size, executable, content, .. } = get("/lib/x86_64-linux-gnu/libz.so.1.2.11")
    else {
        panic!("no file");
    };
    assert_eq!((*size, *executable), (Some(113_088), false));
    assert_eq!(content, &RootPath::literal("/lib/x86_64-linux-gnu/libz.so.1.2.11"));
    let Entry::File { executable, .. } = get("/bin/gzip") else { panic!("no file") };
    assert!(executable);
}

#[test]
fn broken_gzip_is_an_error() {
    let whole = include_bytes!("../../fixtures/mtree/usr-mtree.txt.gz");
    for bytes in [&b""[..], b"./a type=file", &whole[..whole.len() / 2]] {
        let error = parse_gz(bytes).unwrap_err();
        assert!(matches!(error, Error { line: 0, kind: ErrorKind::Gzip(_) }), "{error}");
    }
}

#[test]
fn a_large_manifest_is_read_at_once() {
    let mut text = String::from("#mtree\n. type=dir\n");
    for i in 0..23_000 {
        let (a, b) = (i / 500, i % 500);
        text += &format!("./share/directory-{a}/some-file-name-{b}.txt type=file size={i}\n");
    }
    let start = Instant::now();
    let manifest = parse(text.as_bytes()).unwrap();
    let took = start.elapsed();
    assert_eq!(manifest.entries.len(), 23_000);
    // 30 ms where it matters; generous here, for an unoptimised build on a busy machine.
    let limit = if cfg!(debug_assertions) { 2000 } else { 30 };
    assert!(took.as_millis() < limit, "{took:?}");
    println!("{} entries in {took:?}", manifest.entries.len());
}
