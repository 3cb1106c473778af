//! One module: found as the host's dynamic linkers find it, and what the container calls it.

use super::abi::{Abi, Place, Scene};
use super::{Asked, Found, Modules, Variable};
use crate::named;
use crate::request::Request;
use inspect::elf;
use inspect::linker::{Depends, Library, depends};
use inspect::root::Root;
use plan::{
    ByteString, Candidate, Code, Decision, Origin, Problem, RootPath, Subject, Tuple, Verdict,
};

/// Preloaded by desktop sessions, it changes what GTK programs call in a way that breaks games; Steam's
/// runtimes have always left it out.
const HARMFUL: &[u8] = b"gtk3-nocsd";

/// Steam's overlay, of which each architecture has one by the same file name.
const OVERLAY: &[u8] = b"/gameoverlayrenderer.so";

/// The directories of Steam's client that have it.
const OVERLAY_OF: &[(&[u8], Tuple)] =
    &[(b"/ubuntu12_32", Tuple::I386), (b"/ubuntu12_64", Tuple::X86_64)];

/// Why a module is never loaded.
pub(super) fn unwanted(asked: &Asked, request: &Request) -> Option<&'static str> {
    let module = asked.module.as_bytes();
    if module.windows(HARMFUL.len()).any(|w| w == HARMFUL) {
        return Some("it breaks games");
    }
    (request.remove_game_overlay && overlay(asked).is_some()).then_some("the overlay is not wanted")
}

/// The directory of Steam's overlay, if a module is that.
fn overlay(asked: &Asked) -> Option<&[u8]> {
    let is_preload = asked.variable == Variable::Preload;
    asked.module.as_bytes().strip_suffix(OVERLAY).filter(|_| is_preload)
}

/// Finds a module; what prevents it is noted.
pub(super) fn find(asked: &Asked, request: &Request, scene: &Scene<'_>, out: &mut Modules) {
    let module = asked.module.as_bytes();
    if let Some(why) = unwanted(asked, request) {
        if overlay(asked).is_none() {
            let cause = format!("the module `{}` is not loaded: {why}", asked.module);
            out.warnings.push(
                Problem::warning(Code::PRELOAD_DROPPED, cause)
                    .hint(format!("leave it out of {}", asked.variable.name())),
            );
        }
        return out.reject(asked, why);
    }
    let of_overlay = overlay(asked).and_then(|directory| {
        OVERLAY_OF.iter().find(|(name, _)| directory.ends_with(name)).map(|(_, tuple)| *tuple)
    });
    let tuple = asked.tuple.or(of_overlay);
    if let Some(tuple) = tuple.filter(|tuple| !scene.tuples.contains(tuple)) {
        if asked.tuple.is_some() {
            out.warnings.push(foreign(asked, tuple));
        }
        return out.reject(asked, &format!("{tuple} is no architecture of the container's games"));
    }
    let asked = Asked { tuple, ..asked.clone() };
    let text = std::str::from_utf8(module);
    match text.map(|text| (text, depends(text))) {
        Ok((name, _)) if !name.contains('/') => soname(&asked, name, scene, out),
        Ok((path, Depends::No)) => plain(&asked, path, scene, out),
        Ok((path, Depends::OnArchitecture)) => split(&asked, path, scene, out),
        Ok((path, Depends::OnMore)) => {
            out.exports.extend(fixed(path));
            out.keep(&asked, asked.module.clone(), "the dynamic linker of each program finds it");
        }
        Err(_) => out.keep(&asked, asked.module.clone(), "its name is no text"),
    }
}

fn foreign(asked: &Asked, tuple: Tuple) -> Problem {
    let cause = format!("the module `{}` is left out: it is for {tuple}", asked.module);
    Problem::warning(Code::PRELOAD_FOREIGN, cause)
        .hint("name the one for the architecture of the game")
}

/// What is shared for a path whose rest is only known when a program starts: the directory before the
/// first component with a token. It is given as a path in that directory.
fn fixed(path: &str) -> Option<RootPath> {
    let before = &path[..path.find('$')?];
    let directory = named::lexical(before[..=before.rfind('/')?].as_ref())?;
    (directory != RootPath::root()).then(|| directory.at("$"))
}

/// A name without a slash: what the runtime has under it is meant, else what the host has.
fn soname(asked: &Asked, name: &str, scene: &Scene<'_>, out: &mut Modules) {
    let inside = |abi: &Abi<'_>| {
        let others = abi.places.iter().filter(|p| p.root.path() != scene.facts.host.path());
        let linkers = abi.runtime.iter().chain(others.map(|p| &p.linker));
        linkers.into_iter().any(|linker| linker.find(name, None).is_ok())
    };
    if abis(asked, scene).any(inside) {
        return out.keep(asked, name.into(), "the container has it by this name");
    }
    split(asked, name, scene, out);
}

fn abis<'s, 'a>(asked: &Asked, scene: &'s Scene<'a>) -> impl Iterator<Item = &'s Abi<'a>> {
    let tuple = asked.tuple;
    scene.abis().iter().filter(move |abi| tuple.is_none_or(|t| t == abi.tuple))
}

