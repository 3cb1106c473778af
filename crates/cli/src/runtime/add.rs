//! `runtime add`.

use super::fetch::{Fetcher, missing, program, refused};
use super::progress::Progress;
use super::published::Published;
use super::{absolute, directory, hold, is_path};
use crate::args::AddRuntime;
use crate::edge::Edge;
use crate::stop::Stop;
use crate::{report, runtimes};
use compose::Facts;
use flate2::read::MultiGzDecoder;
use inspect::root::Kind;
use plan::{Code, HostPath, Problem, RootPath};
use std::fs::File;
use std::io::{Read, Seek};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::Ordering;
use store::runtimes::{AppendError, Draft, Held, Library, Part, Shelved, digest_of, is_token};

pub(super) fn run(add: &AddRuntime, edge: &Edge, facts: &Facts) -> Result<ExitCode, Stop> {
    let library = Library::open(&directory(facts)?).map_err(|error| error.problem())?;
    let adding = Adding { add, edge, facts, search_path: edge.search_path() };
    let shelved = match is_path(&add.what) {
        true => adding.local(&library)?,
        false => adding.published(&library)?,
    };
    report::notice(&format!("{} {} is in {}", shelved.name, shelved.version, shelved.path));
    Ok(ExitCode::SUCCESS)
}

struct Adding<'a> {
    add: &'a AddRuntime,
    edge: &'a Edge,
    facts: &'a Facts,
    search_path: Vec<PathBuf>,
}

