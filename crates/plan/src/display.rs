//! One line for each operation.

use crate::operation::StackForm;
use crate::{Access, Op, Source, Step};
use std::fmt;

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Host(path) => write!(f, "{path}"),
            Source::Layer { layer, path } => write!(f, "layer:{layer}{path}"),
        }
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Access::ReadOnly => "ro",
            Access::ReadWrite => "rw",
            Access::Device => "dev",
        })
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Op::Directory { at, mode } => write!(f, "dir {mode:04o} {at}"),
            Op::Symlink { at, target } => write!(f, "symlink {at} -> {target}"),
            Op::File { at, content, mode } => {
                write!(f, "file {mode:04o} {at} ({} bytes)", content.as_bytes().len())
            }
            Op::Bind { source, at, access, optional } => {
                write!(f, "bind {access}{} {at} = {source}", if *optional { "?" } else { "" })
            }
            Op::Stack { at, sources, form } => {
                let form = match form {
                    StackForm::Overlay => "overlay",
                    StackForm::Tree => "tree",
                };
                write!(f, "stack {form} {at} =")?;
                for (i, source) in sources.iter().enumerate() {
                    write!(f, "{}{source}", if i == 0 { " " } else { " over " })?;
                }
                Ok(())
            }
            Op::Tmpfs { at, mode } => write!(f, "tmpfs {mode:04o} {at}"),
            Op::ReadOnly { at } => write!(f, "read-only {at}"),
            Op::Proc { at } => write!(f, "proc {at}"),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}    # {}", self.op, self.reason)
    }
}
