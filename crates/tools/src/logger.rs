//! `srt-logger`: records what a command prints.
//!
//! A logger is a process that reads lines and writes them to a file, the journal and a terminal. Started with
//! a command, this program starts another one of itself as logger, waits until it can record, and then
//! becomes the command; so signals, parents and exit statuses are the command's.

mod fifo;
mod file;
mod level;
mod lines;
mod settings;
mod sinks;
mod start;

use crate::Invocation;
use crate::messages::{Messages, begin};
use rustix::fs::{Mode, OFlags};
use settings::Settings;
use sinks::Sinks;
use std::io::{self, Read, Write};

/// Wrong usage, or recording cannot begin.
const FAILED: u8 = 125;

/// So much is read at once.
const CHUNK: usize = 64 * 1024;

/// Runs the program.
pub(crate) fn run(invocation: &Invocation) -> u8 {
    let (given, messages) = match begin(invocation, FAILED) {
        Ok(begun) => begun,
        Err(status) => return status,
    };
    if given.has("mkfifo") {
        return match fifo::make(&invocation.environment) {
            Ok(path) => {
                println!("{}", path.display());
                0
            }
            Err(error) => {
                messages.error(format_args!("cannot make a pipe: {error}"));
                FAILED
            }
        };
    }
    let settings = match Settings::of(&given, &invocation.environment, &messages) {
        Ok(settings) => settings,
        Err(wrong) => {
            messages.error(wrong);
            return FAILED;
        }
    };
    if given.words.is_empty() && !given.has("background") {
        record(&settings, &messages)
    } else {
        start::run(invocation, &given, &settings, &messages)
    }
}

/// Is a logger: records standard input until it ends.
fn record(settings: &Settings, messages: &Messages) -> u8 {
    if settings.new_session {
        // It was started in a process of its own, so this cannot fail.
        let _ = rustix::process::setsid();
    }
    let mut input = io::stdin().lock();
    let mut sinks = match Sinks::open(settings, messages) {
        Ok(sinks) => sinks,
        Err(error) => {
            messages.error(format_args!("cannot begin to record: {error}"));
            if !settings.exec_fallback {
                return FAILED;
            }
            let copied = io::copy(&mut input, &mut io::stderr());
            return if copied.is_ok() { 0 } else { FAILED };
        }
    };
    if settings.sh_syntax {
        let mut lines = format!("SRT_LOGGER_PID={}\n", std::process::id()).into_bytes();
        for (name, value) in sinks.variables() {
            lines.extend(format!("export {name}=").into_bytes());
            lines.extend(plan::export::shell::quoted(value.as_encoded_bytes()));
            lines.push(b'\n');
        }
        lines.extend(start::READY.as_bytes());
        // Whoever does not read this does not want to know.
        let _ = io::stdout().write_all(&lines);
    }
    // Its end says that recording has begun.
    if let Ok(null) = rustix::fs::open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty()) {
        let _ = rustix::stdio::dup2_stdout(null);
    }
    let mut lines = lines::Lines::new(settings.parse_prefix, settings.default_level);
    let mut chunk = vec![0; CHUNK];
    loop {
        match input.read(&mut chunk) {
            Ok(0) => break,
            Ok(n) => lines.feed(&chunk[..n], &mut |piece| sinks.write(&piece)),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                messages.error(format_args!("cannot read: {error}"));
                return FAILED;
            }
        }
    }
    lines.end(&mut |piece| sinks.write(&piece));
    0
}
