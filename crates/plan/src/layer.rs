//! What a launch needs beyond the runtime, as a description of files.
//!
//! A layer is prepared once in the store and stacked over the untouched runtime. Its description is
//! complete: the store's key is a digest of it, so equal descriptions share one prepared layer.

use crate::{ByteString, HostPath, RootPath};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// The name of a layer within one plan, such as `usr` or `etc`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LayerName(pub String);

impl fmt::Display for LayerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Everything that is in one layer.
///
/// Parent directories need not be listed; those that are missing are made with mode 0755.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerSpec {
    /// Its name in the plan.
    pub name: LayerName,
    /// Path inside the layer → what is there.
    #[serde(with = "crate::bytes::keyed")]
    pub entries: BTreeMap<RootPath, LayerEntry>,
}

/// One entry of a layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum LayerEntry {
    /// A directory, which merges with one of the same path below it.
    Directory {
        /// Permission bits.
        mode: u32,
    },
    /// A symbolic link.
    Symlink {
        /// Its text.
        target: ByteString,
    },
    /// A file with this content. An empty one also serves as mount point.
    File {
        /// What is in it.
        content: ByteString,
        /// Whether it has its executable bits.
        executable: bool,
        /// Its modification time in nanoseconds since 1970, where it matters.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        modified: Option<i64>,
    },
    /// A file whose content is that of a file of the host, hard-linked where mode and file system
    /// allow and copied otherwise. The file of the host is never changed.
    CopyOf {
        /// The file, resolved.
        source: HostPath,
        /// Whether it has its executable bits.
        executable: bool,
        /// Its modification time in nanoseconds since 1970, where it matters.
        modified: Option<i64>,
        /// Size in bytes, modification time (nanoseconds) and inode of the source when it was
        /// inspected, so that a changed source gives another key.
        identity: (u64, i64, u64),
    },
    /// Hides what the directories below the layer have at this path.
    Whiteout,
}

impl LayerEntry {
    /// A file that nobody executes, of no time in particular.
    #[must_use]
    pub const fn file(content: ByteString) -> Self {
        Self::File { content, executable: false, modified: None }
    }
}

impl LayerSpec {
    /// An empty layer.
    pub fn new(name: &str) -> Self {
        Self { name: LayerName(name.into()), entries: BTreeMap::new() }
    }
}
