//! An X server whose picture is looked at without any program that takes pictures: it keeps it in a file.

use crate::support::{XServer, x_server_with};
use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;

pub(crate) struct Screen {
    server: XServer,
    directory: tempfile::TempDir,
}

impl Screen {
    /// Starts the server.
    pub(crate) fn new() -> Result<Self, String> {
        let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
        // A small one, since the processor draws on it and counts.
        let words = ["-screen", "0", "320x240x24", "-fbdir"].map(OsStr::new);
        let server = x_server_with(&[&words[..], &[directory.path().as_os_str()]].concat())?;
        Ok(Self { server, directory })
    }

    /// Value of `DISPLAY`.
    pub(crate) fn display(&self) -> &str {
        &self.server.display
    }

    /// How many colours the picture has.
    pub(crate) fn colours(&self) -> usize {
        let picture = fs::read(self.directory.path().join("Xvfb_screen0"));
        colours(&picture.expect("the server's picture"))
    }
}

/// Of a picture in the format of `xwd`: a header of numbers of four bytes, the most significant first, a table that
/// serves screens of few colours, and lines of pixels of four bytes, of which one says nothing.
fn colours(picture: &[u8]) -> usize {
    const COLOUR: usize = 12;
    let number = |at: usize| {
        let bytes = picture[4 * at..][..4].try_into().expect("four bytes");
        u32::from_be_bytes(bytes) as usize
    };
    let (header, height, order, bits) = (number(0), number(5), number(7), number(11));
    let (line, table) = (number(12), number(19));
    assert_eq!((order, bits), (0, 32), "the least significant byte first, four bytes");
    let pixels = &picture[header + table * COLOUR..][..height * line];
    pixels.chunks_exact(4).map(|pixel| &pixel[..3]).collect::<HashSet<_>>().len()
}