impl Adding<'_> {
    /// From a server.
    fn published(&self, library: &Library) -> Result<Shelved, Problem> {
        let name = self.add.what.to_string_lossy();
        if self.add.name.is_some() {
            let cause = "--name is only for archives and directories";
            return Err(Problem::blocking(Code::BAD_VALUE, cause).hint("leave it out"));
        }
        let variable = self.edge.inherited.non_empty("BATHYSPHERE_MIRROR");
        let variable = variable.map(|mirror| mirror.to_string_lossy());
        let mirror = self.add.mirror.as_deref().or(variable.as_deref());
        let published = Published::of(&name, mirror)?;
        if !is_token(&self.add.snapshot) {
            let cause = format!("--snapshot: `{}` is no version", self.add.snapshot);
            return Err(Problem::blocking(Code::BAD_VALUE, cause).hint("see what the server has"));
        }
        let fetcher = Fetcher::find(&self.search_path)?;
        let url = published.file(&self.add.snapshot, "VERSION.txt");
        let version = fetcher.small(&url)?;
        let version = std::str::from_utf8(&version).map(str::trim).unwrap_or_default();
        if !is_token(version) {
            return Err(refused(&url, vec!["what came is no version".into()]));
        }
        // Before the turn is waited for, and again when it has come.
        let held = hold(library)?;
        let all = library.list().map_err(|error| error.problem())?;
        if let Some(there) = all.into_iter().find(|s| s.name == name && s.version == version) {
            report::notice("it is there already");
            return Ok(there);
        }
        let url = published.file(version, "SHA256SUMS");
        let sums = fetcher.small(&url)?;
        let digest = digest_of(&sums, &published.archive).ok_or_else(|| {
            refused(&url, vec![format!("it does not list {}", published.archive)])
        })?;
        let path = held.part(&digest).map_err(|error| error.problem())?;
        let mut part = Part::open(&path).map_err(|error| error.problem())?;
        let url = published.file(version, &published.archive);
        download(&fetcher, &url, &mut part, &digest)?;
        let file = part.reader().map_err(|error| error.problem())?;
        let draft = self.unpack(&held, file)?;
        let shelved = held.publish(draft, &name, version).map_err(|error| error.problem())?;
        part.delete().map_err(|error| error.problem())?;
        Ok(shelved)
    }

    /// From an archive or a directory of this machine.
    fn local(&self, library: &Library) -> Result<Shelved, Problem> {
        let path = absolute(&self.add.what)?;
        let at = RootPath::new(path.as_path()).ok();
        let found = at.and_then(|at| self.facts.host.find(&at)).ok_or_else(|| {
            Problem::blocking(Code::RUNTIME_MISSING, format!("{path} does not exist"))
                .hint("name an archive or a directory")
        })?;
        let name = self.name(&path)?;
        let held = hold(library)?;
        let draft = match found.kind {
            Kind::Directory => {
                report::notice(&format!("copying {path}"));
                held.copy(&found.host).map_err(|error| error.problem())?
            }
            _ => {
                let mut file = File::open(found.host.as_path()).map_err(|error| {
                    Problem::blocking(Code::UNREADABLE, format!("{path}: {error}"))
                        .hint("make sure that you can read it")
                })?;
                self.unpack(&held, &mut file)?
            }
        };
        let version = self.version(draft.runtime());
        let all = library.list().map_err(|error| error.problem())?;
        if all.iter().any(|s| s.name == name && s.version == version) {
            let cause = format!("{name} {version} is there already");
            return Err(Problem::blocking(Code::BAD_VALUE, cause)
                .hint("remove that one first, or give this one another --name"));
        }
        held.publish(draft, &name, &version).map_err(|error| error.problem())
    }

    /// What an archive or directory is called here.
    fn name(&self, path: &HostPath) -> Result<String, Problem> {
        let own = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let own = own.unwrap_or_default();
        let stem = [".tar.xz", ".tar.gz", ".tgz", ".tar"].iter().find_map(|s| own.strip_suffix(s));
        let stem = stem.unwrap_or(&own);
        let name = self.add.name.clone();
        let name = name.or_else(|| runtimes::name_of_depot(stem)).unwrap_or_else(|| stem.into());
        if is_token(&name) {
            return Ok(name);
        }
        Err(Problem::blocking(Code::BAD_VALUE, format!("`{name}` cannot be the name of a runtime"))
            .hint("give one of letters, digits, `.`, `_` and `-` with --name"))
    }

    /// The version of an unpacked runtime: of its platform, else its build, else none.
    fn version(&self, runtime: &HostPath) -> String {
        let platform = runtimes::within(self.facts, runtime.clone());
        let named = runtimes::version_of(&platform);
        let build = || {
            ["files/lib/os-release", "usr/lib/os-release", "lib/os-release"].iter().find_map(
                |file| {
                    let place = RootPath::new(platform.at(file).as_path()).ok()?;
                    let text = self.facts.host.read(&place).ok()?;
                    let text = String::from_utf8_lossy(&text).into_owned();
                    let value = |key: &str| text.lines().find_map(|line| line.strip_prefix(key));
                    let value = value("BUILD_ID=").or_else(|| value("VERSION_ID="))?;
                    Some(value.trim().trim_matches(['"', '\'']).to_owned())
                },
            )
        };
        named.or_else(build).filter(|version| is_token(version)).unwrap_or_else(|| "local".into())
    }

    /// Unpacks by what the file begins with.
    fn unpack(&self, held: &Held<'_>, file: &mut File) -> Result<Draft, Problem> {
        let mut magic = [0; 6];
        let read = file.read(&mut magic).and_then(|_| file.rewind());
        read.map_err(|error| {
            Problem::blocking(Code::UNREADABLE, format!("the archive: {error}")).hint("try again")
        })?;
        let mut progress = Progress::new("unpacking");
        let mut shown = |bytes| progress.show(bytes, None);
        let mut unpacked = |reader: &mut dyn Read| held.unpack(reader, &mut shown);
        match magic {
            [0xfd, b'7', b'z', b'X', b'Z', 0] => self.xz(file, &mut unpacked),
            [0x1f, 0x8b, ..] => {
                unpacked(&mut MultiGzDecoder::new(file)).map_err(|error| error.problem())
            }
            _ => unpacked(file).map_err(|error| error.problem()),
        }
    }

    /// Through the machine's `xz`, which is faster than anything of ours could be.
    fn xz(
        &self,
        file: &File,
        unpacked: &mut dyn FnMut(&mut dyn Read) -> Result<Draft, store::runtimes::Error>,
    ) -> Result<Draft, Problem> {
        let hint = "install the package xz or xz-utils";
        let Some(program) = program(&self.search_path, "xz") else {
            return Err(missing("xz", "the archive is compressed by it").hint(hint));
        };
        let failed = |error: std::io::Error| {
            missing(&program.display().to_string(), &error.to_string()).hint(hint)
        };
        let mut child = Command::new(&program)
            .args(["--decompress", "--stdout", "--threads=0"])
            .stdin(file.try_clone().map_err(failed)?)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let draft = match child.stdout.take() {
            Some(mut output) => unpacked(&mut output),
            None => return Err(failed(std::io::ErrorKind::BrokenPipe.into())),
        };
        let ended = child.wait_with_output().map_err(failed)?;
        let words = String::from_utf8_lossy(&ended.stderr).trim().to_owned();
        match draft {
            Ok(draft) if ended.status.success() => Ok(draft),
            Ok(_) => Err(store::runtimes::Error::Archive(words).problem()),
            Err(error @ store::runtimes::Error::Archive(_)) if !words.is_empty() => {
                Err(error.problem().evidence(words))
            }
            Err(error) => Err(error.problem()),
        }
    }
}

