//! Guest halves of FEX's library thunks.
//!
//! Such a library has the name and the symbols of a driver's loader (libGL, libvulkan), and each of its
//! functions leaves for a native library. It works in no other process than FEX's with thunks switched
//! on; captured as a driver it would replace the one that works without.

use inspect::root::Resolved;
use plan::HostPath;

/// Directories of FEX's (`ThunkGuestLibs` by default, CMake's `DATA_DIRECTORY`).
const DIRECTORIES: &[&[u8]] = &[b"GuestThunks", b"GuestThunks_32"];

/// How their files are named (FEX's `ThunkLibs/GuestLibs/CMakeLists.txt`).
const ENDING: &[u8] = b"-guest.so";

/// Whether a file is one: by where it really is or how it is called.
pub(crate) fn is_stub(file: &Resolved, configured: &[HostPath]) -> bool {
    let path = file.path.as_bytes();
    path.ends_with(ENDING)
        || path.split(|b| *b == b'/').any(|name| DIRECTORIES.contains(&name))
        || configured.iter().any(|directory| file.host.is_within(directory))
}

/// Why it is left alone.
pub(crate) const WHY: &str = "it is a stub of FEX's thunks, not a driver";
