//! Modules that the dynamic linker loads into every program: `LD_PRELOAD` and `LD_AUDIT`.
//!
//! They are named as the host knows them: by a path, in which `$LIB` and `$PLATFORM` may stand for the
//! architecture, or by a SONAME. In the container the same names mean other files, if any. So each is
//! found as the host's dynamic linker of each architecture would find it, shared where that is needed,
//! and named again as the container knows it. A module that is another file for each architecture gets
//! a link in a directory of each ([`directory`]), and one entry for all of them.
//!
//! The work is in parts, because what is shared must be known before the places of the container
//! can be filled: [`find`], then [`Modules::share`], then [`place`].

mod abi;
pub(crate) mod directory;
mod module;
#[cfg(test)]
mod tests;

use crate::draft::Draft;
use crate::exports::{Exports, Mode, Wish};
use crate::facts::Facts;
use crate::request::Request;
use crate::sdl;
pub(crate) use abi::Scene;
use directory::Directory;
use plan::{ByteString, Code, Decision, Preload, Problem, RootPath, Tuple};
use std::os::unix::ffi::OsStrExt;

/// Which of the two variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Variable {
    Preload,
    Audit,
}

impl Variable {
    const ALL: [Variable; 2] = [Variable::Preload, Variable::Audit];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Variable::Preload => "LD_PRELOAD",
            Variable::Audit => "LD_AUDIT",
        }
    }

    /// ld.so(8): blanks separate too, but only in `LD_PRELOAD`.
    fn is_separator(self, byte: u8) -> bool {
        byte == b':' || (self == Variable::Preload && byte == b' ')
    }

    fn options(self, request: &Request) -> &[Preload] {
        match self {
            Variable::Preload => &request.preloads,
            Variable::Audit => &request.audits,
        }
    }
}

/// A module as it is asked for.
#[derive(Clone, Debug)]
struct Asked {
    variable: Variable,
    module: ByteString,
    tuple: Option<Tuple>,
}

/// A module as the container knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Found {
    variable: Variable,
    /// A path of the container, or a SONAME.
    text: ByteString,
    /// The name under which a directory for one architecture has it.
    name: ByteString,
    tuple: Option<Tuple>,
}

/// What was found, and what it needs.
#[derive(Debug, Default)]
pub(crate) struct Modules {
    found: Vec<Found>,
    exports: Vec<RootPath>,
    /// Inherited variables whose value is replaced.
    replaced: Vec<Variable>,
    decisions: Vec<Decision>,
    warnings: Vec<Problem>,
}

/// Finds everything that is asked for; of what the launcher inherited, what no option replaces.
pub(crate) fn find(request: &Request, scene: &Scene<'_>) -> Modules {
    let mut out = Modules::default();
    for variable in Variable::ALL {
        let inherited = scene.facts.environment.non_empty(variable.name());
        out.replaced.extend(inherited.map(|_| variable));
        for asked in asked(variable, request, scene.facts) {
            module::find(&asked, request, scene, &mut out);
        }
    }
    out
}

fn asked(variable: Variable, request: &Request, facts: &Facts) -> Vec<Asked> {
    let options = variable.options(request);
    if !options.is_empty() {
        let asked = |m: &Preload| Asked { variable, module: m.module.clone(), tuple: m.tuple };
        return options.iter().filter(|m| !m.module.as_bytes().is_empty()).map(asked).collect();
    }
    // What is said in the container's own terms is left as it is.
    let name = ByteString::from(variable.name());
    if request.environment.iter().any(|(set, _)| *set == name) {
        return vec![];
    }
    let value = facts.environment.get(variable.name()).unwrap_or_default();
    let modules = value.as_bytes().split(|b| variable.is_separator(*b)).filter(|m| !m.is_empty());
    modules.map(|m| Asked { variable, module: m.to_vec().into(), tuple: None }).collect()
}

