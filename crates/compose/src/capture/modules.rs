//! What modules for the dynamic linker need: a missing library would stop every program.
//!
//! The modules themselves are no concern of the capture; see [`crate::preload`].

use super::abi::Abi;
use super::patterns::When;
use inspect::linker::{Depends, depends};
use plan::Preload;

/// Libraries that modules open by name when they are loaded, and do nothing without.
const OPENED: &[(&str, &str)] = &[
    // gamemode's client_impl.c and client_loader.c.
    ("libgamemodeauto.so.0", "libgamemode.so.0"),
];

/// Captures what the modules for an architecture need and the runtime lacks.
pub(super) fn capture(abi: &mut Abi<'_>, modules: &[Preload]) {
    for Preload { module, tuple } in modules {
        let Ok(text) = std::str::from_utf8(module.as_bytes()) else { continue };
        if tuple.is_some_and(|tuple| tuple != abi.tuple) || depends(text) == Depends::OnMore {
            continue;
        }
        let is_own = !text.contains('/') && abi.runtime.find(text, None).is_ok();
        let name = abi.provider.expand(text, None).unwrap_or_default();
        let found = abi.provider.find(&name.to_string_lossy(), None);
        let Some(library) = found.ok().filter(|_| !is_own) else { continue };
        abi.capture_dependencies(&library);
        let name = text.rsplit('/').next().unwrap_or(text);
        for (_, opened) in OPENED.iter().filter(|(module, _)| *module == name) {
            // Where the provider has none, the module says so itself.
            let _ = abi.capture_name(opened, When::NotOlder, "a preloaded module opens it");
        }
    }
}
