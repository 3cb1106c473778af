//! The store from outside: on real file systems, with real overlays where the machine allows them.
#![allow(clippy::disallowed_methods)] // the tests look at the host's own files

mod collect;
mod copy;
mod fixture;
mod holder;
mod layer;
mod library;
mod lock;
mod memo;
mod place;
mod race;
mod room;
mod survey;
mod tree;
mod variable;
mod verify;
