use super::*;
use crate::shell::{need, run};

fn made() -> tempfile::TempDir {
    let share = tempfile::tempdir().unwrap();
    write(share.path()).unwrap();
    share
}

fn offered(words: &[&str], share: &tempfile::TempDir) -> std::result::Result<String, String> {
    let words: Vec<String> = words.iter().map(ToString::to_string).collect();
    run(&words, &[("SHARE", share.path().to_str().unwrap()), ("TERM", "dumb")])
}

#[test]
fn bash_offers_an_option() {
    let script = "source $SHARE/bash-completion/completions/bathysphere && \
        complete -p bathysphere && COMP_WORDS=(bathysphere run --runt) COMP_CWORD=2 && \
        $(complete -p bathysphere | sed 's/.*-F \\([^ ]*\\).*/\\1/') bathysphere --runt run && \
        echo ${COMPREPLY[@]}";
    let said = need!(offered(&["bash", "--norc", "-c", script], &made()));
    assert!(said.ends_with("--runtime\n"), "{said}");
}

#[test]
fn fish_offers_an_option() {
    let script = "source $SHARE/fish/vendor_completions.d/bathysphere.fish; \
        complete -C 'bathysphere run --runt'";
    let said = need!(offered(&["fish", "--no-config", "-c", script], &made()));
    assert!(said.starts_with("--runtime"), "{said}");
}

/// zsh completes in its line editor alone: one in a terminal of its own is typed to.
#[test]
fn zsh_offers_an_option() {
    let script = r"zmodload zsh/zpty
        zpty z zsh -f -i
        zpty -w z 'PROMPT=; fpath=($SHARE/zsh/site-functions $fpath); autoload -U compinit; compinit -u -D; print re\ady'
        zpty -r -m z said '*ready*'
        zpty -w -n z $'bathysphere run --runt\t'
        zpty -r -m z said '*--runt*ime*'
        print -r -- $said
        zpty -d z";
    let said = need!(offered(&["zsh", "-f", "-c", script], &made()));
    assert!(said.contains("ime"), "{said}");
}

/// Every program of a tree has a completion for every shell, with its options.
#[test]
fn every_program_has_them() {
    let share = made();
    for (program, name, _) in options::placed() {
        for (_, directory, before, after) in SHELLS {
            let path = share.path().join(directory).join(format!("{before}{name}{after}"));
            let text = fs::read_to_string(&path).unwrap();
            for option in program.options.iter().filter(|option| option.shown()) {
                assert!(text.contains(option.long), "{} --{}", path.display(), option.long);
            }
        }
    }
}
