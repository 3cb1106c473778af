//! Programs of this machine that tests ask.

use std::process::{Command, Stdio};

/// What a program prints, on either stream; why not, where it is not there.
pub(crate) fn run(words: &[String], variables: &[(&str, &str)]) -> Result<String, String> {
    let mut command = Command::new("timeout");
    command.arg("60").args(words).envs(variables.iter().copied()).stdin(Stdio::null());
    let output = command.output().map_err(|error| error.to_string())?;
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    // As `timeout` has it for a program that does not exist.
    if output.status.code() == Some(127) {
        return Err(format!("{} is not installed: run `cargo xtask setup`", words[0]));
    }
    Ok(text)
}

/// Unwraps, or skips the test visibly (fails where skipping is forbidden).
macro_rules! need {
    ($result:expr) => {
        match $result {
            Ok(value) => value,
            Err(reason) => {
                assert!(
                    std::env::var_os("BATHYSPHERE_NO_SKIP").is_none(),
                    "skipped where nothing may be: {reason}"
                );
                println!("SKIP: {}: {reason}", module_path!());
                return;
            }
        }
    };
}
pub(crate) use need;
