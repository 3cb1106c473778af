//! A running FEXServer: its socket in `/proc/net/unix`, its mount in the mount table.
//!
//! A server dictates the rootfs to every FEX of its user that finds its socket, whatever
//! `FEX_ROOTFS` says, except in a container of ours. It mounts an image with squashfuse or erofsfuse
//! on `<temp>/.FEXMount<pid>-XXXXXX`, where `<temp>` is the first of some variables that is set.

use crate::mountinfo::Mount;
use plan::{ByteString, HostPath};
use std::os::unix::ffi::OsStrExt;

/// A socket of a server that listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Server {
    /// In the abstract name space, without the leading NUL.
    Abstract(ByteString),
    /// A file.
    Path(ByteString),
}

/// A rootfs that a server has mounted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    /// Where.
    pub at: HostPath,
    /// The server's process id, as it named the directory.
    pub server: u32,
    /// The image, where the command line of the process that serves it tells.
    pub image: Option<HostPath>,
}

/// The longest table of sockets that is looked at, in lines.
const MAX_LINES: usize = 65_536;

/// The sockets of servers of user `uid` in a `/proc/net/unix` (unix(7)). The table also has those of
/// other mount namespaces.
pub fn servers(table: &[u8], uid: u32) -> Vec<Server> {
    let name = format!("{uid}.FEXServer.Socket");
    // Flags: `__SO_ACCEPTCON` is set on what listens.
    const LISTENS: &[u8] = b"00010000";
    let mut found = Vec::new();
    for line in table.split(|b| *b == b'\n').skip(1).take(MAX_LINES) {
        let mut fields = line.split(|b| *b == b' ').filter(|f| !f.is_empty());
        let (Some(flags), Some(path)) = (fields.nth(3), fields.nth(3)) else { continue };
        if flags != LISTENS {
            continue;
        }
        let server = match path.strip_prefix(b"@") {
            Some(path) if path == name.as_bytes() => Server::Abstract(path.to_vec().into()),
            None if path.ends_with(format!("/{name}").as_bytes()) => {
                Server::Path(path.to_vec().into())
            }
            _ => continue,
        };
        if !found.contains(&server) {
            found.push(server);
        }
    }
    found
}

/// The mounts of servers. `commands` gives the arguments of running processes, the own ones of this
/// user at least, and is asked only where there is such a mount: what serves it has the image as the
/// argument before the mount point.
pub fn served(mounts: &[Mount], commands: &mut dyn FnMut() -> Vec<Vec<ByteString>>) -> Vec<Served> {
    let mut found: Vec<Served> = mounts.iter().filter_map(of_mount).collect();
    if found.is_empty() {
        return found;
    }
    let commands = commands();
    for served in &mut found {
        served.image = commands.iter().find_map(|words| image_of(words, &served.at));
    }
    found
}

fn of_mount(mount: &Mount) -> Option<Served> {
    let is_fuse = mount.fs_type == "fuse" || mount.fs_type.starts_with("fuse.");
    let name = mount.at.file_name()?.as_bytes().strip_prefix(b".FEXMount")?;
    let digits = name.iter().take_while(|b| b.is_ascii_digit()).count();
    let server = std::str::from_utf8(&name[..digits]).ok()?.parse().ok()?;
    let good = is_fuse && name.get(digits) == Some(&b'-');
    good.then(|| Served { at: mount.at.clone(), server, image: None })
}

/// The image that a command line `squashfuse [OPTIONS] IMAGE MOUNTPOINT` (erofsfuse likewise) names.
fn image_of(words: &[ByteString], at: &HostPath) -> Option<HostPath> {
    let program = words.first()?.as_bytes();
    let program = program.rsplit(|b| *b == b'/').next()?;
    if !matches!(program, b"squashfuse" | b"squashfuse_ll" | b"erofsfuse") {
        return None;
    }
    let point = words.iter().rposition(|word| word.as_bytes() == at.as_bytes())?;
    HostPath::new(words.get(point.checked_sub(1)?)?.as_os_str()).ok()
}
