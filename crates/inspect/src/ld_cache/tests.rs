use super::*;
use std::fs;
use std::path::Path;
use std::process::Command;

/// See fixtures/ld/README.md for where they come from.
const FIXTURES: &[(&str, &[u8])] = &[
    ("2.31", include_bytes!("../../fixtures/ld/ldconfig-2.31.cache")),
    ("2.31 compat", include_bytes!("../../fixtures/ld/ldconfig-2.31-compat.cache")),
    ("2.31 old", include_bytes!("../../fixtures/ld/ldconfig-2.31-old.cache")),
    ("2.36", include_bytes!("../../fixtures/ld/ldconfig-2.36.cache")),
    ("2.41 compat", include_bytes!("../../fixtures/ld/ldconfig-2.41-compat.cache")),
];

fn line(e: &Entry) -> String {
    let subdirectory = e.hwcaps_subdir.as_deref().unwrap_or("-");
    format!("{} {:#x} {subdirectory} {}", e.name, e.flags, e.path)
}

#[test]
fn real_caches() {
    let lib = "/lib/x86_64-linux-gnu";
    let in_hwcaps =
        |level: &str| format!("libf.so.1 0x303 {level} {lib}/glibc-hwcaps/{level}/libf.so.1.0");
    let plain = [
        "libg.so.10 0x303 - /opt/a/libg.so.10".to_owned(),
        "libg.so.9 0x303 - /opt/a/libg.so.9".to_owned(),
        format!("libf.so.1 0x303 - {lib}/libf.so.1"),
        "libf.so.1 0x303 - /opt/a/libf.so.1".to_owned(),
        "libf.so.1 0x1 - /usr/lib/libf.so.1".to_owned(),
    ];
    let with_hwcaps: Vec<String> = plain[..2]
        .iter()
        .cloned()
        .chain([in_hwcaps("x86-64-v2"), in_hwcaps("x86-64-v3")])
        .chain(plain[2..].iter().cloned())
        .collect();
    for (name, bytes) in FIXTURES {
        let entries = parse(bytes).unwrap();
        let got: Vec<String> = entries.iter().map(line).collect();
        let want = match *name {
            "2.36" => with_hwcaps.clone(),
            // Later ones mark a library that does not need libc.so.6 like all others.
            "2.41 compat" => with_hwcaps.iter().map(|l| l.replace(" 0x1 ", " 0x3 ")).collect(),
            "2.31 old" => plain.iter().filter(|l| !l.starts_with("libg.so.9")).cloned().collect(),
            _ => plain.to_vec(),
        };
        assert_eq!(got, want, "{name}");
    }
}

#[test]
fn what_is_written_reads_the_same_in_any_order() {
    for (name, bytes) in FIXTURES {
        let entries = parse(bytes).unwrap();
        assert_eq!(parse(&write(&entries)).unwrap(), entries, "{name}");
        // Equal names and flags keep their order, so only others are turned round.
        let mut turned = entries.clone();
        turned.sort_by(|a, b| a.name.as_bytes().cmp(b.name.as_bytes()));
        assert_eq!(parse(&write(&turned)).unwrap(), entries, "{name}");
    }
    assert_eq!(parse(&write(&[])).unwrap(), []);
}

#[test]
fn order_of_names() {
    use std::cmp::Ordering::{Equal, Greater, Less};
    for (a, b, want) in [
        ("libg.so.10", "libg.so.9", Greater),
        ("libg.so.09", "libg.so.9", Equal),
        ("liba.so.1", "libb.so.1", Less),
        ("lib1.so", "liba.so", Greater),
        ("liba.so", "lib1.so", Less),
        ("libx.so", "libx.so.1", Less),
        ("libx.so.1", "libx.so", Greater),
        ("", "", Equal),
        ("x99999999999999999999", "x1", Greater),
    ] {
        assert_eq!(order::compare_names(a.as_bytes(), b.as_bytes()), want, "{a} {b}");
    }
}

