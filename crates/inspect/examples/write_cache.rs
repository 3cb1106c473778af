//! Writes a cache of the dynamic linker from lines `NAME TUPLE PATH [HWCAPS]` on standard input to standard output, so
//! that a real `ldconfig -p -C` and `ld.so` can be asked what they make of it.

use inspect::ld_cache::{self, Entry};
use plan::Tuple;
use std::error::Error;
use std::io::{Write, read_to_string, stdin, stdout};

fn entry(line: &str) -> Result<Entry, Box<dyn Error>> {
    let mut fields = line.split_whitespace();
    let mut next = || fields.next().ok_or("a field is missing");
    let (name, tuple, path) = (next()?, next()?, next()?);
    Ok(Entry {
        name: name.into(),
        path: path.into(),
        flags: ld_cache::flags_for(tuple.parse::<Tuple>()?),
        hwcap: 0,
        os_version: 0,
        hwcaps_subdir: fields.next().map(str::to_owned),
    })
}

fn main() -> Result<(), Box<dyn Error>> {
    let lines = read_to_string(stdin())?;
    let entries: Vec<Entry> = lines.lines().map(entry).collect::<Result<_, _>>()?;
    stdout().write_all(&ld_cache::write(&entries))?;
    Ok(())
}
