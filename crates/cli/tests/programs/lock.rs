//! The lock of a depot whose empty `.ref` the content server has dropped.

use crate::depot::{VERB, deliver, entry, platform};
use crate::place::Place;
use crate::support::{Outcome, lab, need};
use rustix::fs::{FlockOperation, fcntl_lock};
use std::fs::{self, File, Permissions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Gives a depot a platform of its own, of hard links, without the lock; tells where the lock would be.
fn without_lock(depot: &Path) -> Result<(tempfile::TempDir, PathBuf), String> {
    let near = tempfile::Builder::new().prefix("platform-").tempdir_in(lab(".stores")?);
    let near = near.map_err(|error| error.to_string())?;
    let link = platform(depot)?;
    let delivered = fs::read_link(&link).expect("a link");
    let own = near.path().join("platform");
    let linked = Command::new("cp").arg("-al").arg(delivered).arg(&own).status();
    assert!(linked.is_ok_and(|status| status.success()));
    fs::remove_file(&link).expect("a link");
    symlink(&own, &link).expect("a link");
    let lock = own.join("files/.ref");
    fs::remove_file(&lock).expect("a lock");
    Ok((near, lock))
}

/// Whether nobody has it locked.
fn is_free(lock: &Path) -> bool {
    let file = File::options().write(true).open(lock).expect("the lock");
    fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive).is_ok()
}

/// A game that runs; ended with the test, which may fail.
struct Game(Child);

impl Drop for Game {
    fn drop(&mut self) {
        // It has ended by itself otherwise.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn is_made_where_it_can_be() {
    let place = Place::new();
    let depot = need!(deliver(&place, "depot"));
    let (_platform, lock) = need!(without_lock(&depot));
    place.bathysphere(&["install", "--replace", "./depot"]).ok();
    let start = |script: &str| {
        let mut command = entry(&place, &depot.join("_v2-entry-point"), VERB);
        command.args(["/bin/sh", "-c", script]);
        command
    };
    let mut game = start("echo started; while ! test -e end; do sleep 0.05; done");
    let mut game = Game(game.stdout(Stdio::piped()).spawn().expect("the entry point"));
    let mut line = String::new();
    BufReader::new(game.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "started\n");
    let made = lock.symlink_metadata().expect("the lock");
    assert!(made.is_file() && made.len() == 0);
    assert!(!is_free(&lock));
    place.write("end", "");
    assert!(game.0.wait().unwrap().success());
    assert!(is_free(&lock));

    // On a disk that is only read the game starts without, and who asks hears it.
    let files = lock.parent().unwrap();
    fs::remove_file(&lock).unwrap();
    fs::set_permissions(files, Permissions::from_mode(0o555)).unwrap();
    let quiet = Outcome::of(&mut start("exit 7"));
    let verbose = Outcome::of(start("exit 7").env("PRESSURE_VESSEL_VERBOSE", "1"));
    fs::set_permissions(files, Permissions::from_mode(0o755)).unwrap();
    let what = format!("{} cannot be made", lock.display());
    for (outcome, said) in [(quiet, false), (verbose, true)] {
        assert_eq!(outcome.status(), 7, "{}", outcome.account());
        assert_eq!(outcome.stderr().contains(&what), said, "{}", outcome.account());
    }
    assert!(!lock.exists());
}
