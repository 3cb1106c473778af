//! `pressure-vessel-try-setlocale` and `pressure-vessel-locale-gen`.

pub(crate) mod generate;
mod wanted;

use crate::Invocation;
use crate::messages::begin;
use inspect::locale::Locales;
use inspect::root::{Form, Root};
use plan::{HostPath, RootPath};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};

/// Wrong usage of try-setlocale.
const USAGE: u8 = 2;

/// Does what `pressure-vessel-try-setlocale` does.
pub(crate) fn try_setlocale(invocation: &Invocation) -> u8 {
    let (given, messages) = match begin(invocation, USAGE) {
        Ok(begun) => begun,
        Err(status) => return status,
    };
    let locale = match &given.words[..] {
        [] => OsStr::new(""),
        [locale] => locale,
        _ => {
            messages.error("only one locale can be tried");
            return USAGE;
        }
    };
    if accepts(&invocation.environment, &[locale]) {
        return 0;
    }
    // As the C program prints it: callers may look for this line.
    let text = std::io::Error::from(Errno::NOENT);
    eprintln!("setlocale \"{}\": {text}", locale.display());
    1
}

/// Whether `setlocale(LC_ALL, …)` works in this process's root for each of the names; the empty one stands
/// for what the variables name.
fn accepts(environment: &[(OsString, OsString)], names: &[&OsStr]) -> bool {
    let Ok(root) = Root::with_form(HostPath::root(), Form::Full) else { return false };
    let here = std::env::current_dir().ok().and_then(|here| RootPath::new(here).ok());
    let here = here.unwrap_or(RootPath::root());
    let locales = Locales::open(&root, crate::variable(environment, "LOCPATH"), &here);
    // glibc has no names that are not ASCII.
    let value = |name: &str| {
        crate::variable(environment, name).map(|value| value.to_str().unwrap_or("\u{fffd}"))
    };
    names.iter().all(|name| match name.to_str() {
        Some("") => locales.accepts_environment(value),
        Some(name) => locales.accepts(name),
        None => false,
    })
}
