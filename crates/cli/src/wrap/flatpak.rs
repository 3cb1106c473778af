//! Inside Flatpak.

/// Whether this is a sandbox of Flatpak's.
pub(super) fn is_inside() -> bool {
    let file = rustix::fs::stat("/.flatpak-info");
    file.is_ok_and(|stat| {
        rustix::fs::FileType::from_raw_mode(stat.st_mode) == rustix::fs::FileType::RegularFile
    })
}
