//! Asking a server, by the machine's `curl` or `wget`: a library that speaks TLS would be larger than all of
//! this program.

use plan::{Code, Problem};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// Seconds without a byte after which a server is given up.
const STALLED: &str = "60";

/// Small files are no longer.
const SMALL: u64 = 16 << 20;

/// The program that asks.
pub(super) struct Fetcher {
    program: PathBuf,
    is_curl: bool,
}

/// An answer that is coming.
pub(super) struct Answer {
    child: Child,
    pub(super) body: ChildStdout,
    /// What the server says that is coming, in bytes; 0 before it has said so.
    pub(super) length: Arc<AtomicU64>,
    words: Arc<Mutex<Vec<String>>>,
    reader: JoinHandle<()>,
}

impl Fetcher {
    /// The first of both in the search path.
    pub(super) fn find(search_path: &[PathBuf]) -> Result<Self, Problem> {
        for (name, is_curl) in [("curl", true), ("wget", false)] {
            if let Some(program) = program(search_path, name) {
                return Ok(Self { program, is_curl });
            }
        }
        Err(missing("curl or wget", "a runtime is downloaded by it")
            .hint("install curl, or give a downloaded archive: `bathysphere runtime add FILE`"))
    }

    /// Asks for what comes after the first `offset` bytes.
    pub(super) fn ask(&self, url: &str, offset: u64) -> Result<Answer, Problem> {
        let mut command = Command::new(&self.program);
        if self.is_curl {
            command.args([
                "--disable",
                "--fail",
                "--location",
                "--silent",
                "--show-error",
                "--no-buffer",
            ]);
            command.args([
                "--connect-timeout",
                STALLED,
                "--speed-limit",
                "1",
                "--speed-time",
                STALLED,
            ]);
            // From a safe address never to an unsafe one.
            let safe = if url.starts_with("https:") { "=https" } else { "=http,https" };
            command.args(["--proto", safe, "--dump-header", "/dev/stderr"]);
            if offset > 0 {
                command.args(["--continue-at", &offset.to_string()]);
            }
            command.arg("--url");
        } else {
            command.args(["--no-config", "--no-verbose", "--server-response", "--tries=1"]);
            command.args(["--output-document=-", &format!("--timeout={STALLED}")]);
            if url.starts_with("https:") {
                command.arg("--https-only");
            }
            if offset > 0 {
                command.arg(format!("--start-pos={offset}"));
            }
        }
        command.arg(url).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let failed = |error: std::io::Error| {
            missing(&self.program.display().to_string(), &error.to_string())
                .hint("make sure that it can be executed")
        };
        let mut child = command.spawn().map_err(failed)?;
        let (Some(body), Some(errors)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(failed(std::io::ErrorKind::BrokenPipe.into()));
        };
        let (length, words) = <(Arc<AtomicU64>, Arc<Mutex<Vec<String>>>)>::default();
        let (said, kept) = (Arc::clone(&length), Arc::clone(&words));
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(errors).split(b'\n').map_while(Result::ok) {
                listen(&String::from_utf8_lossy(&line), &said, &kept);
            }
        });
        Ok(Answer { child, body, length, words, reader })
    }

    /// A small file, whole.
    pub(super) fn small(&self, url: &str) -> Result<Vec<u8>, Problem> {
        let mut answer = self.ask(url, 0)?;
        let mut content = vec![];
        let read = (&mut answer.body).take(SMALL).read_to_end(&mut content);
        answer.end(url)?;
        read.map_err(|error| refused(url, vec![error.to_string()]))?;
        Ok(content)
    }
}

/// One line of headers, or of what went wrong.
fn listen(line: &str, length: &AtomicU64, words: &Mutex<Vec<String>>) {
    let line = line.trim();
    let header = line.split_once(": ").map(|(name, value)| (name.to_ascii_lowercase(), value));
    match header {
        Some((name, value)) if name == "content-length" => {
            length.store(value.parse().unwrap_or(0), Ordering::Relaxed);
        }
        _ => {
            let said = ["curl:", "wget:", "ERROR", "failed", "unable", "HTTP/1.", "HTTP/2"];
            if said.iter().any(|word| line.contains(word)) {
                let mut words = words.lock().unwrap_or_else(|e| e.into_inner());
                if words.len() < 8 {
                    words.push(line.chars().filter(|c| !c.is_control()).take(200).collect());
                }
            }
        }
    }
}

impl Answer {
    /// Waits for the end, and says why there was none that is good.
    pub(super) fn end(self, url: &str) -> Result<(), Problem> {
        let Self { mut child, body, words, reader, .. } = self;
        // Whoever still writes is to end.
        drop(body);
        let status = child.wait();
        let _ = reader.join();
        let mut words = std::mem::take(&mut *words.lock().unwrap_or_else(|e| e.into_inner()));
        match status {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => {
                words.push(format!("the program that asked ended with {status}"));
                Err(refused(url, words))
            }
            Err(error) => Err(refused(url, vec![error.to_string()])),
        }
    }
}

pub(super) fn refused(url: &str, words: Vec<String>) -> Problem {
    let problem = Problem::blocking(Code::DOWNLOAD_FAILED, format!("`{url}` did not come")).hint(
        "run the same command again: what has come is kept. See also --mirror and --snapshot",
    );
    words.into_iter().fold(problem, Problem::evidence)
}

/// A program of the host.
pub(super) fn program(search_path: &[PathBuf], name: &str) -> Option<PathBuf> {
    let executable = |path: &Path| {
        let access = rustix::fs::Access::EXEC_OK;
        rustix::fs::access(path, access).is_ok()
            && rustix::fs::stat(path)
                .is_ok_and(|s| rustix::fs::FileType::from_raw_mode(s.st_mode).is_file())
    };
    let places = search_path.iter().filter(|dir| dir.as_os_str().as_bytes().starts_with(b"/"));
    places.map(|dir| dir.join(name)).find(|path| executable(path))
}

/// A program that is needed and not there.
pub(super) fn missing(name: &str, why: &str) -> Problem {
    Problem::blocking(Code::HELPER_MISSING, format!("{name} cannot be run: {why}"))
}
