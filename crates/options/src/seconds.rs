//! Times as options have them.

use std::ffi::OsStr;
use std::time::Duration;

/// A year is as good as ever, and far from any overflow.
const LONGEST: Duration = Duration::from_secs(30_000_000);

/// The number of seconds that a text says, as strtod(3) reads one: with a fraction and an exponent where they are.
/// `Some(None)`: a negative one, which means never; `None`: it is no number.
///
/// The standard library's way would take more than ten times the room, for the last digit of any number.
#[allow(clippy::option_option, reason = "no number, and a number that means never")]
#[must_use]
pub fn seconds(text: &OsStr) -> Option<Option<Duration>> {
    let text = text.to_str()?.trim_start();
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (number, exponent) = match text.split_once(['e', 'E']) {
        Some((number, exponent)) => (number, exponent.parse::<i16>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) || whole.len() + fraction.len() == 0 {
        return None;
    }
    let mut nanoseconds = 0u64;
    let mut places = 9 + i64::from(exponent) - i64::try_from(fraction.len()).ok()?;
    for digit in whole.bytes().chain(fraction.bytes()) {
        // Digits that do not fit are less than a nanosecond, or more than a year.
        match nanoseconds.checked_mul(10).and_then(|n| n.checked_add(u64::from(digit - b'0'))) {
            Some(more) => nanoseconds = more,
            None => places += 1,
        }
    }
    for _ in 0..places.unsigned_abs().min(64) {
        nanoseconds = if places < 0 { nanoseconds / 10 } else { nanoseconds.saturating_mul(10) };
    }
    let time = Duration::from_nanos(nanoseconds).min(LONGEST);
    Some((!negative || time.is_zero()).then_some(time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        let nanoseconds = |n| Some(Some(Duration::from_nanos(n)));
        for (text, want) in [
            ("0", nanoseconds(0)),
            ("-0.0", nanoseconds(0)),
            ("5", nanoseconds(5_000_000_000)),
            (" +1.5", nanoseconds(1_500_000_000)),
            (".25", nanoseconds(250_000_000)),
            ("7.", nanoseconds(7_000_000_000)),
            ("0.1234567891", nanoseconds(123_456_789)),
            ("0.12345678901234567890123456789", nanoseconds(123_456_789)),
            ("1e-3", nanoseconds(1_000_000)),
            ("2.5E2", nanoseconds(250_000_000_000)),
            ("1e-32768", nanoseconds(0)),
            ("-1", Some(None)),
            ("-1e300", Some(None)),
        ] {
            assert_eq!(seconds(OsStr::new(text)), want, "{text}");
        }
        for text in ["30000001", "1e300", "99999999999999999999999999", "9e9999"] {
            assert_eq!(seconds(OsStr::new(text)), Some(Some(LONGEST)), "{text}");
        }
        for text in ["", ".", "-", "x", "5x", "1e", "e5", "1e5.5", "--1", "1.2.3", "1 "] {
            assert_eq!(seconds(OsStr::new(text)), None, "{text}");
        }
    }
}