#[test]
fn damaged_caches() {
    for (_, bytes) in FIXTURES {
        for length in 0..bytes.len() {
            // Must not panic; what is cut in the strings only loses entries.
            if let Ok(entries) = parse(&bytes[..length]) {
                assert!(entries.len() <= 7);
            }
        }
    }
    let good = FIXTURES[3].1;
    let with = |at: usize, value: &[u8]| {
        let mut bytes = good.to_vec();
        bytes[at..at + value.len()].copy_from_slice(value);
        parse(&bytes)
    };
    assert_eq!(with(0, b"x"), Err(Error::NotACache));
    assert_eq!(with(28, &[3]), Err(Error::ByteOrder));
    assert_eq!(with(28, &[1]), Err(Error::NotACache));
    assert_eq!(with(20, &u32::MAX.to_le_bytes()), Err(Error::Truncated));
    // Without its extension, those in glibc-hwcaps serve nobody.
    assert_eq!(with(32, &[0; 4]).unwrap().len(), 5);
}

fn entry(name: &str, path: &str, flags: i32, hwcaps: Option<&str>) -> Entry {
    Entry {
        name: name.into(),
        path: path.into(),
        flags,
        hwcap: 0,
        os_version: 0,
        hwcaps_subdir: hwcaps.map(str::to_owned),
    }
}

fn sample() -> Vec<Entry> {
    let x86_64 = flags_for(Tuple::X86_64);
    vec![
        entry("liba.so.1", "/usr/lib/i386-linux-gnu/liba.so.1", flags_for(Tuple::I386), None),
        entry("liba.so.1", "/overrides/lib/x86_64-linux-gnu/liba.so.1", x86_64, None),
        entry("liba.so.1", "/usr/lib/x86_64-linux-gnu/liba.so.1", x86_64, None),
        entry("liba.so.1", "/usr/lib/glibc-hwcaps/x86-64-v3/liba.so.1", x86_64, Some("x86-64-v3")),
        entry("libz.so.10", "/usr/lib/x86_64-linux-gnu/libz.so.10", x86_64, None),
        entry("libz.so.9", "/usr/lib/x86_64-linux-gnu/libz.so.9", x86_64, None),
    ]
}

#[test]
fn ldconfig_reads_what_is_written() {
    let Some(ldconfig) = ["/usr/sbin/ldconfig", "/sbin/ldconfig"]
        .into_iter()
        .find(|p| fs::symlink_metadata(Path::new(p)).is_ok())
    else {
        eprintln!("skipped: there is no ldconfig here");
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("cache");
    fs::write(&file, write(&sample())).unwrap();
    let output = Command::new(ldconfig).arg("-p").arg("-C").arg(&file).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines: Vec<&str> = text.lines().filter_map(|l| l.strip_prefix('\t')).collect();
    let paths: Vec<&str> = lines.iter().filter_map(|l| l.split_once(" => ")).map(|l| l.1).collect();
    assert_eq!(
        paths,
        [
            "/usr/lib/x86_64-linux-gnu/libz.so.10",
            "/usr/lib/x86_64-linux-gnu/libz.so.9",
            "/usr/lib/glibc-hwcaps/x86-64-v3/liba.so.1",
            "/overrides/lib/x86_64-linux-gnu/liba.so.1",
            "/usr/lib/x86_64-linux-gnu/liba.so.1",
            "/usr/lib/i386-linux-gnu/liba.so.1",
        ],
        "{text}"
    );
    assert!(lines[0].starts_with("libz.so.10 (libc6,x86-64) "), "{text}");
    assert!(lines[5].starts_with("liba.so.1 (libc6) "), "{text}");
    // Older ones print the number of a capability that they do not know.
    if text.contains("generated by") {
        assert!(lines[2].contains("hwcap: \"x86-64-v3\""), "{text}");
        assert!(text.contains("Cache generated by: bathysphere"), "{text}");
    }
}
