//! From settings to the request that `run` would make.

use super::settings::{Home, Terminate};
use super::{Wrap, app, failed, process};
use crate::request::bad_value;
use crate::stop::Stop;
use compose::{Facts, HomeMode, Request, RuntimeChoice};
use plan::{ByteString, Code, HostPath, RootPath};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use tools::interactive;

/// By this Steam says in which container its launcher service is to run.
const SERVICE_IN: &str = "STEAM_COMPAT_LAUNCHER_SERVICE";

/// The request. `terminal`: what the command's standard streams are.
pub(super) fn request(
    wrap: &Wrap,
    facts: &Facts,
    terminal: Option<&process::Tty>,
) -> Result<Request, Stop> {
    let settings = &wrap.settings;
    if let Some(variable) = settings.variable_dir.as_ref().filter(|_| settings.collect)
        && let Some(variable) = RootPath::new(variable.as_path()).ok()
    {
        // A copy that appears there is to be collected: whoever records that this is read sees it.
        let _ = facts.host.list(&variable);
    }
    let working_directory = rustix::process::getcwd(vec![]).map_err(|error| {
        let cause = format!("the working directory is gone: {error}");
        failed(Code::BAD_VALUE, cause, "change to a directory that exists")
    })?;
    // What is in it is this program's; programs inside that start this one again have their own.
    let mut environment = vec![("PRESSURE_VESSEL_VARIABLE_DIR".into(), None)];
    let command = command(wrap, facts, &mut environment)?;
    let mut assign_fds = settings.assign_fds.clone();
    assign_fds.extend(terminal.iter().flat_map(|tty| tty.assigned()));
    let defaults = Request::default();
    let mut request = Request {
        runtime: settings.runtime.clone().map_or(RuntimeChoice::Host, RuntimeChoice::Dir),
        tuples: settings.architectures.clone(),
        provider: settings.provider.clone(),
        providers: settings.providers.clone(),
        home: home(&settings.home, facts)?,
        environment,
        environment_if_host: settings.environment_if_host.clone(),
        working_directory: HostPath::new(OsStr::from_bytes(working_directory.as_bytes()))
            .map_err(bad_value("working directory"))?,
        command: command.into_iter().map(ByteString::from).collect(),
        pass_fds: settings.pass_fds.clone(),
        assign_fds,
        terminate_idle: settings.terminate.map(|Terminate { idle, .. }| idle),
        terminate_grace: settings.terminate.map_or(defaults.terminate_grace, |t| t.grace),
        unshare_pid: settings.unshare_pid,
        writable_sys: settings.writable_sys,
        devel: settings.devel,
        interactive: terminal.is_some(),
        import_vulkan_layers: settings.vulkan_layers,
        import_openxr_runtimes: settings.openxr_runtimes,
        import_openxr_layers: settings.openxr_layers,
        preloads: settings.preloads.clone(),
        audits: settings.audits.clone(),
        remove_game_overlay: settings.remove_game_overlay,
        tool_prefix: wrap.prefix.clone(),
        ..defaults
    };
    settings.shared.iter().for_each(|shared| shared.clone().add(&mut request));
    Ok(request)
}

/// The command, with what is put before it. What is unset for it is added to `environment`.
fn command(
    wrap: &Wrap,
    facts: &Facts,
    environment: &mut Vec<(ByteString, Option<ByteString>)>,
) -> Result<Vec<OsString>, Stop> {
    let settings = &wrap.settings;
    let service = || app::inside(&facts.host, wrap.prefix.as_ref(), app::SERVICE);
    let words = wrap.words.clone();
    if settings.launcher {
        let service = service().ok_or_else(|| {
            let cause = format!("--launcher: there is no {} beside this program", app::SERVICE);
            failed(Code::PROGRAM_MISSING, cause, "install it, or start a command instead")
        })?;
        return Ok([service.into()].into_iter().chain(words).collect());
    }
    if words.is_empty() {
        // Nothing is executed; a plan has a command all the same.
        return Ok(vec!["true".into()]);
    }
    let words = interactive::words(settings.shell, settings.terminal, wrap.program, words);
    let wanted = facts.environment.get(SERVICE_IN) == Some(OsStr::new("container-runtime"));
    let Some(service) = service().filter(|_| wanted) else { return Ok(words) };
    environment.push((SERVICE_IN.into(), None));
    const OPTIONS: &[&str] =
        &["--exec-fallback", "--hint", "--no-stop-on-name-loss", "--replace", "--session", "--"];
    let before = [service.into()].into_iter().chain(OPTIONS.iter().map(OsString::from));
    Ok(before.chain(words).collect())
}

fn home(home: &Home, facts: &Facts) -> Result<HomeMode, Stop> {
    Ok(match home {
        Home::Shared => HomeMode::Shared,
        Home::Transient => HomeMode::Transient,
        Home::Private(directory) => HomeMode::Private(directory.clone()),
        Home::Application(id) => {
            let home = facts.home().ok_or_else(|| {
                let cause = "HOME is not set to an absolute path".into();
                failed(Code::BAD_VALUE, cause, "set HOME, or share the home directory")
            })?;
            let place = home.at(".var/app").join(id).map_err(bad_value("application"))?;
            HomeMode::Private(HostPath::new(place.as_path()).map_err(bad_value("application"))?)
        }
    })
}
