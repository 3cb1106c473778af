//! A server of runtimes on this machine, with the layout of the real one, that can be told to fail.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

/// What is wrong with the answers to requests of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The connection is closed after so many bytes, each time.
    CutAfter(usize),
    /// After so many bytes nothing comes until [`Server::go_on`].
    HoldAfter(usize),
    /// It comes in many small pieces.
    Slow,
    /// The whole file comes, whatever part was asked for.
    NoParts,
    /// Another status than 200.
    Status(u16),
}

#[derive(Default)]
struct State {
    files: BTreeMap<String, Vec<u8>>,
    faults: BTreeMap<String, Fault>,
    /// Each request: the file, and from which byte on.
    requests: Vec<(String, u64)>,
    go_on: bool,
    /// Somebody waits for [`Server::go_on`].
    held: bool,
}

type Shared = Arc<(Mutex<State>, Condvar)>;

/// The server; it ends with the test's process.
pub(crate) struct Server {
    pub(crate) url: String,
    shared: Shared,
}

impl Server {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Shared::default();
        let serving = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let shared = Arc::clone(&serving);
                // Whoever has seen enough hangs up.
                std::thread::spawn(move || drop(answer(stream, &shared)));
            }
        });
        Self { url, shared }
    }

    pub(crate) fn put(&self, path: &str, content: &[u8]) {
        self.shared.0.lock().unwrap().files.insert(path.into(), content.into());
    }

    pub(crate) fn remove(&self, path: &str) {
        self.shared.0.lock().unwrap().files.remove(path);
    }

    pub(crate) fn fault(&self, path: &str, fault: Option<Fault>) {
        let mut state = self.shared.0.lock().unwrap();
        match fault {
            Some(fault) => state.faults.insert(path.into(), fault),
            None => state.faults.remove(path),
        };
    }

    /// The first bytes that were asked for of a file, request by request.
    pub(crate) fn offsets(&self, path: &str) -> Vec<u64> {
        let state = self.shared.0.lock().unwrap();
        state.requests.iter().filter(|(p, _)| p == path).map(|(_, from)| *from).collect()
    }

    /// Waits until an answer is held.
    pub(crate) fn wait_until_held(&self) {
        let (state, changed) = &*self.shared;
        drop(changed.wait_while(state.lock().unwrap(), |state| !state.held).unwrap());
    }

    pub(crate) fn go_on(&self) {
        let (state, changed) = &*self.shared;
        state.lock().unwrap().go_on = true;
        changed.notify_all();
    }
}

fn answer(stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut from = 0;
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        let header = line.trim().to_ascii_lowercase();
        if let Some(range) = header.strip_prefix("range: bytes=") {
            from = range.trim_end_matches('-').parse().unwrap_or(0);
        }
    }
    let (state, changed) = &**shared;
    let (content, fault) = {
        let mut state = state.lock().unwrap();
        state.requests.push((path.clone(), from));
        (state.files.get(&path).cloned(), state.faults.get(&path).copied())
    };
    send(stream, content, fault, from, &mut || {
        let mut state = state.lock().unwrap();
        state.held = true;
        changed.notify_all();
        drop(changed.wait_while(state, |state| !state.go_on).unwrap());
    })
}

fn send(
    mut stream: TcpStream,
    content: Option<Vec<u8>>,
    fault: Option<Fault>,
    from: u64,
    hold: &mut dyn FnMut(),
) -> std::io::Result<()> {
    let status = |stream: &mut TcpStream, status: &str, length: usize| {
        write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n")
    };
    if let Some(Fault::Status(number)) = fault {
        status(&mut stream, &format!("{number} Not now"), 0)?;
        return stream.write_all(b"\r\n");
    }
    let Some(content) = content else {
        status(&mut stream, "404 Not Found", 0)?;
        return stream.write_all(b"\r\n");
    };
    let from = if fault == Some(Fault::NoParts) { 0 } else { usize::try_from(from).unwrap() };
    if from > content.len() {
        status(&mut stream, "416 Range Not Satisfiable", 0)?;
        return stream.write_all(b"\r\n");
    }
    let part = &content[from..];
    if from > 0 {
        status(&mut stream, "206 Partial Content", part.len())?;
        let last = content.len() - 1;
        write!(stream, "Content-Range: bytes {from}-{last}/{}\r\n\r\n", content.len())?;
    } else {
        status(&mut stream, "200 OK", part.len())?;
        stream.write_all(b"\r\n")?;
    }
    match fault {
        Some(Fault::CutAfter(n)) => stream.write_all(&part[..n.min(part.len())]),
        Some(Fault::HoldAfter(n)) => {
            let n = n.min(part.len());
            stream.write_all(&part[..n])?;
            stream.flush()?;
            hold();
            stream.write_all(&part[n..])
        }
        Some(Fault::Slow) => {
            for piece in part.chunks(part.len().div_ceil(20).max(1)) {
                stream.write_all(piece)?;
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            Ok(())
        }
        _ => stream.write_all(part),
    }
}
