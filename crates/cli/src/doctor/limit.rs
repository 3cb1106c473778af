//! A time limit for what may never come to an end.

use std::sync::mpsc;
use std::time::Duration;

/// How long one part may take. Reading drivers from a slow disk takes about a second.
pub(super) const LIMIT: Duration = Duration::from_secs(10);

/// There was no answer.
#[derive(Debug)]
pub(super) struct TimeIsUp;

/// Runs `look` in a thread and waits for it no longer than the limit. A thread that hangs is left behind;
/// it ends with the process, because the kernel lets a process be killed while it waits for a file system.
pub(super) fn limited<T: Send + 'static>(
    look: impl FnOnce() -> T + Send + 'static,
) -> Result<T, TimeIsUp> {
    within(LIMIT, look)
}

fn within<T: Send + 'static>(
    limit: Duration,
    look: impl FnOnce() -> T + Send + 'static,
) -> Result<T, TimeIsUp> {
    let (sender, receiver) = mpsc::sync_channel(1);
    // Nobody listens any more when the time was up.
    std::thread::spawn(move || drop(sender.send(look())));
    receiver.recv_timeout(limit).map_err(|_| TimeIsUp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hangs_is_left_behind() {
        assert_eq!(within(LIMIT, || 5).ok(), Some(5));
        let (never, wait) = mpsc::channel::<()>();
        assert!(within(Duration::from_millis(1), move || wait.recv()).is_err());
        drop(never);
        // What fails is no answer either.
        assert!(within(LIMIT, || -> u8 { std::panic::resume_unwind(Box::new(())) }).is_err());
    }
}
