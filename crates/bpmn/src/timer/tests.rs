use jiff::tz::TimeZone;

use super::*;

fn at(text: &str) -> i64 {
    parse_date(text).expect("a date-time")
}

#[test]
fn a_duration_counts_from_now() {
    assert_eq!(parse_duration_due("PT1M", 1_000, &TimeZone::UTC), Ok(61_000));
    assert_eq!(parse_duration_due("-PT1S", 1_000, &TimeZone::UTC), Ok(0));
    assert_eq!(at("1970-01-01T00:00:01Z"), 1_000);
}
