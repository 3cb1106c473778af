//! Names of locales against the C library itself: `locale` of a root says on standard error what
//! `setlocale(LC_ALL, "")` does not accept.

#![allow(clippy::disallowed_methods, reason = "tests look at the real file system")]

use inspect::locale::Locales;
use inspect::root::{Form, Root};
use plan::{HostPath, RootPath};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What is asked for.
const NAMES: &[&str] = &[
    "C",
    "POSIX",
    "C.UTF-8",
    "C.utf8",
    "C.UTF8",
    "c.utf8",
    "C.ISO-8859-1",
    "C@euro",
    "C.UTF-8@euro",
    "en_US",
    "en_US.UTF-8",
    "en_US.utf8",
    "en_US.UTF8",
    "en_US.ISO-8859-1",
    "en_US.UTF-8@euro",
    "en_US@x",
    "en_US.",
    "en",
    "de",
    "de_DE",
    "de_DE.UTF-8",
    "de_DE.utf-8",
    "de_DE.ISO-8859-1",
    "de_DE.ISO8859-1",
    "de_DE.iso88591",
    "de_DE.88591",
    "de_DE@euro",
    "de_DE@none",
    "de_DE.UTF-8@none",
    "de_AT.UTF-8",
    "sr_RS@latin",
    "sr_RS.UTF-8@latin",
    "sr_RS.utf8@latin",
    "sr_RS.UTF-8",
    "german",
    "German",
    "deutsch",
    "french",
    "xx_YY.UTF-8",
    ".UTF-8",
    "_DE",
    "..",
    "../C.utf8",
    "/usr/lib/locale/C.utf8",
    "/usr/lib/locale/C.UTF-8",
    "LC_CTYPE=C;LC_TIME=C",
];

/// Which of the names the C library of a root accepts; `None` where it cannot be asked.
fn asked(root: &Path, bind: Option<&Path>) -> Option<Vec<bool>> {
    let mut command = Command::new("bwrap");
    command.arg("--ro-bind").arg(root).args(["/", "--proc", "/proc", "--dev", "/dev"]);
    if let Some(bind) = bind {
        command.args(["--tmpfs", "/tmp", "--ro-bind"]).arg(bind).arg("/tmp/l");
        command.args(["--setenv", "LOCPATH", "/nonexistent:/tmp/l:"]);
    } else {
        command.args(["--unsetenv", "LOCPATH"]);
    }
    for variable in ["LANG", "LC_ALL", "LC_CTYPE", "LC_MESSAGES"] {
        command.args(["--unsetenv", variable]);
    }
    let script = r#"for n; do e=$(LC_ALL="$n" locale 2>&1 >/dev/null); echo "${e:+no}"; done"#;
    command.args(["sh", "-c", script, "sh"]).args(NAMES);
    let output = command.output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<bool> = text.lines().map(str::is_empty).collect();
    assert_eq!(lines.len(), NAMES.len(), "{text}");
    Some(lines)
}

fn compare(root: &Path, bind: Option<&Path>, asked: &[bool]) {
    let opened = Root::with_form(HostPath::new(root).unwrap(), Form::Full).unwrap();
    let path = bind.map(|bind| format!("/nonexistent:{}:", bind.display()));
    let here = RootPath::root();
    let locales = Locales::open(&opened, path.as_deref().map(AsRef::as_ref), &here);
    let ours: Vec<_> = NAMES.iter().map(|name| (*name, locales.accepts(name))).collect();
    let theirs: Vec<_> = NAMES.iter().copied().zip(asked.iter().copied()).collect();
    assert_eq!(ours, theirs, "{}", root.display());
    for (name, accepted) in theirs {
        let value = |variable: &str| (variable == "LC_ALL").then_some(name);
        assert_eq!(locales.accepts_environment(value), accepted, "{name}");
    }
}

fn skip(reason: &str) {
    assert!(std::env::var_os("BATHYSPHERE_NO_SKIP").is_none(), "{reason}");
    println!("SKIP: {reason}");
}

#[test]
fn roots_of_the_laboratory() {
    let lab = std::env::var_os("BATHYSPHERE_LAB").filter(|path| !path.is_empty());
    let lab = lab.map_or_else(|| PathBuf::from("/var/cache/bathysphere/lab"), PathBuf::from);
    for name in ["host-bookworm", "host-bullseye-nonmerged", "host-trixie", "runtime-bullseye"] {
        let root = lab.join(name);
        match asked(&root, None) {
            Some(asked) => compare(&root, None, &asked),
            None => skip(&format!("the C library of {} cannot be asked", root.display())),
        }
    }
}

#[test]
fn directories_of_this_machine() {
    let made = tempfile::tempdir().unwrap();
    for (source, codeset, name) in [
        ("de_DE", "UTF-8", "de_DE.utf8"),
        ("de_DE", "ISO-8859-1", "de_DE"),
        ("sr_RS@latin", "UTF-8", "sr_RS@latin"),
        ("C", "UTF-8", "en_US.UTF-8"),
    ] {
        let mut command = Command::new("localedef");
        command.args(["--no-archive", "-c", "-i", source, "-f", codeset]);
        if command.arg(made.path().join(name)).output().is_err() {
            return skip("there is no localedef");
        }
    }
    // Data of another kind, which no C library accepts.
    std::fs::create_dir(made.path().join("xx_YY.UTF-8")).unwrap();
    std::fs::write(made.path().join("xx_YY.UTF-8/LC_CTYPE"), "damaged").unwrap();
    match asked(Path::new("/"), Some(made.path())) {
        Some(asked) => {
            let accepted = asked.iter().filter(|accepted| **accepted).count();
            assert!(accepted > 5 && accepted < NAMES.len(), "{asked:?}");
            compare(Path::new("/"), Some(made.path()), &asked);
        }
        None => skip("the C library of this machine cannot be asked"),
    }
}
