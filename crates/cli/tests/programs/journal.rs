//! The journal: a server of its native protocol in place of systemd's.

use crate::by_name::{has, link, outcome};
use std::os::unix::net::UnixDatagram;
use std::process::Command;
use tempfile::TempDir;

/// What a program is started with, in a namespace that has this directory as the journal's.
fn under(server: &TempDir, name: &str) -> Command {
    let mut command = Command::new("bwrap");
    command.env_clear().env("PATH", "/usr/bin:/bin");
    command.args(["--dev-bind", "/", "/", "--tmpfs", "/run", "--bind"]);
    command.arg(server.path()).arg("/run/systemd/journal").arg(link(name));
    command
}

/// The records that have come, each field a line.
fn records(socket: &UnixDatagram) -> Vec<String> {
    socket.set_nonblocking(true).unwrap();
    let mut buffer = vec![0; 1 << 18];
    let next = |buffer: &mut Vec<u8>| {
        let n = socket.recv(buffer).ok()?;
        Some(String::from_utf8(buffer[..n].to_vec()).unwrap())
    };
    std::iter::from_fn(|| next(&mut buffer)).collect()
}

#[test]
fn lines_and_messages() {
    if !has("bwrap") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let socket = UnixDatagram::bind(directory.path().join("socket")).unwrap();

    // The wrong option is one for a message.
    for (variables, told) in [
        (&[("SRT_LOG", "journal")][..], true),
        (&[("SRT_LOG_TO_JOURNAL", "1")], true),
        (&[("SRT_LOG", "journal"), ("SRT_LOG_TO_JOURNAL", "0")], false),
        (&[], false),
    ] {
        let mut command = under(&directory, "pressure-vessel-locale-gen");
        command.envs(variables.iter().copied());
        let (status, _, stderr) = outcome(command.arg("--unknown"));
        assert_eq!((status, stderr.is_empty()), (64, told), "{variables:?} {stderr}");
        let want = "PRIORITY=3\nSYSLOG_IDENTIFIER=pressure-vessel-locale-gen\n\
                    MESSAGE=E: unknown option `--unknown`\n";
        let want = if told { vec![want.to_owned()] } else { vec![] };
        assert_eq!(records(&socket), want, "{variables:?}");
    }

    // Lines of a command.
    let script = "echo '<4>careful'; echo plain; echo $SRT_LOG_TO_JOURNAL$SRT_LOGGER_USE_JOURNAL";
    for (words, variables, own) in [
        (&["--use-journal"][..], &[][..], "1"),
        (&[], &[("SRT_LOGGER_USE_JOURNAL", "1")], "11"),
        (&[], &[("SRT_LOG_TO_JOURNAL", "1")], "1"),
    ] {
        let mut command = under(&directory, "srt-logger");
        command.envs(variables.iter().copied()).args(["--filename=", "-tgame"]).args(words);
        command.args(["--parse-level-prefix", "--journal-level=6", "--", "sh", "-c"]).arg(script);
        let (status, stdout, stderr) = outcome(&mut command);
        assert_eq!((status, stdout.as_str(), stderr.as_str()), (0, "", ""));
        let mut got = vec![];
        // The logger may end after the command.
        while got.len() < 3 {
            got.extend(records(&socket));
        }
        let record = |level: u8, text: &str| {
            format!("PRIORITY={level}\nSYSLOG_IDENTIFIER=game\nMESSAGE={text}\n")
        };
        assert_eq!(got, [record(4, "careful"), record(6, "plain"), record(6, own)], "{words:?}");
    }

    // Nobody listens: it is said, and the lines are shown.
    let nobody = tempfile::tempdir().unwrap();
    let mut command = under(&nobody, "srt-logger");
    command.args(["--filename=", "-tgame", "--use-journal", "--", "echo", "line"]);
    let mut child = command.stderr(std::process::Stdio::piped()).spawn().unwrap();
    let mut stderr = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut stderr).unwrap();
    assert!(stderr.contains("cannot reach the journal") && stderr.ends_with("line\n"), "{stderr}");
    assert!(child.wait().unwrap().success());
}
