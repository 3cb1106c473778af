//! What one subject costs.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::subject::Subject;
use crate::error::{Context, Problem, Result};
use crate::process::output;
use crate::user;

/// System calls that make a file, directory or link; `open` and `openat` do with `O_CREAT`.
const CREATING: &[&str] = &[
    "creat(",
    "link(",
    "linkat(",
    "mkdir(",
    "mkdirat(",
    "mknod(",
    "mknodat(",
    "symlink(",
    "symlinkat(",
];

/// Makes a store of the disk absent, for a cold launch, once the housekeeping of the launch before has ended.
/// It is set aside and not deleted: for five minutes, ext4 passes over every inode that was deleted
/// (`recently_deleted` in fs/ext4/ialloc.c) whenever a file is made, so that after a few deleted stores a
/// launch measures little else.
const ASIDE: &str = "while pgrep -f \"tidy-store $0\\$\" >/dev/null; do sleep 0.05; done; \
     sync -f \"${0%/*}\"; [ ! -e \"$0\" ] || mv \"$0\" \"$0.$$\"";

/// The same for one in memory, which would fill up.
const EMPTY: &str =
    "while pgrep -f \"tidy-store $0\\$\" >/dev/null; do sleep 0.05; done; rm -rf \"$0\"";

/// Measurements of one subject; times in milliseconds.
#[derive(Debug, Clone, Default)]
pub(super) struct Cost {
    wall: Vec<f64>,
    user: Vec<f64>,
    system: Vec<f64>,
    /// Peak resident memory of the largest process in KiB.
    pub(super) peak: u64,
    /// System calls of all processes.
    pub(super) calls: usize,
    /// Processes and threads, the first included.
    pub(super) processes: usize,
    /// Calls that make something, wherever it is.
    pub(super) creating: usize,
    /// Files on disk that were not there before.
    pub(super) files: usize,
    /// Bytes written to whatever it is, messages and the kernel's control files included.
    pub(super) written: u64,
}

impl Cost {
    /// Times a round of launches.
    pub(super) fn times(&mut self, subject: &Subject, home: &Path) -> Result<()> {
        let report = home.join("hyperfine.json");
        let mut hyperfine = user::command("hyperfine", home);
        hyperfine.args(["--shell=none", "--style=none", "--warmup=1"]);
        hyperfine.arg(format!("--runs={}", subject.runs)).arg("--export-json").arg(&report);
        if let Some(words) = subject.making_cold() {
            hyperfine.arg("--prepare").arg(line(&words)?);
        }
        output(hyperfine.arg(line(&subject.command)?))?;
        let text = fs::read(&report).at("reading", &report)?;
        let report: Value = serde_json::from_slice(&text).context("reading hyperfine's report")?;
        let result = &report["results"][0];
        let times = result["times"].as_array().map(Vec::as_slice).unwrap_or_default();
        self.wall.extend(times.iter().filter_map(Value::as_f64).map(|seconds| seconds * 1e3));
        self.user.extend(result["user"].as_f64().map(|seconds| seconds * 1e3));
        self.system.extend(result["system"].as_f64().map(|seconds| seconds * 1e3));
        if self.wall.is_empty() || self.user.is_empty() {
            return Err(Problem::new("hyperfine reported no times"));
        }
        Ok(())
    }

    /// Counts what a launch does, and how much memory it takes.
    pub(super) fn counts(&mut self, subject: &Subject, home: &Path) -> Result<()> {
        let report = home.join("peak");
        subject.make_cold(home)?;
        let mut time = user::command("/usr/bin/time", home);
        time.args(["--format=%M", "--output"]).arg(&report).args(&subject.command);
        output(&mut time)?;
        let text = fs::read_to_string(&report).at("reading", &report)?;
        self.peak = text.trim().parse().context("reading the peak of memory")?;

        subject.make_cold(home)?;
        let before = files(home)?;
        output(user::command(&subject.command[0], home).args(&subject.command[1..]))?;
        self.files = files(home)?.difference(&before).count();

        let trace = home.join("trace");
        subject.make_cold(home)?;
        let mut strace = user::command("strace", home);
        strace.args(["-f", "-qq", "-o"]).arg(&trace).args(&subject.command);
        output(&mut strace)?;
        let text = fs::read(&trace).at("reading", &trace)?;
        fs::remove_file(&trace).at("removing", &trace)?;
        self.count_trace(&String::from_utf8_lossy(&text));
        Ok(())
    }

