//! Time as the user's clock shows it.

/// A moment in the user's time zone (tzset(3)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalTime {
    /// Year.
    pub year: i32,
    /// Month, from 1.
    pub month: i32,
    /// Day of the month, from 1.
    pub day: i32,
    /// Hour, from 0.
    pub hour: i32,
    /// Minute.
    pub minute: i32,
    /// Second; 60 in a leap second.
    pub second: i32,
}

impl LocalTime {
    /// Its numbers, of two digits and more, each with what is to stand after it.
    #[must_use]
    pub fn text(&self, after: [&str; 6]) -> String {
        let numbers = [self.year, self.month, self.day, self.hour, self.minute, self.second];
        numbers.iter().zip(after).map(|(number, after)| format!("{number:02}{after}")).collect()
    }
}

/// What clocks show `seconds` after the start of 1970 (UTC); `None` where no calendar has it.
#[must_use]
pub fn local_time(seconds: i64) -> Option<LocalTime> {
    let mut out = std::mem::MaybeUninit::<libc::tm>::uninit();
    // Some targets have another width.
    #[allow(clippy::useless_conversion, reason = "the type depends on the target")]
    let seconds = seconds.try_into().ok()?;
    // SAFETY: both pointers are valid for the call. It reads TZ, which this process never changes.
    let done = unsafe { libc::localtime_r(&raw const seconds, out.as_mut_ptr()) };
    if done.is_null() {
        return None;
    }
    // SAFETY: the call succeeded, so it wrote all fields.
    let tm = unsafe { out.assume_init() };
    Some(LocalTime {
        year: tm.tm_year + 1900,
        month: tm.tm_mon + 1,
        day: tm.tm_mday,
        hour: tm.tm_hour,
        minute: tm.tm_min,
        second: tm.tm_sec,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments() {
        // Some day in September 2001, whatever the time zone.
        let time = local_time(1_000_000_000).unwrap();
        assert_eq!((time.year, time.month, time.second), (2001, 9, 40));
        assert_eq!(local_time(i64::MAX), None);
        let time = LocalTime { year: 2026, month: 1, day: 2, hour: 3, minute: 14, second: 5 };
        assert_eq!(time.text(["-", "-", " ", ":", ":", ""]), "2026-01-02 03:14:05");
    }
}
