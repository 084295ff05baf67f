//! Looking again and again.

use std::time::{Duration, Instant};

/// Pause between two looks at something that takes its time.
pub(crate) const PAUSE: Duration = Duration::from_millis(50);

/// Looks until there is an answer; none when there is none in time.
///
/// # Errors
/// That of a look.
pub(crate) fn until<T>(
    patience: Duration,
    pause: Duration,
    mut look: impl FnMut() -> Result<Option<T>, String>,
) -> Result<Option<T>, String> {
    let began = Instant::now();
    loop {
        let answer = look()?;
        if answer.is_some() || began.elapsed() > patience {
            return Ok(answer);
        }
        std::thread::sleep(pause);
    }
}
