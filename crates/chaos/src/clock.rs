//! What time it is: the one place of this crate that looks at a clock.

use jiff::{Timestamp, tz::TimeZone};

/// A point in time, with microseconds as the journal has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment {
    epoch_us: i64,
}

impl Moment {
    /// Now, by the machine's clock.
    pub(crate) fn now() -> Self {
        Self { epoch_us: Timestamp::now().as_microsecond() }
    }

    /// ISO 8601 in UTC as the journal has it: `2022-08-02T07:35:25.123456+00:00`.
    pub(crate) fn iso(self) -> String {
        let Ok(at) = Timestamp::from_microsecond(self.epoch_us) else { return String::new() };
        let format = if self.epoch_us.rem_euclid(1_000_000) == 0 {
            "%Y-%m-%dT%H:%M:%S+00:00"
        } else {
            "%Y-%m-%dT%H:%M:%S.%6f+00:00"
        };
        at.strftime(format).to_string()
    }

    /// Seconds since an earlier moment.
    pub(crate) fn seconds_since(self, earlier: Self) -> f64 {
        // Microseconds of any run fit into the 52 bits of a double.
        #[expect(clippy::cast_precision_loss, reason = "centuries of microseconds fit")]
        let micros = (self.epoch_us - earlier.epoch_us) as f64;
        micros / 1e6
    }
}

/// The local time as log lines have it: `2022-08-02 09:35:25`.
pub(crate) fn local_text() -> String {
    let now = Timestamp::now().to_zoned_datetime(TimeZone::system());
    now.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_python_does() {
        let at = |epoch_us| Moment { epoch_us }.iso();
        assert_eq!(at(1_659_425_725_123_456), "2022-08-02T07:35:25.123456+00:00");
        assert_eq!(at(1_659_425_725_000_000), "2022-08-02T07:35:25+00:00");
        assert_eq!(at(1_659_425_725_000_100), "2022-08-02T07:35:25.000100+00:00");
    }

    #[test]
    fn durations_are_seconds() {
        let (a, b) = (Moment { epoch_us: 5 }, Moment { epoch_us: 1_500_005 });
        assert!((b.seconds_since(a) - 1.5).abs() < f64::EPSILON);
    }
}
