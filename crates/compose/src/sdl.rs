//! The runtime's SDL in place of the one that a game brings, where the launch is told so.
//!
//! SDL 2.0.2 and later load the library that `SDL_DYNAMIC_API` names and hand every call to it; SDL 3 has
//! a variable of its own. Steam's variables are switches for the player, the flags are set for a game.

use crate::answer::OVERRIDES;
use crate::draft::Draft;
use crate::facts::Facts;
use crate::preload::directory::Directory;
use inspect::root::Root;
use plan::{ByteString, Code, Problem, RootPath, Tuple};

/// One version of SDL.
struct Row {
    /// The player's switch.
    switch: &'static str,
    /// The game's, one of [`FLAGS`].
    flag: &'static str,
    /// SDL's own variable.
    api: &'static str,
    library: &'static str,
    /// Values of the switch, and where below the library directory they mean.
    values: &'static [(&'static str, &'static str)],
}

const FLAGS: &str = "STEAM_COMPAT_FLAGS";

const ROWS: &[Row] = &[
    Row {
        switch: "STEAM_COMPAT_RUNTIME_SDL2",
        flag: "runtime-sdl2",
        api: "SDL_DYNAMIC_API",
        library: "libSDL2-2.0.so.0",
        values: &[("1", ""), ("classic", ""), ("sdl2-compat", "sdl2-compat/")],
    },
    Row {
        switch: "STEAM_COMPAT_RUNTIME_SDL3",
        flag: "runtime-sdl3",
        api: "SDL3_DYNAMIC_API",
        library: "libSDL3.so.0",
        values: &[("1", "")],
    },
];

/// Whether any of it is asked for.
pub(crate) fn is_asked_for(facts: &Facts) -> bool {
    let set = |name| facts.environment.non_empty(name).is_some();
    set(FLAGS) || ROWS.iter().any(|row| set(row.switch))
}

/// Sets SDL's variables, and makes the links that they name.
pub(crate) fn redirect(
    facts: &Facts,
    runtime: &Root,
    tuples: &[Tuple],
    directory: &mut Directory,
    draft: &mut Draft,
) {
    for row in ROWS {
        // What is set already is the player's own choice.
        if facts.environment.get(row.api).is_some() {
            continue;
        }
        let Some((below, by)) = wish(row, facts, draft) else { continue };
        let mut entry = None;
        for tuple in tuples {
            if let Some(path) = path(row, below, *tuple, runtime, draft) {
                entry = directory.add(*tuple, &row.library.into(), &path).or(entry);
            }
        }
        match entry {
            Some(entry) => draft.environment.set(row.api, entry, format!("{by} asks for it")),
            None => draft.warnings.push(missing(row, below, by)),
        }
    }
}

/// Which variety is asked for, and by which variable.
fn wish(row: &Row, facts: &Facts, draft: &mut Draft) -> Option<(&'static str, &'static str)> {
    let text = |name: &str| facts.environment.non_empty(name).map(|v| v.to_string_lossy());
    let Some(value) = text(row.switch) else {
        let flags = text(FLAGS)?;
        return flags.split(',').any(|flag| flag == row.flag).then_some(("", FLAGS));
    };
    let known = row.values.iter().find(|(name, _)| *name == value);
    if known.is_none() && value != "0" {
        let cause = format!("{} is `{value}`, which means nothing here", row.switch);
        let values: Vec<&str> = row.values.iter().map(|(name, _)| *name).collect();
        let hint = format!("set it to 0 or {}", values.join(" or "));
        draft.warnings.push(Problem::warning(Code::BAD_VALUE, cause).hint(hint));
    }
    known.map(|(_, below)| (*below, row.switch))
}

/// The library of an architecture, in the container: captured from the provider, or the runtime's own.
fn path(
    row: &Row,
    below: &str,
    tuple: Tuple,
    runtime: &Root,
    draft: &mut Draft,
) -> Option<ByteString> {
    let tail = format!("lib/{tuple}/{below}{}", row.library);
    let captured = RootPath::literal(OVERRIDES).at(&tail);
    let is_captured =
        |(area, inner): (&mut crate::area::Area, RootPath)| area.entries.contains_key(&inner);
    if draft.area_of(&captured).is_some_and(is_captured) {
        return Some(captured.as_bytes().to_vec().into());
    }
    let own = RootPath::literal("/usr").at(&tail);
    runtime.find(&own).map(|_| own.as_bytes().to_vec().into())
}

fn missing(row: &Row, below: &str, by: &str) -> Problem {
    let cause =
        format!("{by} asks for the runtime's {below}{}, which it does not have", row.library);
    Problem::warning(Code::SDL_MISSING, cause)
        .hint("the game uses its own; choose another runtime, or unset the variable")
}
