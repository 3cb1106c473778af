//! Problems with a stable code, a cause, evidence and a hint that can be carried out.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A stable code, shown as `BS0007`. What each means is in `docs/messages.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Code(pub u16);

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BS{:04}", self.0)
    }
}

/// How much a problem matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The launch is stopped.
    Blocking,
    /// The launch goes on; one line is printed.
    Warning,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $title:literal;)*) => {
        impl Code {
            $($(#[$doc])* pub const $name: Code = Code($number);)*

            /// Every code with its title, in ascending order.
            pub const ALL: &[(Code, &str)] = &[$((Code($number), $title)),*];
        }
    };
}

codes! {
    /// The runtime directory is missing.
    RUNTIME_MISSING = 1, "The runtime does not exist";
    /// The runtime directory is there, but it is not, or not all of, a runtime.
    RUNTIME_INCOMPLETE = 2, "The runtime is incomplete";
    /// The runtime is of none of the architectures asked for.
    WRONG_ARCHITECTURE = 3, "The runtime has none of the architectures asked for";
    /// The graphics provider is missing or is no root.
    PROVIDER_UNUSABLE = 4, "The graphics provider cannot be used";
    /// A guest architecture has no drivers or no runtime part; left out.
    ARCHITECTURE_LEFT_OUT = 5, "An architecture is left out";
    /// The kernel, or a rule of this machine, does not let us create the namespaces.
    NO_NAMESPACES = 6, "User namespaces cannot be created here";
    /// The command is not found in the container.
    COMMAND_NOT_FOUND = 7, "The command does not exist in the container";
    /// The command exists and cannot be executed.
    COMMAND_NOT_EXECUTABLE = 8, "The command cannot be executed";
    /// A path cannot be shared because the container uses it for itself.
    RESERVED_PATH = 9, "The path is reserved";
    /// A path that was to be shared is missing.
    SHARED_PATH_MISSING = 10, "A path to be shared does not exist";
    /// A file of the host cannot be read as what it should be.
    UNREADABLE = 11, "A file cannot be read";
    /// The store cannot be written.
    STORE_UNWRITABLE = 12, "The store cannot be written";
    /// No space left, or quota exceeded, while preparing.
    DISK_FULL = 13, "The disk is full";
    /// bwrap is missing, too old or refuses.
    BWRAP_UNUSABLE = 14, "bwrap cannot be used";
    /// An operation of the plan failed when it was executed.
    SETUP_FAILED = 15, "The container could not be set up";
    /// A driver or layer manifest is not usable.
    MANIFEST_REJECTED = 16, "A driver manifest is rejected";
    /// The manifest of a depot (`usr-mtree`) is broken or does not fit its files.
    MTREE_BROKEN = 17, "The depot's manifest is broken";
    /// The runtime is being changed or deleted by another process.
    RUNTIME_BUSY = 18, "The runtime is locked by another process";
    /// The requested locale exists neither on the host nor in the runtime.
    LOCALE_MISSING = 19, "The locale does not exist";
    /// An argument or variable has a value that cannot be used.
    BAD_VALUE = 20, "A value cannot be used";
    /// A preloaded module is dropped or missing.
    PRELOAD_DROPPED = 21, "A preloaded module is left out";
    /// A socket or service of the desktop is not shared.
    SERVICE_UNAVAILABLE = 22, "A desktop service is not shared";
    /// A script names an interpreter, or a program a program interpreter, that is not in the container.
    INTERPRETER_MISSING = 23, "The command's interpreter does not exist in the container";
    /// The interpreter is there, and cannot run this program.
    INTERPRETER_WRONG = 24, "The command's interpreter cannot run it";
    /// The command is for an architecture that nobody runs here.
    FOREIGN_COMMAND = 25, "The command is for another architecture";
    /// The kernel does not understand the first line of a script.
    SCRIPT_LINE = 26, "The first line of a script cannot be used";
    /// `/bin/sh` or `/usr/bin/env` cannot be executed in the container.
    SHELL_UNUSABLE = 27, "The container's shell does not work";
    /// A library that the command needs is not found in the container.
    LIBRARY_MISSING = 28, "A library that the command needs is missing";
    /// A library lacks a symbol version that the command needs.
    LIBRARY_TOO_OLD = 29, "A library is too old for the command";
    /// A library from the graphics provider lacks something that it needs.
    CAPTURED_INCOMPLETE = 30, "A driver's library lacks what it needs";
    /// An override link does not lead to a file of its architecture.
    OVERRIDE_BROKEN = 31, "An override leads to nothing";
    /// A module for `LD_PRELOAD` cannot be loaded.
    PRELOAD_UNUSABLE = 32, "A preloaded module cannot be loaded";
    /// The command cannot start in its working directory.
    DIRECTORY_UNREACHABLE = 33, "The working directory cannot be entered";
    /// A link in a shared directory leads to something that is not shared.
    LINK_LEADS_OUT = 34, "A link leads out of what is shared";
    /// Something that every architecture of the runtime must have is not there.
    RUNTIME_PART_MISSING = 35, "A part of the runtime is missing";
    /// The emulator lacks its program interpreter or a library in the container.
    EMULATOR_CANNOT_START = 36, "The emulator cannot start in the container";
    /// The plan cannot be carried out even in simulation.
    PLAN_NOT_SIMULATED = 37, "The plan could not be checked";
    /// AppArmor or SELinux does not let this program create user namespaces.
    NAMESPACES_POLICY = 40, "A security policy forbids user namespaces";
    /// A sysctl does not let users create namespaces.
    NAMESPACES_SYSCTL = 41, "A kernel setting forbids user namespaces";
    /// A seccomp filter refuses the calls.
    NAMESPACES_SECCOMP = 42, "A system call filter forbids user namespaces";
    /// The kernel creates no user namespaces in a chroot.
    NAMESPACES_CHROOT = 43, "User namespaces cannot be created in a chroot";
    /// The kernel is built without user namespaces.
    NAMESPACES_KERNEL = 44, "The kernel has no user namespaces";
    /// bwrap has privileges that it refuses, or lacks those that its file should give it.
    BWRAP_PRIVILEGES = 45, "bwrap's privileges get in its way";
    /// Kernel module and user-space driver of NVIDIA are of different versions.
    NVIDIA_MISMATCH = 46, "The parts of the NVIDIA driver do not fit together";
    /// A file system lacks something that is needed, or does it in another way.
    FILE_SYSTEM_UNSUITED = 47, "A file system is not suited";
    /// Programs on this mount cannot be executed.
    MOUNTED_NOEXEC = 48, "The command is on a file system mounted with noexec";
    /// The limit of 32 levels, the limit of a surrounding namespace, or a user without a number here.
    NAMESPACES_NESTED = 49, "User namespaces cannot be nested further";
    /// No emulator is there for an architecture that the machine does not run itself.
    NO_EMULATOR = 50, "There is no emulator for the architecture";
    /// The emulator's tree of foreign files is missing or is no root.
    EMULATOR_ROOT_UNUSABLE = 51, "The emulator's root cannot be used";
    /// `emulator.json` cannot be used.
    EMULATOR_MANIFEST = 52, "The emulator's manifest cannot be used";
    /// The emulator is registered with the kernel, and switched off.
    EMULATOR_DISABLED = 53, "The emulator's registration is disabled";
    /// The host lacks a library that the emulator cannot run without.
    EMULATOR_LIBRARY_MISSING = 54, "A library that the emulator needs is missing";
    /// The emulator's own program is missing, or is none.
    EMULATOR_PROGRAM = 55, "The emulator's program cannot be used";
    /// Programs that the command starts will be native ones, not the runtime's.
    NATIVE_CHILDREN = 56, "Programs started by the command are native ones";
    /// `graphics-provider.json` cannot be used.
    PROVIDER_MANIFEST = 57, "The graphics provider's manifest cannot be used";
    /// This program is built for another architecture than the machine's, and its emulator cannot
    /// create namespaces.
    FOREIGN_BUILD = 60, "This program is built for another architecture";
    /// `server_argv` did not say that it is ready.
    EMULATOR_SERVER = 61, "The emulator's server did not become ready";
    /// What mounts an image in user space is not installed, or may not be used.
    IMAGE_MEANS_MISSING = 62, "An image cannot be mounted with what is installed";
    /// An image is damaged or is none.
    IMAGE_BROKEN = 63, "An image cannot be read";
    /// bwrap would run under the emulator and mount what the emulator shows it.
    FOREIGN_BWRAP = 64, "bwrap cannot be used by an emulated program";
    /// A file is no plan, or one of another schema, or contradicts itself.
    PLAN_UNUSABLE = 70, "The plan cannot be used";
    /// A plan has something that the form asked for has no words for.
    EXPORT_IMPOSSIBLE = 71, "The plan cannot be written in this form";
    /// The directory for a bundle is not empty, or cannot be written.
    OUTPUT_UNUSABLE = 72, "The output directory cannot be used";
    /// `explain` knows nothing of the name.
    NOTHING_KNOWN = 73, "Nothing is known of this name";
    /// The download of a runtime failed, or what publishes it is not as it should be.
    DOWNLOAD_FAILED = 74, "The runtime cannot be downloaded";
    /// An archive is damaged, is not the one that was published, or leads out of its directory.
    ARCHIVE_BROKEN = 75, "The archive cannot be used";
    /// Files of a runtime are missing, changed or additional.
    RUNTIME_DAMAGED = 76, "The runtime is not as its manifest says";
    /// A runtime that is to be removed or replaced is locked by a game.
    RUNTIME_IN_USE = 77, "The runtime is in use";
    /// The variable directory or the directory of runtimes cannot be used.
    COPY_IMPOSSIBLE = 78, "The directory for runtimes cannot be written";
    /// A program of the host that does part of the work is not installed.
    HELPER_MISSING = 79, "A program that is needed is not installed";
    /// A program that this tool is to start is not installed with it.
    PROGRAM_MISSING = 80, "A program of this tool is missing";
    /// There is no terminal to talk to.
    NO_TERMINAL = 81, "There is no terminal";
    /// The Flatpak that made this sandbox cannot make another one in it.
    FLATPAK_TOO_OLD = 82, "Flatpak is too old";
    /// Flatpak's portal is not there, or refuses, or is gone.
    FLATPAK_PORTAL = 83, "Flatpak's portal does not serve";
    /// Something is asked for that a sub-sandbox of Flatpak's does not have.
    FLATPAK_LIMITS = 84, "A sub-sandbox of Flatpak's cannot be as asked for";
    /// A module is for an architecture whose programs do not load modules here.
    PRELOAD_FOREIGN = 86, "A preloaded module is for another architecture";
    /// Two modules of one architecture have the same file name.
    PRELOAD_CLASH = 87, "Two preloaded modules have the same name";
    /// The runtime's SDL was asked for, and it has none.
    SDL_MISSING = 88, "The runtime has no such SDL";
    /// Where something was to be installed there is something else.
    NO_PLACE_TO_INSTALL = 90, "This is no place to install to";
    /// Writing an installation, or undoing it, failed.
    INSTALLATION_FAILED = 91, "The installation could not be changed";
    /// There is no installation, or what it had replaced is gone.
    NOT_INSTALLED = 92, "There is nothing to put back";
    /// A launch was to be handed to the original, which is not there.
    NO_ORIGINAL = 93, "There is no original to hand over to";
    /// No Steam is installed for the user.
    NO_STEAM = 94, "Steam is not installed";
    /// Steam has put back what was replaced, or something else has changed an installation.
    INSTALLATION_CHANGED = 95, "An installation is not as it was made";
}

impl Code {
    /// One line that names the kind of problem.
    pub fn title(self) -> &'static str {
        Self::ALL.iter().find(|(c, _)| *c == self).map_or("Unknown code", |(_, t)| t)
    }
}

