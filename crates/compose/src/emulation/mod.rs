//! How programs of a foreign architecture run in the container.

/// The host's root in the container of the overlay composition, by one name in both views.
pub(crate) const INTERPRETER_HOST: &str = "/run/interpreter-host";
