//! The first line of a script and the arguments of `env` in it: never panics; what is found is in the line.
#![no_main]

use inspect::shebang::{BUFFER, env, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some(Ok(line)) = parse(bytes) else { return };
    let whole = bytes.get(..bytes.len().min(BUFFER)).expect("not longer");
    assert!(!line.interpreter.is_empty());
    for part in [Some(&line.interpreter), line.argument.as_ref()].into_iter().flatten() {
        assert!(part.is_empty() || whole.windows(part.len()).any(|w| w == part.as_slice()));
        assert!(!part.contains(&b'\n') && !part.contains(&0));
    }
    // What follows does not count beyond the buffer.
    let mut longer = whole.to_vec();
    longer.resize(longer.len().max(BUFFER), 0);
    longer.extend_from_slice(b"more");
    if bytes.len() >= BUFFER {
        assert_eq!(parse(&longer), parse(bytes));
    }
    if let Some(wanted) = line.argument.as_deref().and_then(env) {
        assert!(wanted.program.len() <= BUFFER);
    }
});
