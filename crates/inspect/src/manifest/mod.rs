//! Manifests of graphics drivers and layers, and driver modules that are found by their directory.
//!
//! Knows where each loader looks (libvulkan, libglvnd's EGL, the OpenXR loader, OpenCL's ICD
//! loaders, Mesa, libva, libvdpau), in which order, which variables change that, which manifests it
//! accepts and how one is written again for a library that is elsewhere. Every file looked at is
//! reported with a verdict and a reason. Must not execute, `dlopen`, or choose between drivers.
//!
//! Paths are those of a provider's [`Root`](crate::root::Root), as if it were `/`; only the user's
//! own directories (`$XDG_CONFIG_HOME`, `$XDG_DATA_HOME`, `~/.local/share`) are the host's.

pub mod dirs;
pub mod egl;
mod found;
pub(crate) mod json;
mod library;
pub mod modules;
pub mod opencl;
pub mod openxr;
pub mod provider;
mod reason;
mod search;
pub mod vulkan;

pub use dirs::{Directory, Environment, Place};
pub use found::{Found, LayerKind, Verdict};
pub use library::{LibraryPath, Locate};
pub use reason::Reason;
use search::Search;

#[cfg(test)]
mod tests;
