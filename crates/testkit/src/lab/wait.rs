use std::thread::sleep;
use std::time::{Duration, Instant};

use super::error::LabError;

/// A generous limit for a BGP session to come up; 1 s to 5 s are usual, more on a loaded machine.
pub const SESSION_LIMIT: Duration = Duration::from_secs(30);

const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// Polls `condition` until it is true, and returns how long that took.
///
/// `what` names the condition in the error. A condition that fails counts as not yet true; its last error is part
/// of the timeout's text.
pub fn wait_until(
    limit: Duration,
    what: &str,
    mut condition: impl FnMut() -> Result<bool, LabError>,
) -> Result<Duration, LabError> {
    let begin = Instant::now();
    loop {
        let last = match condition() {
            Ok(true) => return Ok(begin.elapsed()),
            Ok(false) => None,
            Err(error) => Some(Box::new(error)),
        };
        if begin.elapsed() >= limit {
            return Err(LabError::TimedOut { what: what.to_owned(), limit, last });
        }
        sleep(POLL_INTERVAL);
    }
}