    fn count_trace(&mut self, trace: &str) {
        let mut processes = BTreeSet::new();
        for record in trace.lines() {
            let Some((process, call)) = record.split_once(' ') else { continue };
            processes.insert(process);
            let call = call.trim_start();
            // Signals and exits are no calls; a resumed call has been counted when it began.
            if call.starts_with(['+', '-', '<']) {
                continue;
            }
            self.calls += 1;
            let writes = ["write(", "pwrite64(", "writev("].iter().any(|w| call.starts_with(w));
            let count = call.rsplit_once(" = ").and_then(|(_, n)| n.trim().parse::<u64>().ok());
            if writes {
                self.written += count.unwrap_or(0);
            }
            let makes =
                CREATING.iter().any(|name| call.starts_with(name)) || call.contains("O_CREAT");
            if makes && !call.contains(" = -1 ") {
                self.creating += 1;
            }
        }
        self.processes = processes.len();
    }

    /// How many launches have been timed.
    pub(super) fn runs(&self) -> usize {
        self.wall.len()
    }

    /// Median wall time.
    pub(super) fn median(&self) -> f64 {
        median(&self.wall)
    }

    /// Shortest wall time.
    pub(super) fn minimum(&self) -> f64 {
        self.wall.iter().copied().fold(f64::INFINITY, f64::min)
    }

    /// Time in user mode, all processes: median of the rounds' means.
    pub(super) fn user(&self) -> f64 {
        median(&self.user)
    }

    /// Time in the kernel, all processes: median of the rounds' means.
    pub(super) fn system(&self) -> f64 {
        median(&self.system)
    }
}

impl Subject {
    /// The command that makes the next launch a cold one.
    fn making_cold(&self) -> Option<[OsString; 4]> {
        let store = self.cold_store.as_ref()?;
        let script = if self.in_memory { EMPTY } else { ASIDE };
        Some(["sh".into(), "-c".into(), script.into(), store.into()])
    }

    fn make_cold(&self, home: &Path) -> Result<()> {
        let Some([shell, arguments @ ..]) = self.making_cold() else { return Ok(()) };
        output(user::command(shell, home).args(arguments)).map(drop)
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

/// A command as the one line that hyperfine takes, each word in quotes.
fn line(command: &[OsString]) -> Result<String> {
    let quote = |word: &OsString| {
        let word = word.to_str().filter(|word| !word.contains('\''));
        let problem =
            || Problem::new("hyperfine cannot take a path with `'` or bytes that are no UTF-8");
        word.map(|word| format!("'{word}'")).ok_or_else(problem)
    };
    Ok(command.iter().map(quote).collect::<Result<Vec<_>>>()?.join(" "))
}

/// Everything below `dir`, by path.
fn files(dir: &Path) -> Result<BTreeSet<OsString>> {
    let mut find = std::process::Command::new("find");
    let paths = output(find.arg(dir))?;
    Ok(paths.lines().map(|path| OsStr::new(path).to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_of_odd_and_even() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
    }

    #[test]
    fn stores_are_set_aside_or_emptied() {
        let directory = std::env::temp_dir().join(format!("bench-{}", std::process::id()));
        let store = directory.join("store");
        fs::create_dir_all(&store).unwrap();
        for (in_memory, left) in [(false, 1), (true, 1)] {
            let subject = Subject {
                name: String::new(),
                command: vec![],
                cold_store: Some(store.clone()),
                in_memory,
                runs: 1,
            };
            let [shell, arguments @ ..] = subject.making_cold().unwrap();
            let made = std::process::Command::new(shell).args(arguments).status().unwrap();
            assert!(made.success() && !store.exists());
            assert_eq!(fs::read_dir(&directory).unwrap().count(), left);
            fs::create_dir(&store).unwrap();
            fs::write(store.join("file"), "").unwrap();
        }
        fs::remove_dir_all(&directory).unwrap();
    }

    #[test]
    fn a_trace_is_counted() {
        let mut cost = Cost::default();
        cost.count_trace(
            "7 execve(\"/bin/x\", [\"x\"], 0x7 /* 3 vars */) = 0\n\
             7 mkdir(\"/a\", 0755) = -1 EEXIST (File exists)\n\
             8 openat(AT_FDCWD, \"f\", O_RDWR|O_CREAT, 0644) = 3\n\
             8 wait4(-1,  <unfinished ...>\n\
             8 <... wait4 resumed>NULL, 0, NULL) = 9\n\
             8 +++ exited with 0 +++\n",
        );
        assert_eq!((cost.calls, cost.processes, cost.creating), (4, 2, 1));
    }
}