/// Something that is wrong, for the user to read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Its kind.
    pub code: Code,
    /// Whether it stops the launch.
    pub severity: Severity,
    /// What failed and why: one sentence without a full stop.
    pub cause: String,
    /// What was looked at, one line each: the trail of a path, the contents of a file of `/proc`.
    pub evidence: Vec<String>,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Problem {
    /// Puts what stops a launch before what does not, and leaves the order otherwise as it is.
    pub fn sort(problems: &mut [Self]) {
        problems.sort_by_key(|problem| problem.severity != Severity::Blocking);
    }

    /// A problem that stops the launch.
    pub fn blocking(code: Code, cause: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Blocking,
            cause: cause.into(),
            evidence: vec![],
            hint: None,
        }
    }

    /// A problem that is reported in one line.
    pub fn warning(code: Code, cause: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::blocking(code, cause) }
    }

    /// With what to do about it.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// With one more line of evidence.
    #[must_use]
    pub fn evidence(mut self, line: impl Into<String>) -> Self {
        self.evidence.push(line.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.cause)?;
        if self.severity == Severity::Blocking {
            for line in &self.evidence {
                write!(f, "\n    {line}")?;
            }
        }
        if let Some(hint) = &self.hint {
            let separator = if self.severity == Severity::Blocking { "\n" } else { "; " };
            write!(f, "{separator}hint: {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}
