//! `pressure-vessel-try-setlocale` and `pressure-vessel-locale-gen`.

use crate::by_name::{entries, has, named, outcome};
use std::path::Path;

#[test]
fn whether_a_locale_exists() {
    for (words, variables, status) in [
        (&["C"][..], &[][..], 0),
        (&["POSIX"], &[("LANG", "xx_YY")], 0),
        (&["xx_YY.UTF-8"], &[], 1),
        (&[], &[], 0),
        (&[], &[("LANG", "xx_YY")], 1),
        (&[], &[("LANG", "xx_YY"), ("LC_ALL", "C")], 0),
        (&[""], &[("LC_TIME", "xx_YY")], 1),
        (&[], &[("LC_TIME", "")], 0),
        (&["a", "b"], &[], 2),
        (&["--unknown"], &[], 2),
        (&["--version"], &[], 0),
        (&["--help"], &[], 0),
    ] {
        for name in ["pressure-vessel-try-setlocale", "pv-try-setlocale"] {
            let mut command = named(name);
            command.args(words).envs(variables.iter().copied());
            let (got, stdout, stderr) = outcome(&mut command);
            assert_eq!(got, status, "{words:?} {variables:?} {stderr}");
            if status == 1 {
                let locale = words.first().unwrap_or(&"");
                let line = format!("setlocale \"{locale}\": ");
                assert!(stderr.starts_with(&line), "{stderr}");
            }
            let answers = words.iter().any(|word| word.starts_with("--")) && status == 0;
            assert_eq!(!stdout.is_empty(), answers, "{stdout}");
        }
    }
}

/// Options, environment, output directory → exit status.
fn generate(words: &[&str], variables: &[(&str, &str)], output: &Path) -> (i32, String) {
    let mut command = named("pressure-vessel-locale-gen");
    command.args(words).envs(variables.iter().copied()).current_dir(output);
    let (status, stdout, stderr) = outcome(&mut command);
    assert_eq!(stdout, "", "{words:?}");
    (status, stderr)
}

#[test]
fn locales_are_made() {
    if !has("localedef") {
        return;
    }
    let made = tempfile::tempdir().unwrap();
    let path = made.path().to_str().unwrap();
    let variables = [("LANG", "de_DE.utf8"), ("LC_TIME", "C.UTF-8"), ("LOCPATH", "/nonexistent")];
    let (status, stderr) =
        generate(&["-o", path, "--verbose", "--", "sr_RS@latin"], &variables, Path::new("/"));
    assert_eq!(status, 72, "{stderr}");
    assert!(stderr.contains("\"localedef\""), "{stderr}");
    let want = ["de_DE.UTF-8", "de_DE.utf8", "en_US.UTF-8", "sr_RS@latin"];
    assert_eq!(entries(made.path()), want);
    let link = std::fs::read_link(made.path().join("de_DE.utf8")).unwrap();
    assert_eq!(link, Path::new("de_DE.UTF-8"));

    // They are what is wanted: nothing is written, even where a name is refused.
    let all = [("LANG", "de_DE.utf8"), ("LOCPATH", path)];
    let none = tempfile::tempdir().unwrap();
    for (words, status) in [(&["sr_RS@latin"][..], 0), (&["../x"], 0)] {
        let (got, stderr) = generate(words, &all, none.path());
        assert_eq!(got, status, "{words:?} {stderr}");
        assert_eq!(entries(none.path()), [""; 0]);
    }
    // The C library agrees, where the program that shows it is there.
    let mut command = std::process::Command::new("locale");
    command.env_clear().envs([("LC_ALL", "de_DE.utf8"), ("LOCPATH", path), ("PATH", "/usr/bin")]);
    let (_, stdout, stderr) = outcome(command.args(["-k", "charmap"]));
    assert_eq!((stdout.as_str(), stderr.as_str()), ("charmap=\"UTF-8\"\n", ""));

    // What is there is not made again; the rest of the outcomes.
    let lacking = [("LC_ALL", "en_US.UTF-8"), ("LOCPATH", "/nonexistent")];
    let output = format!("--output-directory={path}");
    for (words, path, status) in [
        (&[&output, "xx_YY.UTF-8"][..], "/usr/bin:/bin", 72),
        (&[&output, "xx_YY.UTF-8", "a/b"], "/usr/bin:/bin", 78),
        (&[&output, "xx_YY.UTF-8"], "/nonexistent", 73),
        (&[&output, "xx_YY.UTF-8", ".."], "/nonexistent", 78),
        (&["--output-dir", "/proc/none", "xx_YY"], "/usr/bin:/bin", 73),
        (&["--unknown"], "/usr/bin:/bin", 64),
        (&["--output-dir"], "/usr/bin:/bin", 64),
    ] {
        let variables = [&lacking[..], &[("PATH", path)]].concat();
        let (got, stderr) = generate(words, &variables, Path::new("/"));
        assert_eq!(got, status, "{words:?} {stderr}");
        let named = stderr.contains("is no name of a locale");
        assert_eq!(named, status == 78, "{stderr}");
    }
    assert_eq!(entries(made.path()), want);
}
