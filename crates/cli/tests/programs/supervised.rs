//! `pressure-vessel-adverb` and `steam-runtime-supervisor`: real processes, real locks, and for what
//! concerns libraries the container of a laboratory runtime.

mod adverb;
mod container;
mod ends;
mod locks;
mod processes;
mod supervisor;
mod table;
