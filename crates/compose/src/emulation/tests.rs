//! Trees in, plans out, and what paths of the plan mean in both views.

mod bench;
mod choice;
mod direct;
mod modules;
mod overlay;
mod providers;
