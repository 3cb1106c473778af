//! Where the bytes of an ELF file come from: memory, or a file of which only parts are read.

use super::Error;
use rustix::fd::OwnedFd;
use rustix::io::{Errno, pread};
use std::cell::RefCell;

/// Bytes at offsets.
pub(super) trait Source {
    /// How many there are.
    fn size(&self) -> u64;

    /// Fills `out` with the bytes from `offset` on, which lie within the size.
    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), Error>;

    /// Fills `out` with the bytes from `offset` on.
    fn fill(&self, offset: u64, out: &mut [u8]) -> Result<(), Error> {
        self.check(offset, out.len())?;
        self.read(offset, out)
    }

    /// The bytes from `offset` on. The caller has bounded `size`.
    fn bytes(&self, offset: u64, size: usize) -> Result<Vec<u8>, Error> {
        self.check(offset, size)?;
        let mut out = vec![0; size];
        self.read(offset, &mut out)?;
        Ok(out)
    }

    /// Fails for what lies beyond the end.
    fn check(&self, offset: u64, size: usize) -> Result<(), Error> {
        let end = u64::try_from(size).ok().and_then(|size| offset.checked_add(size));
        if end.is_some_and(|end| end <= self.size()) {
            Ok(())
        } else {
            Err(Error::Malformed("a table lies beyond the end of the file"))
        }
    }
}

impl Source for &[u8] {
    fn size(&self) -> u64 {
        u64::try_from(self.len()).unwrap_or(u64::MAX)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), Error> {
        let start = usize::try_from(offset).ok();
        let part = start.and_then(|start| self.get(start..)?.get(..out.len()));
        out.copy_from_slice(part.ok_or(Error::Malformed("a table lies beyond the end"))?);
        Ok(())
    }
}

/// A file. What was read is kept, because headers, names and versions lie close together: most
/// libraries take three or four system calls.
pub(super) struct File {
    fd: OwnedFd,
    size: u64,
    windows: RefCell<Vec<Window>>,
}

struct Window {
    start: u64,
    bytes: Vec<u8>,
}

impl Window {
    fn get(&self, offset: u64, size: usize) -> Option<&[u8]> {
        let start = usize::try_from(offset.checked_sub(self.start)?).ok()?;
        self.bytes.get(start..)?.get(..size)
    }
}

/// The least that is read at once, in bytes.
const WINDOW: u64 = 8 << 10;
/// Windows start at a multiple of this, in bytes.
const PAGE: u64 = 4 << 10;

/// Memory of windows that are no longer used. One file is read after the other, hundreds of them, and the
/// allocator of a static program gives such pieces back to the kernel each time.
const MAX_SPARE: usize = 8;

thread_local! {
    static SPARE: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// How many windows are kept: more than a sound file needs, few enough for one that leads all over.
const MAX_WINDOWS: usize = 64;

impl File {
    /// `size` is that of the file when it was looked at; should it have shrunk since, reading fails.
    pub(super) fn new(fd: OwnedFd, size: u64) -> Self {
        Self { fd, size, windows: RefCell::default() }
    }

    fn pread(&self, offset: u64, out: &mut [u8]) -> Result<(), Error> {
        let mut done = 0;
        while done < out.len() {
            let at = u64::try_from(done).map_or(u64::MAX, |d| offset.saturating_add(d));
            match pread(&self.fd, &mut out[done..], at) {
                Ok(0) => return Err(Error::Malformed("the file ends early")),
                Ok(n) => done += n,
                Err(Errno::INTR) => {}
                Err(e) => return Err(Error::Read(e)),
            }
        }
        Ok(())
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // At the end of a thread there may be nowhere to keep them.
        let _ = SPARE.try_with(|spare| {
            let mut spare = spare.borrow_mut();
            let windows = self.windows.get_mut().drain(..).map(|window| window.bytes);
            let room = MAX_SPARE.saturating_sub(spare.len());
            spare.extend(windows.take(room));
        });
    }
}

impl Source for File {
    fn size(&self) -> u64 {
        self.size
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), Error> {
        let known = |w: &Window| w.get(offset, out.len()).map(<[u8]>::to_vec);
        if let Some(bytes) = self.windows.borrow().iter().find_map(known) {
            out.copy_from_slice(&bytes);
            return Ok(());
        }
        let start = offset - offset % PAGE;
        let left = self.size - start;
        let needed = offset - start + u64::try_from(out.len()).unwrap_or(u64::MAX);
        if needed > WINDOW {
            return self.pread(offset, out);
        }
        let mut bytes = SPARE.with_borrow_mut(Vec::pop).unwrap_or_default();
        bytes.resize(usize::try_from(left.min(WINDOW)).unwrap_or(0), 0);
        self.pread(start, &mut bytes)?;
        let window = Window { start, bytes };
        let part = window.get(offset, out.len());
        out.copy_from_slice(part.ok_or(Error::Malformed("a table lies beyond the end"))?);
        let mut windows = self.windows.borrow_mut();
        if windows.len() == MAX_WINDOWS {
            windows.remove(0);
        }
        windows.push(window);
        Ok(())
    }
}
