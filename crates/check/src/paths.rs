//! Whether the command can start in its working directory, and links in what is shared lead to
//! something that the container has.

use crate::command::is_system;
use crate::evidence;
use crate::scene::{Scene, Who};

use plan::simulate::{Call, Failure, Kind};
use plan::{Code, ContainerPath, HostPath, Problem, RootPath};

/// How many entries of a directory are looked at.
const MOST_ENTRIES: usize = 512;
/// How many links one finding names.
const MOST_LINKS: usize = 4;

/// See the module.
pub(crate) fn check(scene: &Scene<'_>) -> Vec<Problem> {
    let mut found: Vec<Problem> = working_directory(scene).into_iter().collect();
    for named in scene.world.named {
        found.extend(shared(scene, named));
    }
    found
}

fn working_directory(scene: &Scene<'_>) -> Option<Problem> {
    let path = &scene.plan().working_directory;
    let view = scene.root(Who::Native).view();
    let top = ContainerPath::root();
    let entered = scene.namespace().resolve(view, Call::ChangeDirectory, &top, path.as_bytes());
    let failure = entered.err()?;
    let cause = format!("the working directory `{path}` cannot be entered in the container");
    let problem = Problem::blocking(Code::DIRECTORY_UNREACHABLE, cause);
    Some(evidence::failed(problem, &failure).hint(
        "start from a directory that the container has, or share this one with `--filesystem`",
    ))
}

/// What leads out of a directory or link that the user named.
fn shared(scene: &Scene<'_>, named: &HostPath) -> Option<Problem> {
    let path = RootPath::new(named.as_path()).ok()?;
    // What this machine does not have either is another finding.
    let on_host = scene.world.host.find(&path)?;
    let mut out: Vec<(RootPath, Failure)> = vec![];
    match look(scene, &path) {
        Err(failure) => out.push((path.clone(), failure)),
        // Of a name that means something else in the container, such as `/etc`, nothing is shared.
        Ok(found) if scene.namespace().host_file(&found) != Some(&on_host.host) => {}
        Ok(_) if on_host.kind == inspect::root::Kind::Directory => out = links_out(scene, &path),
        Ok(_) => {}
    }
    let (first, failure) = out.first()?;
    let names: Vec<String> =
        out.iter().take(MOST_LINKS).map(|(path, _)| format!("`{path}`")).collect();
    let more = match out.len().saturating_sub(MOST_LINKS) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let cause = format!("{}{more} lead out of what is shared with the container", names.join(", "));
    let ends = scene.world.host.find(first).and_then(|f| f.path.parent());
    let hint = match ends {
        Some(directory) if is_system(directory.as_bytes()) => {
            "the system's directories are the runtime's in the container: this machine's are below \
             `/run/host`, or at their own place with `--runtime host`"
                .to_owned()
        }
        Some(directory) => {
            format!("share what it leads to as well: `--filesystem {directory}`")
        }
        None => "share what the link leads to with `--filesystem`".into(),
    };
    let problem = Problem::warning(Code::LINK_LEADS_OUT, cause);
    Some(evidence::failed(problem, failure).hint(hint))
}

fn look(scene: &Scene<'_>, path: &RootPath) -> Result<plan::simulate::Found, Failure> {
    let view = scene.root(Who::Native).view();
    scene.namespace().resolve(view, Call::Stat, &ContainerPath::root(), path.as_bytes())
}

/// The links in a directory whose ends this machine has and the container does not.
fn links_out(scene: &Scene<'_>, directory: &RootPath) -> Vec<(RootPath, Failure)> {
    let Ok(at) = ContainerPath::new(directory.as_path()) else { return vec![] };
    let view = scene.root(Who::Native).view();
    // A game's directory, in which it writes; only links count.
    let entries = witness::unrecorded(|| scene.namespace().list(view, &at).unwrap_or_default());
    if let Some(found) = scene.world.host.find(directory) {
        witness::listed_for(found.host.as_path(), &witness::Filter::Links);
    }
    let links = entries.into_iter().take(MOST_ENTRIES).filter(|e| e.kind == Kind::Symlink);
    let paths = links.filter_map(|e| directory.join(e.name.as_os_str()).ok());
    let missing = paths.filter_map(|path| look(scene, &path).err().map(|failure| (path, failure)));
    missing.filter(|(path, _)| scene.world.host.find(path).is_some()).collect()
}
