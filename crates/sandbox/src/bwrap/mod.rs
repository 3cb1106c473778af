//! The bwrap executor.

mod arguments;
mod export;
mod features;
mod locate;
mod start;

pub use arguments::{Arguments, arguments};
pub use export::{Exported, exported};
pub use features::Features;
pub(crate) use locate::locate;
pub(crate) use start::run;
