//! A download that may have been interrupted: a file that grows, and the digest of what is in it.

use super::Error;
use plan::HostPath;
use rustix::io::Errno;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};

/// What has come so far.
#[derive(Debug)]
pub struct Part {
    path: HostPath,
    file: File,
    hash: Sha256,
    length: u64,
}

/// Why what comes cannot be added.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The sender failed.
    #[error("{0}")]
    Source(std::io::Error),
    /// The file cannot be written.
    #[error(transparent)]
    File(#[from] Error),
}

impl Part {
    /// Opens the file, or makes it. What is in it counts as downloaded.
    ///
    /// # Errors
    /// [`Error::Library`].
    pub fn open(path: &HostPath) -> Result<Self, Error> {
        let open = || -> std::io::Result<Self> {
            let mut options = File::options();
            options.read(true).write(true).create(true).truncate(false);
            let mut file = options.open(path.as_path())?;
            let (mut hash, mut length) = (Sha256::new(), 0);
            let mut buffer = vec![0; 128 << 10];
            loop {
                let n = file.read(&mut buffer)?;
                if n == 0 {
                    return Ok(Self { path: path.clone(), file, hash, length });
                }
                hash.update(&buffer[..n]);
                length += n as u64;
            }
        };
        open().map_err(|e| failed(path, "open", &e))
    }

    /// How many bytes are there.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.length
    }

    /// Whether nothing has come yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Throws away what is there.
    ///
    /// # Errors
    /// [`Error::Library`].
    pub fn restart(&mut self) -> Result<(), Error> {
        let restart = self.file.set_len(0).and_then(|()| self.file.rewind());
        restart.map_err(|e| failed(&self.path, "ftruncate", &e))?;
        (self.hash, self.length) = (Sha256::new(), 0);
        Ok(())
    }

    /// Adds what comes until the sender ends. `progress` is told how many bytes are there.
    ///
    /// # Errors
    /// [`AppendError`]. What has come before stays.
    pub fn append(
        &mut self,
        source: &mut dyn Read,
        progress: &mut dyn FnMut(u64),
    ) -> Result<(), AppendError> {
        let mut buffer = vec![0; 128 << 10];
        loop {
            let n = match source.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(n) => n,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(AppendError::Source(e)),
            };
            if let Err(e) = self.file.write_all(&buffer[..n]) {
                // Without a piece of which nobody knows how long it is.
                let _ = self.file.set_len(self.length);
                let _ = self.file.seek(SeekFrom::Start(self.length));
                return Err(failed(&self.path, "write", &e).into());
            }
            self.hash.update(&buffer[..n]);
            self.length += n as u64;
            progress(self.length);
        }
    }

    /// Whether it is what it should be.
    #[must_use]
    pub fn is(&self, digest: &[u8; 32]) -> bool {
        self.hash.clone().finalize().as_slice() == digest
    }

    /// The file, from its beginning.
    ///
    /// # Errors
    /// [`Error::Library`].
    pub fn reader(&mut self) -> Result<&mut File, Error> {
        self.file.rewind().map_err(|e| failed(&self.path, "lseek", &e))?;
        Ok(&mut self.file)
    }

    /// Deletes the file.
    ///
    /// # Errors
    /// [`Error::Library`].
    pub fn delete(self) -> Result<(), Error> {
        std::fs::remove_file(self.path.as_path()).map_err(|e| failed(&self.path, "unlink", &e))
    }
}

fn failed(path: &HostPath, call: &'static str, error: &std::io::Error) -> Error {
    let errno = Errno::from_io_error(error).unwrap_or(Errno::IO);
    Error::Library(crate::Error::writing(path.clone(), call, errno))
}