/// One file for each architecture.
fn split(asked: &Asked, text: &str, scene: &Scene<'_>, out: &mut Modules) {
    let mut refused = vec![];
    let mut any = false;
    for abi in abis(asked, scene) {
        match for_one(abi, text, scene) {
            Ok((place, library)) => {
                any = true;
                out.take(asked, abi.tuple, (place, &library), scene);
            }
            Err(why) => {
                out.decide(subject(asked, Some(abi.tuple)), None, &why);
                refused.push(format!("{}: {why}", abi.tuple));
            }
        }
    }
    if !any {
        let cause = format!("the module `{}` is left out: no architecture has it", asked.module);
        let problem = Problem::warning(Code::PRELOAD_DROPPED, cause);
        let problem = refused.into_iter().fold(problem, Problem::evidence);
        out.warnings
            .push(problem.hint("check the path; `$LIB` is another directory on each system"));
    }
}

/// The module that the host's dynamic linker of an architecture would load.
fn for_one<'s, 'a>(
    abi: &'s Abi<'a>,
    text: &str,
    scene: &Scene<'_>,
) -> Result<(&'s Place<'a>, Library), String> {
    let mut first = None;
    for place in &abi.places {
        let name = place.linker.expand(text, None).unwrap_or_default();
        match place.linker.find(&name.to_string_lossy(), None) {
            Ok(library) if scene.shown(place, &library.found, Some(&library.file)).is_some() => {
                return Ok((place, library));
            }
            Ok(library) => first.get_or_insert(format!("`{}` is not shown", library.found)),
            Err(missing) => first.get_or_insert(missing.to_string()),
        };
    }
    Err(first.unwrap_or_else(|| "there is nothing to look in".into()))
}

/// A path that says all.
fn plain(asked: &Asked, path: &str, scene: &Scene<'_>, out: &mut Modules) {
    let absolute = named::lexical(path.as_ref()).filter(|_| path.starts_with('/'));
    let Some((absolute, abi)) = absolute.zip(abis(asked, scene).next()) else {
        return out.keep(asked, asked.module.clone(), "it is what it says");
    };
    let looked = abi.places.iter().map(|place| (place, place.root.find(&absolute)));
    let shown = looked.filter_map(|(place, found)| {
        let shown = scene.shown(place, &absolute, found.as_ref())?;
        Some((place, found.is_some(), shown))
    });
    // What nobody has is named as the first would have it.
    let best = shown.reduce(|best, next| if next.1 && !best.1 { next } else { best });
    let Some((place, _, (at, export))) = best else {
        return out.keep(asked, asked.module.clone(), "nobody has it");
    };
    // The emulator itself would load what is for the machine.
    let tuple = scene.is_emulated().then(|| elf_tuple(place.root, &absolute)).flatten();
    if let Some(tuple) = tuple.filter(|tuple| !scene.tuples.contains(tuple)) {
        out.warnings.push(foreign(asked, tuple));
        return out.reject(asked, &format!("it is for {tuple}, and games here are not"));
    }
    out.exports.extend(export);
    let why = format!("the file of {}", place.root.path());
    out.keep(asked, at.as_bytes().to_vec().into(), &why);
}

fn elf_tuple(root: &Root, path: &RootPath) -> Option<Tuple> {
    elf::tuple_of(&root.read(path).ok()?)
}

fn subject(asked: &Asked, tuple: Option<Tuple>) -> Subject {
    let path = asked.module.to_string();
    match tuple {
        Some(tuple) => Subject::Module { tuple, api: asked.variable.name().into(), path },
        None => Subject::Other { name: file_name(&asked.module).to_string() },
    }
}

fn file_name(module: &ByteString) -> ByteString {
    module.as_bytes().rsplit(|b| *b == b'/').next().unwrap_or_default().to_vec().into()
}

impl Modules {
    /// Takes a module as it is, or under one name for all architectures.
    fn keep(&mut self, asked: &Asked, text: ByteString, why: &str) {
        let why = format!("`{}` of {}: {why}", asked.module, asked.variable.name());
        let taken = Verdict::Taken { origin: Origin::Host, at: text.to_string() };
        self.decide(subject(asked, asked.tuple), Some((taken, vec![])), &why);
        let Asked { variable, ref module, tuple } = *asked;
        self.found.push(Found { variable, text, name: file_name(module), tuple });
    }

    /// Takes the file that one architecture loads.
    fn take(
        &mut self,
        asked: &Asked,
        tuple: Tuple,
        (place, library): (&Place<'_>, &Library),
        scene: &Scene<'_>,
    ) {
        let shown = scene.shown(place, &library.found, Some(&library.file));
        let Some((at, export)) = shown else { return };
        self.exports.extend(export);
        let taken = Verdict::Taken { origin: Origin::Host, at: at.to_string() };
        let candidate = Candidate {
            origin: Origin::Host,
            path: library.file.path.to_string(),
            note: library.elf.soname.clone().unwrap_or_default(),
        };
        let why = format!("found by {} in {}", library.via, place.root.path());
        self.decide(subject(asked, Some(tuple)), Some((taken, vec![candidate])), &why);
        let name = library.found.file_name().map_or_else(|| file_name(&asked.module), Into::into);
        let text = at.as_bytes().to_vec().into();
        let (variable, tuple) = (asked.variable, Some(tuple));
        self.found.push(Found { variable, text, name, tuple });
    }

    fn reject(&mut self, asked: &Asked, why: &str) {
        self.decide(subject(asked, asked.tuple), None, why);
    }

    fn decide(&mut self, subject: Subject, taken: Option<(Verdict, Vec<Candidate>)>, why: &str) {
        let (verdict, candidates) = taken.unwrap_or((Verdict::Rejected, vec![]));
        self.decisions.push(Decision { subject, candidates, verdict, why: why.into() });
    }
}
