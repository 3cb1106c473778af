//! Prints what programs and libraries of a root load, in the form of `ld.so --list`, to compare with it.
//!
//! `closure ROOT TUPLE FILE…`: for each file a line with its path, then `name => path` for each library.

use inspect::linker::{Linker, Options};
use inspect::root::Root;
use plan::{HostPath, RootPath, Tuple};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let root = Root::open(HostPath::new(arguments.next().ok_or("ROOT is missing")?)?)?;
    let tuple: Tuple = arguments.next().ok_or("TUPLE is missing")?.parse()?;
    let linker = Linker::new(&root, tuple, Options::default())?;
    for file in arguments {
        println!("{file}:");
        match linker.load(&RootPath::new(&file)?) {
            Ok(top) => {
                let closure = linker.closure(&top);
                for library in &closure.libraries[1..] {
                    println!("\t{} => {}", library.name, library.found);
                }
                for missing in closure.missing {
                    println!("\t{} => not found", missing.name);
                }
            }
            Err(e) => println!("\t{e}"),
        }
    }
    Ok(())
}
