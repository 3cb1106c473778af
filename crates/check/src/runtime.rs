//! Whether every architecture that is said to work has what all of its programs need.

use crate::evidence;
use crate::scene::Scene;
use inspect::elf::Header;
use plan::simulate::Call;
use plan::{Code, Problem, Tuple};

/// Libraries without which no program of the GNU C library starts, or nearly none.
const LIBRARIES: &[&str] = &["libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0"];

/// See the module.
pub(crate) fn check(scene: &Scene<'_>) -> Vec<Problem> {
    scene.tuples().into_iter().filter_map(|tuple| one(scene, tuple)).collect()
}

fn one(scene: &Scene<'_>, tuple: Tuple) -> Option<Problem> {
    let what = |why: String| {
        Problem::warning(
            Code::RUNTIME_PART_MISSING,
            format!("programs for {tuple} will not start in the container: {why}"),
        )
        .hint("verify the runtime's files in Steam, or unpack it again")
    };
    let path = tuple.interpreter();
    let found = match scene.resolve(scene.who(tuple), Call::Interpreter, path.as_bytes()) {
        Ok(found) => found,
        Err(failure) => {
            let why = format!("their interpreter `{path}` is missing");
            return Some(evidence::failed(what(why), &failure));
        }
    };
    let start = scene.namespace().content(&found, 64).ok()?;
    if Header::of(&start).and_then(|h| h.tuple()) != Some(tuple) {
        let why = format!("`{path}` is not their interpreter");
        return Some(evidence::found(what(why), &found));
    }
    let linker = scene.linker(tuple)?;
    // Later versions of the C library have all of it in libc.so.6, and the others for old programs.
    let missing: Vec<_> =
        LIBRARIES.iter().filter_map(|name| linker.find(name, None).err()).collect();
    let names: Vec<&str> = missing.iter().map(|m| m.name.as_str()).collect();
    if missing.is_empty() {
        return None;
    }
    let problem = what(format!("{} is missing", names.join(", ")));
    Some(missing.iter().map(ToString::to_string).fold(problem, Problem::evidence))
}