/// How often a download is gone on with by itself.
const ATTEMPTS: u32 = 20;

/// Brings all of the archive into `part`.
fn download(
    fetcher: &Fetcher,
    url: &str,
    part: &mut Part,
    digest: &[u8; 32],
) -> Result<(), Problem> {
    let mut resumed = !part.is_empty();
    if resumed && part.is(digest) {
        return Ok(());
    }
    // However often a connection breaks, it ends some time.
    let mut attempts = 0;
    loop {
        attempts += 1;
        let before = part.len();
        match attempt(fetcher, url, part) {
            Ok(()) if part.is(digest) => return Ok(()),
            // What was there may have been of something else, or the server does not know parts.
            Ok(()) if resumed => {
                resumed = false;
                part.restart().map_err(|error| error.problem())?;
            }
            Ok(()) => {
                part.restart().map_err(|error| error.problem())?;
                let cause = format!("the SHA-256 of `{url}` is not the published one");
                return Err(Problem::blocking(Code::ARCHIVE_BROKEN, cause)
                    .hint("run it again; if it stays so, try later or another server (--mirror)"));
            }
            Err(Failed::Sender(_)) if part.len() > before && attempts < ATTEMPTS => {
                report::notice("the connection broke; going on where it did");
                resumed = true;
            }
            Err(Failed::Sender(_)) if resumed && part.len() == before => {
                resumed = false;
                part.restart().map_err(|error| error.problem())?;
            }
            Err(Failed::Sender(problem) | Failed::Here(problem)) => return Err(problem),
        }
    }
}

/// Who is at fault.
enum Failed {
    Sender(Problem),
    Here(Problem),
}

fn attempt(fetcher: &Fetcher, url: &str, part: &mut Part) -> Result<(), Failed> {
    let offset = part.len();
    let mut answer = fetcher.ask(url, offset).map_err(Failed::Here)?;
    let mut progress = Progress::new("downloading");
    let length = std::sync::Arc::clone(&answer.length);
    let mut shown = |bytes| {
        let coming = Some(length.load(Ordering::Relaxed)).filter(|n| *n > 0);
        progress.show(bytes, coming.map(|n| n + offset));
    };
    let appended = part.append(&mut answer.body, &mut shown);
    drop(progress);
    let ended = answer.end(url);
    match appended {
        Err(AppendError::File(error)) => Err(Failed::Here(error.problem())),
        Err(AppendError::Source(error)) => {
            Err(Failed::Sender(refused(url, vec![error.to_string()])))
        }
        Ok(()) => ended.map_err(Failed::Sender),
    }
}
