use super::*;
use crate::mountinfo;
use testkit::TreeBuilder;

// As Linux 6.18 shows what Debian 13's qemu-user-binfmt and FEX 2608 register, and two made by hand.
const QEMU: &[u8] = b"enabled
interpreter /usr/libexec/qemu-binfmt/x86_64-binfmt-P
flags: POCF
offset 0
magic 7f454c4602010100000000000000000002003e00
mask fffffffffffefe00fffffffffffffffffeffffff
";
const FEX_32: &[u8] = b"enabled
interpreter /usr/bin/FEX
flags: POCF
offset 0
magic 7f454c4601010100000000000000000002000300
mask fffffffffffefe00fffffffffffffffffeffffff
";
const AARCH64: &[u8] = b"disabled
interpreter /usr/bin/qemu-aarch64
flags: OC
offset 0
magic 7f454c460201010000000000000000000200b700
mask ffffffffffffff00fffffffffffffffffeffffff
";
const EXTENSION: &[u8] = b"enabled\ninterpreter /bin/false\nflags: \nextension .zzexe\n";
const UNMASKED: &[u8] = b"enabled\ninterpreter /bin/false\nflags: \noffset 4\nmagic 7a7a616263\n";

#[test]
fn entries_as_the_kernel_shows_them() {
    let all = Flags { preserve_argv0: true, open_binary: true, credentials: true, fixed: true };
    let two = Flags { open_binary: true, credentials: true, ..Flags::default() };
    for (text, enabled, interpreter, flags, tuples) in [
        (QEMU, true, "/usr/libexec/qemu-binfmt/x86_64-binfmt-P", all, &[Tuple::X86_64][..]),
        (FEX_32, true, "/usr/bin/FEX", all, &[Tuple::I386]),
        (AARCH64, false, "/usr/bin/qemu-aarch64", two, &[Tuple::Aarch64]),
        (EXTENSION, true, "/bin/false", Flags::default(), &[]),
        (UNMASKED, true, "/bin/false", Flags::default(), &[]),
    ] {
        let got = parse("x", text).unwrap();
        assert_eq!((got.enabled, got.flags), (enabled, flags));
        assert_eq!(got.interpreter, HostPath::literal(interpreter));
        assert_eq!(got.tuples(), tuples);
    }
}

#[test]
fn matches_as_the_kernel_does() {
    for (entry, start, name, want) in [
        (UNMASKED, &b"....zzabc."[..], "x", true),
        (UNMASKED, b"....zzab", "x", false),
        (UNMASKED, b"zzabc", "x", false),
        (EXTENSION, b"", "a.zzexe", true),
        (EXTENSION, b"", "a.b.zzexe", true),
        (EXTENSION, b"", "zzexe", false),
        (EXTENSION, b"", "a.zzexe.b", false),
        (QEMU, b"\x7fELF\x02\x01\x01\x03\0\0\0\0\0\0\0\0\x03\0\x3e\0\x01", "x", true),
        (QEMU, b"\x7fELF\x02\x01\x01\x03\0\0\0\0\0\0\0\0\x01\0\x3e\0\x01", "x", false),
        (QEMU, b"\x7fELF\x01\x01\x01\x03\0\0\0\0\0\0\0\0\x03\0\x3e\0\x01", "x", false),
    ] {
        let got = parse("x", entry).unwrap().matches(start, OsStr::new(name));
        assert_eq!(got, want, "{} {name}", start.escape_ascii());
    }
}

#[test]
fn broken_entries_have_their_line() {
    for (text, line, what) in [
        (&b""[..], 1, "neither `enabled` nor `disabled`"),
        (b"enabled", 2, "the interpreter is missing"),
        (b"enabled\ninterpreter x\n", 2, "the interpreter is not an absolute path"),
        (b"enabled\ninterpreter /x", 3, "the flags are missing"),
        (b"enabled\ninterpreter /x\nflag", 3, "the flags are missing"),
        (b"enabled\ninterpreter /x\nflags: ", 4, "what it matches is missing"),
        (b"enabled\ninterpreter /x\nflags: \noffset 256", 4, "neither an offset nor an extension"),
        (b"enabled\ninterpreter /x\nflags: \noffset 0", 5, "the magic number is missing"),
        (
            b"enabled\ninterpreter /x\nflags: \noffset 0\nmagic 7",
            5,
            "the magic number is not hexadecimal",
        ),
        (
            b"enabled\ninterpreter /x\nflags: \noffset 0\nmagic 7f7f\nmask ff",
            6,
            "the mask is not as long as the magic number",
        ),
    ] {
        assert_eq!(parse("x", text), Err(Error::Line { line, what }), "{}", text.escape_ascii());
    }
}

fn mounts(at: &str, fs_type: &str) -> Vec<Mount> {
    mountinfo::parse(format!("9 1 0:9 / {at} rw - {fs_type} none rw\n").as_bytes()).unwrap()
}

#[test]
fn reads_what_is_mounted() {
    let tree = TreeBuilder::new().unwrap().table("usr/\nb/status = enabled\nb/register").unwrap();
    let tree = tree.file("b/FEX-x86", FEX_32).unwrap();
    let tree = tree.file("b/qemu-aarch64", AARCH64).unwrap();
    let tree = tree.file("b/broken", b"what").unwrap();
    let root = Root::open(HostPath::new(tree.path()).unwrap()).unwrap();
    let at = format!("{}/b", root.path());
    let got = registry(&root, &mounts(&at, "binfmt_misc")).unwrap();
    assert!(got.enabled);
    let names: Vec<_> = got.registrations.iter().map(|r| r.name.as_str()).collect();
    assert_eq!(names, ["FEX-x86", "qemu-aarch64"]);
    assert_eq!(got.unreadable.len(), 1);
    let found = |tuple| got.for_tuple(tuple).map(|r| r.name.as_str()).collect::<Vec<_>>();
    assert_eq!(found(Tuple::I386), ["FEX-x86"]);
    // It is disabled.
    assert_eq!(found(Tuple::Aarch64), [""; 0]);
    std::fs::write(tree.path().join("b/status"), "disabled\n").unwrap();
    let root = Root::open(HostPath::new(tree.path()).unwrap()).unwrap();
    let off = registry(&root, &mounts(&at, "binfmt_misc")).unwrap();
    assert_eq!(off.for_tuple(Tuple::I386).count(), 0);
}

#[test]
fn says_why_there_is_nothing_to_read() {
    let tree = TreeBuilder::new().unwrap().table("usr/").unwrap();
    let root = Root::open(HostPath::new(tree.path()).unwrap()).unwrap();
    let usual = "/proc/sys/fs/binfmt_misc";
    assert_eq!(registry(&root, &[]), Err(Absent::NotMounted));
    assert_eq!(registry(&root, &mounts("/proc", "proc")), Err(Absent::NotMounted));
    let automount = registry(&root, &mounts(usual, "autofs"));
    assert_eq!(automount, Err(Absent::Automount(HostPath::literal(usual))));
    let outside = registry(&root, &mounts(usual, "binfmt_misc"));
    assert!(matches!(outside, Err(Absent::Unreadable { .. })), "{outside:?}");
    // Over the automount it is mounted.
    let both = [mounts(usual, "autofs"), mounts(usual, "binfmt_misc")].concat();
    assert!(matches!(registry(&root, &both), Err(Absent::Unreadable { .. })));
}
