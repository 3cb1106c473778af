//! Making locales with this system's `localedef`.

use super::accepts;
use super::wanted::{Recipe, Wanted};
use crate::Invocation;
use crate::messages::{Messages, begin};
use std::ffi::OsStr;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

/// Exit statuses: sysexits.h has them.
const USAGE: u8 = 64;
const GENERATED: u8 = 72;
const FAILED: u8 = 73;
const REFUSED: u8 = 78;

/// Lists of locales with their character sets.
const LISTS: &[&str] = &["/etc/locale.gen", "/usr/share/i18n/SUPPORTED"];

/// Other names of locales, which `localedef` wants to know.
const ALIASES: &str = "/usr/share/locale/locale.alias";

/// Does what `pressure-vessel-locale-gen` does.
pub(crate) fn run(invocation: &Invocation) -> u8 {
    let (given, messages) = match begin(invocation, USAGE) {
        Ok(begun) => begun,
        Err(status) => return status,
    };
    let outputs = given.options.iter().rev();
    let output = outputs.filter(|(name, _)| name.starts_with("output")).map(|(_, value)| value);
    let output = output.map(Path::new).next().unwrap_or(Path::new("."));
    let wanted = Wanted::of(&invocation.environment, &given.words);
    for name in &wanted.refused {
        messages.warning(format_args!("`{}` is no name of a locale", name.display()));
    }
    let names: Vec<&OsStr> = wanted.names.iter().map(OsStr::new).collect();
    if accepts(&invocation.environment, &names) {
        messages.info("every locale exists");
        return 0;
    }
    if let Err(error) = std::fs::create_dir_all(output) {
        messages.error(format_args!("cannot make {}: {error}", output.display()));
        return if wanted.refused.is_empty() { FAILED } else { REFUSED };
    }
    // Not only what is missing: LOCPATH, for which all this is, switches the system's archive off.
    let lists: Vec<_> = LISTS.iter().map(|path| std::fs::read(path).unwrap_or_default()).collect();
    let mut failed = false;
    for name in &wanted.names {
        if let Err(error) = make(output, &Recipe::of(name, &lists), invocation, &messages) {
            messages.error(format_args!("cannot make the locale {name}: {error}"));
            failed = true;
        }
    }
    match (wanted.refused.is_empty(), failed) {
        (false, _) => REFUSED,
        (true, true) => FAILED,
        (true, false) => GENERATED,
    }
}

/// Makes one locale, unless it is there. What `localedef` does not like is said and is no failure: the
/// locales that there are serve.
fn make(
    directory: &Path,
    recipe: &Recipe,
    invocation: &Invocation,
    messages: &Messages,
) -> std::io::Result<()> {
    let link = recipe.link.as_ref().map(|link| directory.join(link));
    if let Some(link) = link.filter(|link| link.symlink_metadata().is_err()) {
        symlink(&recipe.output, link)?;
    }
    let output = directory.join(&recipe.output);
    if output.symlink_metadata().is_ok() {
        return Ok(());
    }
    let mut command = Command::new("localedef");
    if std::fs::metadata(ALIASES).is_ok() {
        command.args(["-A", ALIASES]);
    }
    command.args(["--no-archive", "-c", "-f", &recipe.codeset, "-i", &recipe.source]).arg(&output);
    command.env_clear().envs(invocation.environment.iter().map(|(name, value)| (name, value)));
    command.stdin(Stdio::null()).stdout(std::io::stderr());
    messages.info(format_args!("{command:?}"));
    let status = command.status()?;
    match status.code() {
        Some(0) => {}
        Some(1) => messages.info(format_args!("localedef warned of {}", output.display())),
        _ => {
            messages.warning(format_args!("localedef made no {}: {status}", output.display()));
            // It leaves an empty directory, which would look like a locale.
            let _ = std::fs::remove_dir(&output);
        }
    }
    Ok(())
}
