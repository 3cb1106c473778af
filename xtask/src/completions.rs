//! Completions for bash, zsh and fish, made from the definitions of options.

use std::fs;
use std::path::Path;

use clap::{Command, CommandFactory};
use clap_complete::{Shell, generate};
use options::command::Cli;

use crate::error::{Context, Result};

/// Each shell with the directory below `share` where it looks, and what stands around a program's name.
const SHELLS: &[(Shell, &str, &str, &str)] = &[
    (Shell::Bash, "bash-completion/completions", "", ""),
    (Shell::Zsh, "zsh/site-functions", "_", ""),
    (Shell::Fish, "fish/vendor_completions.d", "", ".fish"),
];

/// Writes the completions of every program of a tree below `share`.
pub(crate) fn write(share: &Path) -> Result<()> {
    let mut programs = vec![("bathysphere", Cli::command())];
    programs.extend(options::placed().map(|(program, name, _)| (name, program.to_command())));
    for (shell, directory, before, after) in SHELLS {
        let directory = share.join(directory);
        fs::create_dir_all(&directory).at("creating", &directory)?;
        for (name, command) in &programs {
            let path = directory.join(format!("{before}{name}{after}"));
            fs::write(&path, text(*shell, command, name)).at("writing", &path)?;
        }
    }
    Ok(())
}

fn text(shell: Shell, command: &Command, name: &str) -> Vec<u8> {
    let mut text = vec![];
    generate(shell, &mut command.clone(), name, &mut text);
    text
}

#[cfg(test)]
mod tests;
