//! What callers of `pressure-vessel-wrap` find on the disk: copies of the runtime, and a command of bwrap.

use super::settings::Settings;
use super::{Wrap, failed};
use crate::report;
use crate::session::Session;
use crate::show;
use crate::stop::Stop;
use compose::{Request, RuntimeChoice};
use plan::{Code, ContainerPath, HostPath, Plan};
use store::runtimes::{Copied, CopyRequest, Variable};

/// Makes the variable directory and deletes unused copies in it. `false`: some are in use, so that there may
/// be something to delete the next time.
pub(super) fn variable_directory(settings: &Settings) -> bool {
    let Some(path) = &settings.variable_dir else { return true };
    let variable = match Variable::open(path) {
        Ok(variable) => variable,
        Err(error) => {
            log::warn!("the variable directory cannot be used: {}", error.problem());
            return false;
        }
    };
    if !settings.collect || settings.runtime.is_none() {
        return true;
    }
    match variable.collect() {
        Ok(Some(swept)) => swept.in_use == 0,
        Ok(None) => false,
        Err(error) => {
            log::warn!("unused copies of runtimes are not deleted: {}", error.problem());
            false
        }
    }
}

/// A complete copy of the runtime, for callers that look for one. Where no copy is asked for, nothing is
/// left to do.
pub(super) fn copy(wrap: &Wrap, session: &Session, plan: &Plan) -> Result<Option<Copied>, Stop> {
    let Request { runtime: RuntimeChoice::Dir(runtime), .. } = &session.request else {
        return Ok(None);
    };
    let Settings { copy_runtime: true, variable_dir: Some(place), .. } = &wrap.settings else {
        return Ok(None);
    };
    let files = compose::runtime_files(&session.facts.host, runtime)?;
    let base = plan.emulation.as_ref().and_then(|emulation| emulation.root());
    let base = base.cloned().unwrap_or_else(ContainerPath::root);
    let request = CopyRequest { files: &files, plan, base: &base, tool: wrap.prefix.as_ref() };
    let made = Variable::open(place).and_then(|variable| variable.copy(&request));
    let copied = made.map_err(|error| Stop::from(error.problem()))?;
    if let Some(warning) = copied.warning() {
        report::problem(&warning);
    }
    log::info!("the runtime's copy is {}", copied.path);
    Ok(Some(copied))
}

/// Writes the command line of bwrap, each word ended by a NUL byte.
pub(super) fn write_argv(file: &HostPath, mut session: Session) -> Result<(), Stop> {
    // Who executes it opens what the command is to have; bwrap passes on what is open.
    session.request.assign_fds.clear();
    let words = show::bwrap::argv(&mut session)?;
    write(file, &words)
}

/// Writes the words of a command.
pub(super) fn write(file: &HostPath, words: &[u8]) -> Result<(), Stop> {
    std::fs::write(file.as_path(), words).map_err(|error| {
        let cause = format!("--write-final-argv: `{file}` cannot be written: {error}");
        failed(Code::BAD_VALUE, cause, "name a file that can be written")
    })
}
