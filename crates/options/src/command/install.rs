//! `install` and `uninstall`.

use clap::{ArgGroup, Args};
use std::ffi::OsString;
use std::path::PathBuf;

/// Arguments of `install`.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("where").required(true).args(["prefix", "replace", "steam", "status"])))]
pub struct Install {
    /// Write a tree of all programs to DIR, to be named in $PRESSURE_VESSEL_PREFIX. What an earlier
    /// version wrote there is replaced.
    #[arg(long, value_name = "DIR")]
    pub prefix: Option<PathBuf>,
    /// Put such a tree in the place of `pressure-vessel` in a Steam Linux Runtime: DIR is that directory
    /// or the one of the runtime, NAME that of an installed runtime. What was there is kept beside it.
    #[arg(long, value_name = "DIR|NAME")]
    pub replace: Option<OsString>,
    /// Add a compatibility tool to Steam that can be chosen for a game.
    #[arg(long)]
    pub steam: bool,
    /// Which runtime the compatibility tool has, by name. Default: as for `run`.
    #[arg(long, value_name = "NAME", requires = "steam")]
    pub runtime: Option<String>,
    /// Say what is installed where, and whether it is still as it was installed: exit status 1 if not.
    #[arg(long)]
    pub status: bool,
}

/// Arguments of `uninstall`.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("what").required(true).args(["prefix", "replace", "steam", "all"])))]
pub struct Uninstall {
    /// Remove the tree that `install --prefix` wrote to DIR.
    #[arg(long, value_name = "DIR")]
    pub prefix: Option<PathBuf>,
    /// Put back what `install --replace` has replaced.
    #[arg(long, value_name = "DIR|NAME")]
    pub replace: Option<OsString>,
    /// Remove the compatibility tool from Steam.
    #[arg(long)]
    pub steam: bool,
    /// Undo everything that `install --status` shows.
    #[arg(long)]
    pub all: bool,
}
