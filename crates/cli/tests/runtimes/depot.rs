//! A small depot as Steam has it, and what is published of it.

use crate::server::Server;
use sha2::{Digest, Sha256};
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

pub(crate) const ARCHIVE: &str = "SteamLinuxRuntime_sniper.tar.xz";

fn digest(content: &[u8]) -> String {
    Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn put(path: &Path, content: &[u8], mode: u32) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn gzip(text: &str) -> Vec<u8> {
    through(Command::new("gzip").args(["-9", "-n"]), text.as_bytes())
}

fn through(command: &mut Command, input: &[u8]) -> Vec<u8> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success(), "{command:?}");
    output.stdout
}

/// Makes the depot of `version` at `top`, with both manifests. `bulk`: how many bytes one file has that
/// do not compress.
pub(crate) fn make(top: &Path, version: &str, bulk: usize) {
    let platform = top.join(format!("sniper_platform_{version}"));
    let files = platform.join("files");
    let mut seed = 7u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (seed >> 33).to_le_bytes()[0]
    })
    .take(bulk)
    .collect();
    let tool = b"#!/bin/sh\n".as_slice();
    put(&files.join("lib/libnoise.so.1"), &noise, 0o644);
    put(&files.join("bin/tool"), tool, 0o755);
    put(&files.join("ab/stored-1.bin"), b"stored", 0o644);
    put(&files.join(".ref"), b"", 0o644);
    put(&platform.join("metadata"), b"[Runtime]\n", 0o644);
    let usr = format!(
        "#mtree\n. type=dir\n./bin type=dir\n./bin/tool type=file mode=755 size={} sha256={}\n\
         ./bin/link type=link link=tool\n./lib type=dir\n./lib/empty type=file size=0\n\
         ./lib/libnoise.so.1 type=file time=7 size={} sha256={}\n./Lib type=dir\n\
         ./Lib/x type=file contents=./ab/stored-1.bin size=6\n",
        tool.len(),
        digest(tool),
        noise.len(),
        digest(&noise)
    );
    put(&platform.join("usr-mtree.txt.gz"), &gzip(&usr), 0o644);
    let entry = b"#!/bin/sh\n".as_slice();
    put(&top.join("_v2-entry-point"), entry, 0o755);
    let versions =
        format!("#Name\tVersion\t\tRuntime\tRuntime_Version\tComment\ndepot\t{version}\n");
    put(&top.join("VERSIONS.txt"), versions.as_bytes(), 0o644);
    let whole = format!(
        "#mtree\n. type=dir\n./VERSIONS.txt type=file sha256={}\n\
         ./_v2-entry-point type=file mode=755 sha256={}\n./mtree.txt.gz type=file\n\
         ./{2} type=dir\n./{2}/files type=dir ignore\n./{2}/metadata type=file\n\
         ./{2}/usr-mtree.txt.gz type=file\n./steampipe type=dir ignore optional\n\
         ./var type=dir ignore optional\n",
        digest(versions.as_bytes()),
        digest(entry),
        format_args!("sniper_platform_{version}"),
    );
    put(&top.join("mtree.txt.gz"), &gzip(&whole), 0o644);
}

/// The archive of a depot of `version`.
pub(crate) fn archive(version: &str, bulk: usize) -> Vec<u8> {
    let tmp = tempfile::tempdir().unwrap();
    make(&tmp.path().join("SteamLinuxRuntime_sniper"), version, bulk);
    let mut tar = Command::new("tar");
    // The same bytes each time.
    tar.args(["--sort=name", "--mtime=@7", "--owner=0", "--group=0", "--numeric-owner", "-C"]);
    tar.arg(tmp.path()).args(["-cJf", "-", "SteamLinuxRuntime_sniper"]);
    through(&mut tar, b"")
}

/// The path of a file of `version` on the server.
pub(crate) fn path(version: &str, file: &str) -> String {
    format!("/steamrt3/images/{version}/{file}")
}

/// Publishes `archive` as `version`, which is the latest one then.
pub(crate) fn publish(server: &Server, version: &str, archive: &[u8]) {
    server.put(&path("latest-public-stable", "VERSION.txt"), format!("{version}\n").as_bytes());
    let sums = format!("{}  other.tar.gz\n{} *{ARCHIVE}\n", "0".repeat(64), digest(archive));
    server.put(&path(version, "SHA256SUMS"), sums.as_bytes());
    server.put(&path(version, ARCHIVE), archive);
}
