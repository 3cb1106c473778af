//! What the manual page of `bathysphere` has beside its options.

use crate::program::{Status, Variable};

/// Variables that the commands read and that are not the game's own.
pub const VARIABLES: &[Variable] = &[
    Variable {
        name: "BATHYSPHERE_STORE",
        help: "Where prepared layers are kept. Default: bathysphere in $XDG_CACHE_HOME, else ~/.cache/bathysphere.",
    },
    Variable {
        name: "BATHYSPHERE_RUNTIME",
        help: "The runtime that the compatibility tool starts games in, by name, where its manifest names none.",
    },
    Variable {
        name: "BATHYSPHERE_DISABLE",
        help: "1: programs that stand in for those of pressure-vessel hand over to the original, with the same arguments. Not read by the command bathysphere itself.",
    },
    Variable { name: "PRESSURE_VESSEL_ARCHITECTURES", help: "As --architectures." },
    Variable { name: "PRESSURE_VESSEL_BWRAP", help: "The only program that is tried as bwrap." },
    Variable { name: "BWRAP", help: "A program that is tried as bwrap first." },
    Variable { name: "NO_COLOR", help: "Set to anything: no colours." },
];

/// Exit statuses of the commands.
pub const STATUSES: &[Status] = &[
    Status { number: "0", when: "success; of run and a command: that of the command." },
    Status {
        number: "1",
        when: "doctor, check, install --status: something is wrong; explain: nothing is known.",
    },
    Status { number: "2", when: "wrong usage." },
    Status { number: "125", when: "a failure before the command was started." },
    Status { number: "126", when: "the command cannot be executed." },
    Status { number: "127", when: "the command does not exist." },
    Status { number: "128 + N", when: "the command was ended by signal N." },
];

#[cfg(test)]
mod tests {
    use super::super::Cli;
    use clap::{Command, CommandFactory};

    /// Every option and command that is shown has words for it.
    #[test]
    fn everything_is_documented() {
        fn look(command: &Command) {
            assert!(command.get_about().is_some(), "{}", command.get_name());
            for argument in command.get_arguments().filter(|argument| !argument.is_hide_set()) {
                let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
                assert!(!help.is_empty(), "{} {}", command.get_name(), argument.get_id());
            }
            command.get_subcommands().for_each(look);
        }
        look(&Cli::command());
    }
}
