//! A Steam Linux Runtime as Steam delivers it: a platform, the scripts that start it, and descriptions.
//!
//! The scripts are our own, for what is specified of those of the Steam Runtime. What stands for the tool in
//! `pressure-vessel` only says that it was started.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::mtree;
use crate::error::{Context, Result};

/// The directory of the platform.
pub(super) const PLATFORM: &str = "sniper_platform_3.0.20260101.0";

const RUN: &str = include_str!("depot/run.sh");
const ENTRY_POINT: &str = include_str!("depot/entry-point.sh");
const ORIGINAL: &str = include_str!("depot/original.sh");

/// What Steam reads.
const MANIFEST: &str = r#""manifest"
{
	"version"	"2"
	"commandline"	"/_v2-entry-point --verb=%verb% --"
	"use_tool_subprocess_reaper"	"1"
	"compatmanager_layer_name"	"container-runtime"
	"filter_exclusive_priority"	"3"
}
"#;

const VERSIONS: &str = "#Name\tVersion\t\tRuntime\tRuntime_Version\tComment\n\
    depot\t3.0.20260101.0\t\t\t\t# Overall version number\n\
    pressure-vessel\t0.1.0\t\t\t\t# of the laboratory\n\
    sniper\t3.0.20260101.0\t\tsniper\t3.0.20260101.0\t# sniper_platform_3.0.20260101.0\n";

/// Raised when a depot is made in another way from the same texts.
const REVISION: &str = "1";

/// All that decides what is around a platform: when it changes, the depot is made again.
pub(super) fn mark() -> String {
    [REVISION, PLATFORM, RUN, ENTRY_POINT, ORIGINAL, MANIFEST, VERSIONS].concat()
}

/// Writes everything around the platform in `depot`.
pub(super) fn surround(depot: &Path) -> Result<()> {
    let run = RUN.replace("@RUNTIME@", PLATFORM);
    for (name, text, mode) in [
        ("run", run.as_str(), 0o755),
        ("run-in-sniper", &run, 0o755),
        ("_v2-entry-point", ENTRY_POINT, 0o755),
        ("toolmanifest.vdf", MANIFEST, 0o644),
        ("VERSIONS.txt", VERSIONS, 0o644),
        ("pressure-vessel/bin/pressure-vessel-unruntime", ORIGINAL, 0o755),
        ("pressure-vessel/bin/pressure-vessel-wrap", ORIGINAL, 0o755),
        ("pressure-vessel/bin/pv-verify", ORIGINAL, 0o755),
    ] {
        let path = depot.join(name);
        let parent = path.parent().unwrap_or(depot);
        fs::create_dir_all(parent).at("creating", parent)?;
        fs::write(&path, text).at("writing", &path)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).at("changing", &path)?;
    }
    mtree::describe_depot(depot)
}
