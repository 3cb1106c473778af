//! From a request and facts to a [`Plan`]: pure decisions, each with its reason.
//!
//! Knows: the layout of the container, what is shared with it, its environment, and (in [`capture`])
//! whose library wins. Must not touch the system other than by reading through `inspect`; must not
//! write, mount or spawn. Equal input gives an equal plan.

#![forbid(unsafe_code)]

mod account;
mod answer;
mod approach;
mod area;
mod assemble;
mod authorities;
pub mod capture;
mod captured;
mod depot;
mod direct;
mod draft;
mod emulation;
mod environment;
mod etc;
mod exports;
mod facts;
mod fonts;
mod glibc;
mod graphics;
pub mod home;
mod knowledge;
mod ldso;
mod loader;
pub mod locale;
mod memory;
mod named;
mod preload;
mod record;
mod request;
mod reserved;
mod runtime;
mod sdl;
mod services;
mod sockets;
mod special;
mod summary;
mod system;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod timezone;
mod view;
mod workarounds;

pub use emulation::choose::emulator_image;
pub use facts::{Facts, GatherError, Inherited, User};
pub use memory::{Forgetful, Memory};
pub use request::{
    EmulatorChoice, HomeMode, PARENT, ProviderChoice, Request, RuntimeChoice, Share, Sharing,
};
pub use services::{Services, services};
pub use summary::{RuntimeSummary, os_name, runtime_files, runtime_summary};
pub use workarounds::Workarounds;

use plan::{Code, Namespaces, Plan, Problem, SCHEMA, Supervision};

/// Decides what the container will be.
///
/// # Errors
/// Every problem that stops the launch; those that do not are in [`Plan::warnings`].
pub fn compose(request: &Request, facts: &Facts) -> Result<Plan, Vec<Problem>> {
    compose_with(request, facts, &Forgetful)
}

/// As [`compose`], with what earlier launches have decided. The plan is the same but for
/// [`Plan::decisions`], which lacks what was remembered.
///
/// # Errors
/// As [`compose`].
pub fn compose_with(
    request: &Request,
    facts: &Facts,
    memory: &dyn Memory,
) -> Result<Plan, Vec<Problem>> {
    if request.command.is_empty() {
        let problem = Problem::blocking(Code::BAD_VALUE, "there is no command to run")
            .hint("name one after the options");
        return Err(vec![problem]);
    }
    let assembled = assemble::assemble(request, facts, memory)?;
    let made = assembled.draft.finish(request.stack, &facts.mounts);
    let detached = !request.interactive && !request.devel;
    let per_launch = emulation::fex::per_launch(&made.environment);
    Ok(Plan {
        schema: SCHEMA,
        layers: made.layers,
        steps: made.steps,
        environment: made.environment,
        working_directory: assembled.working_directory,
        command: assembled.command,
        supervision: Supervision {
            pass_fds: request.pass_fds.clone(),
            assign_fds: request.assign_fds.clone(),
            locks: assembled.lock.into_iter().collect(),
            terminate_idle: request.terminate_idle,
            terminate_grace: request.terminate_grace,
            new_session: detached,
            null_stdin: detached,
            ld_preload: assembled.preloads,
            ld_audit: assembled.audits,
            per_launch,
        },
        namespaces: Namespaces { pid: request.unshare_pid },
        emulation: assembled.emulation,
        decisions: made.decisions,
        warnings: made.warnings,
    })
}