/// The modules that will be loaded, as they are asked for: what they need is captured.
pub(crate) fn wanted(request: &Request, facts: &Facts) -> Vec<Preload> {
    let all = Variable::ALL.into_iter().flat_map(|variable| asked(variable, request, facts));
    all.filter(|asked| module::unwanted(asked, request).is_none())
        .map(|Asked { module, tuple, .. }| Preload { module, tuple })
        .collect()
}

impl Modules {
    /// Whether there is nothing to do for any.
    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty() && self.replaced.is_empty() && self.decisions.is_empty()
    }

    /// Shares the directory of each module that is not in a system directory: modules load files beside
    /// them. Of the home directory, and of what cannot be shared whole, only the file.
    pub(crate) fn share(&self, facts: &Facts, exports: &mut Exports<'_>) {
        let client = facts.environment.path("STEAM_COMPAT_CLIENT_INSTALL_PATH");
        for path in &self.exports {
            if client.as_ref().is_some_and(|client| path.is_within(client)) {
                continue;
            }
            let parent = path.parent().filter(|directory| {
                Some(directory) != facts.home().as_ref()
                    && crate::reserved::why(directory).is_none()
            });
            let shared = parent.unwrap_or_else(|| path.clone());
            exports.share(&shared, Mode::ReadOnly, Wish::Named, "a preloaded module");
        }
    }

    /// Names the modules for the command, and makes the links that the names need: what the variables
    /// `LD_PRELOAD` and `LD_AUDIT` will have.
    /// Without a directory each keeps its path, for who makes links itself.
    fn place(
        self,
        mut directory: Option<&mut Directory>,
        draft: &mut Draft,
    ) -> (Vec<Preload>, Vec<Preload>) {
        draft.decisions.extend(self.decisions);
        draft.warnings.extend(self.warnings);
        let mut lists = (vec![], vec![]);
        for found in self.found {
            let (variable, tuple) = (found.variable, found.tuple);
            let module = match &mut directory {
                Some(directory) => named(found, directory, draft),
                None => found.text,
            };
            let list = match variable {
                Variable::Preload => &mut lists.0,
                Variable::Audit => &mut lists.1,
            };
            list.push(Preload { module, tuple });
        }
        for variable in self.replaced {
            draft.environment.unset(variable.name(), "its modules have other names here");
        }
        lists
    }
}

/// Gives every architecture names of its own for what differs by architecture: modules, and the runtime's
/// SDL. Gives back what `LD_PRELOAD` and `LD_AUDIT` will have.
pub(crate) fn place(
    request: &Request,
    scene: &Scene<'_>,
    modules: Modules,
    draft: &mut Draft,
) -> (Vec<Preload>, Vec<Preload>) {
    if request.sub_sandbox {
        // pressure-vessel-adverb makes the links there, those of SDL too.
        return modules.place(None, draft);
    }
    let runtime = scene.runtime.filter(|_| sdl::is_asked_for(scene.facts));
    if modules.is_empty() && runtime.is_none() {
        return (vec![], vec![]);
    }
    let mut directory = Directory::new(scene.abis());
    if let Some(runtime) = runtime {
        sdl::redirect(scene.facts, runtime, &scene.tuples, &mut directory, draft);
    }
    let lists = modules.place(Some(&mut directory), draft);
    directory.finish(draft);
    lists
}

/// What the variable has for a module.
fn named(found: Found, directory: &mut Directory, draft: &mut Draft) -> ByteString {
    let tuple = found.tuple.filter(|_| found.text.as_bytes().contains(&b'/'));
    let Some(tuple) = tuple else { return found.text };
    if let Some(entry) = directory.add(tuple, &found.name, &found.text) {
        return entry;
    }
    draft.warnings.push(clash(&found));
    found.text
}

fn clash(found: &Found) -> Problem {
    let Found { variable, text, name, .. } = found;
    let variable = variable.name();
    let cause = format!("another module is called `{name}` too: {variable} names `{text}` itself");
    Problem::warning(Code::PRELOAD_CLASH, cause)
        .hint("programs of other architectures will complain of it; give one of them another name")
}
