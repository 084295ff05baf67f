use jiff::tz::TimeZone;

use super::super::{add_duration, parse_date_time, parse_date_time_in, parse_duration};

#[test]
fn durations_of_timers() {
    let cases = [
        ("PT10S", 0, 0, 10_000),
        ("PT1H30M0.5S", 0, 0, 5_400_500),
        ("P1Y2M3DT4H", 14, 3, 14_400_000),
        ("P2W", 0, 14, 0),
        ("-P1D", 0, -1, 0),
        ("-PT1.5S", 0, 0, -1_500),
        ("PT-1H", 0, 0, -3_600_000),
    ];
    for (text, months, days, exact_ms) in cases {
        let duration = parse_duration(text).unwrap();
        assert_eq!((duration.months, duration.days), (months, days), "{text}");
        assert_eq!(duration.exact.as_millis(), exact_ms, "{text}");
    }
    for text in ["", "P", "PT", "P1", "1D", "P1DT", "PT1D", "P1H", "P1S", "PT1S1H", "P1.5D", "PTS"]
    {
        assert_eq!(parse_duration(text), None, "{text}");
    }
}

#[test]
fn instants_of_timers() {
    let expected = Some(1_767_225_600_000);
    assert_eq!(parse_date_time("2026-01-01T00:00:00Z"), expected);
    assert_eq!(parse_date_time("2026-01-01T01:00:00+01:00"), expected);
    assert_eq!(parse_date_time("2026-01-01T01:00:00@Europe/Berlin"), expected);
    assert_eq!(parse_date_time("2026-01-01T01:00:00+01:00[Europe/Berlin]"), expected);
    assert_eq!(parse_date_time("2026-01-01T00:00Z"), expected);
    assert_eq!(parse_date_time("2026-01-01T00:00:00"), None);
    assert_eq!(parse_date_time("2026-01-01T00:00:00@Nowhere/Else"), None);
    let berlin = TimeZone::get("Europe/Berlin").unwrap();
    assert_eq!(parse_date_time_in("2026-01-01T01:00:00", &berlin), expected);
}

#[test]
fn calendar_days_follow_the_zone_and_hours_are_exact() {
    let berlin = TimeZone::get("Europe/Berlin").unwrap();
    let noon_before_change = parse_date_time("2026-03-28T12:00:00@Europe/Berlin").unwrap();
    let noon_after = parse_date_time("2026-03-29T12:00:00@Europe/Berlin").unwrap();
    let day = parse_duration("P1D").unwrap();
    let hours = parse_duration("PT24H").unwrap();
    assert_eq!(add_duration(noon_before_change, &day, &berlin), noon_after);
    assert_eq!(add_duration(noon_before_change, &hours, &berlin), noon_after + 3_600_000);
    let january = parse_date_time("2026-01-31T10:00:00Z").unwrap();
    let february = parse_date_time("2026-02-28T10:00:00Z").unwrap();
    assert_eq!(add_duration(january, &parse_duration("P1M").unwrap(), &TimeZone::UTC), february);
}

#[test]
fn instants_stop_at_the_ends_of_time() {
    let far = parse_duration("P999999Y").unwrap();
    assert!(add_duration(0, &far, &TimeZone::UTC) > 200_000_000_000_000);
    let back = parse_duration("-P999999Y").unwrap();
    assert!(add_duration(0, &back, &TimeZone::UTC) < -200_000_000_000_000);
    let exact = parse_duration("PT9223372036854775807S").unwrap();
    assert!(add_duration(i64::MAX, &exact, &TimeZone::UTC) > 0);
}
