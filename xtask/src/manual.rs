//! Manual pages, made from the definitions of options.

mod page;
mod roff;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use clap::CommandFactory;
use options::command::Cli;

use crate::error::{Context, Result};
use crate::process;
use page::Page;

/// Writes every page below `share`, the newest change of the project as their date.
pub(crate) fn write(share: &Path) -> Result<()> {
    let directory = share.join("man/man1");
    fs::create_dir_all(&directory).at("creating", &directory)?;
    let date = date();
    for page in pages() {
        let path = directory.join(format!("{}.1", page.name));
        fs::write(&path, roff::text(&page, &date)).at("writing", &path)?;
    }
    for program in options::ALL {
        let main = program.name();
        let others = options::placed().filter(|(of, name, _)| of.name() == main && *name != main);
        for (_, name, _) in others {
            let path = directory.join(format!("{name}.1"));
            symlink(format!("{main}.1"), &path).at("linking", &path)?;
        }
    }
    Ok(())
}

/// A page for `bathysphere`, one for each of its commands, and one for each drop-in program.
fn pages() -> Vec<Page> {
    let mut command = Cli::command();
    command.build();
    let mut pages = vec![Page::of_bathysphere(&command)];
    let commands = command.get_subcommands();
    let shown = commands.filter(|command| !command.is_hide_set() && command.get_name() != "help");
    pages.extend(shown.flat_map(|command| page::of_commands(command, "bathysphere")));
    pages.extend(options::ALL.iter().map(|program| Page::of_program(program)));
    pages
}

/// The day of the last change, so that two builds of the same sources are the same.
fn date() -> String {
    let mut git = Command::new("git");
    git.args(["log", "-1", "--format=%cs"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    let day = process::output(&mut git).unwrap_or_default();
    // Not from a checkout: the day on which this program was made is not known either.
    if day.trim().is_empty() { "1970-01-01".into() } else { day.trim().into() }
}

#[cfg(test)]
mod tests;
