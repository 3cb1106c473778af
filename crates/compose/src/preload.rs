//! Modules for `LD_PRELOAD` that are files of the host.

use crate::exports::{Exports, Mode, Wish};
use crate::facts::Facts;
use crate::named;
use crate::request::Request;

/// Shares the directory of each, because modules load files beside them; of the home directory and
/// of what cannot be shared whole, only the file.
pub(crate) fn share(request: &Request, facts: &Facts, exports: &mut Exports<'_>) {
    for preload in &request.preloads {
        // `$LIB` and `$PLATFORM` are for the dynamic linker; what is before them is shared.
        let text = preload.module.as_bytes();
        let fixed = text.iter().position(|b| *b == b'$').map_or(text, |end| &text[..end]);
        let Some(path) = named::lexical(plan::ByteString::from(fixed.to_vec()).as_os_str()) else {
            continue;
        };
        let whole = fixed.len() == text.len();
        let directory =
            if whole || !fixed.ends_with(b"/") { path.parent() } else { Some(path.clone()) };
        let directory = directory
            .filter(|d| Some(d) != facts.home().as_ref() && crate::reserved::why(d).is_none());
        let shared = match directory {
            Some(directory) => directory,
            None if whole => path,
            None => continue,
        };
        exports.share(&shared, Mode::ReadOnly, Wish::Named, "a preloaded module");
    }
}
