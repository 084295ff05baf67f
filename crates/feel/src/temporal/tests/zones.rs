use super::super::{Date, DateTime, Zone};
use super::check_both;
use crate::Dialect;

fn offset(text: &str) -> i32 {
    DateTime::from_text(text, Dialect::Dmn).unwrap().offset_seconds().unwrap()
}

/// The last Sunday of a month.
fn last_sunday(year: i64, month: i64) -> Date {
    let last = Date::new(year, month, 31).unwrap();
    last.plus_days(-i64::from(last.weekday() % 7)).unwrap()
}

#[test]
fn rules_go_on_for_ever() {
    let berlin = Zone::named("Europe/Berlin").unwrap();
    for year in [2030, 9_598, 9_599, 9_600, 9_601, 10_000, 99_999, 123_456_789, 999_999_998] {
        for (month, before, after) in [(3, 3600, 7200), (10, 7200, 3600)] {
            let sunday = last_sunday(year, month);
            let change = DateTime::local(sunday, super::super::TimeOfDay::new(1, 0, 0, 0).unwrap());
            let change = change.with_zone(Zone::Offset(0)).unwrap().epoch_nanoseconds().unwrap();
            let at = |instant| DateTime::at(instant, berlin.clone()).unwrap().offset_seconds();
            assert_eq!(at(change - 1), Some(before), "{sunday}");
            assert_eq!(at(change), Some(after), "{sunday}");
        }
        assert_eq!(offset(&format!("{year}-07-01T00:00:00@Europe/Berlin")), 7200);
        assert_eq!(offset(&format!("{year}-07-01T00:00:00@Australia/Sydney")), 36_000);
        assert_eq!(offset(&format!("{year}-12-31T00:00:00@Australia/Sydney")), 39_600);
        assert_eq!(offset(&format!("{year}-07-01T00:00:00@Asia/Dhaka")), 21_600);
    }
}

#[test]
fn before_zones_there_was_local_mean_time() {
    for year in ["-999999999", "-10000", "-9999", "-9600", "-0001", "0000", "1500", "1800"] {
        assert_eq!(offset(&format!("{year}-01-01T12:00:00@Europe/Berlin")), 53 * 60 + 28);
        assert_eq!(
            offset(&format!("{year}-07-31T12:00:00@America/New_York")),
            -(4 * 3600 + 56 * 60 + 2)
        );
    }
    check_both(&[
        (r#"@"1893-04-01T00:06:32@Europe/Berlin" - @"1893-03-31T23:59:59@Europe/Berlin""#, "PT1S"),
        (r#"@"1893-04-01T00:00:00@Europe/Berlin""#, "1893-04-01T00:06:32@Europe/Berlin"),
        // A day that Samoa skipped.
        (r#"@"2011-12-30T12:00:00@Pacific/Apia""#, "2011-12-31T12:00:00@Pacific/Apia"),
        (r#"@"2011-12-31T00:00:00@Pacific/Apia" - @"2011-12-29T23:00:00@Pacific/Apia""#, "PT1H"),
    ]);
}

#[test]
fn gaps_and_overlaps() {
    check_both(&[
        (r#"@"2020-03-29T02:30:00@Europe/Berlin""#, "2020-03-29T03:30:00@Europe/Berlin"),
        (r#"@"2020-03-29T01:59:59@Europe/Berlin" + @"PT1S""#, "2020-03-29T03:00:00@Europe/Berlin"),
        (r#"@"2020-03-28T02:30:00@Europe/Berlin" + @"P1D""#, "2020-03-29T03:30:00@Europe/Berlin"),
        (r#"@"2020-02-29T02:30:00@Europe/Berlin" + @"P1M""#, "2020-03-29T03:30:00@Europe/Berlin"),
        (r#"@"2020-10-25T02:30:00@Europe/Berlin".time offset = @"PT2H""#, "true"),
        (r#"(@"2020-10-25T02:30:00@Europe/Berlin" + @"PT1H").time offset = @"PT1H""#, "true"),
        (r#"(@"2020-10-25T02:30:00@Europe/Berlin" + @"PT1H").hour"#, "2"),
        (
            r#"@"2020-10-26T00:00:00@Europe/Berlin" - @"2020-10-25T00:00:00@Europe/Berlin""#,
            "P1DT1H",
        ),
        // The same 400 years on.
        (
            r#"@"2020-03-29T01:59:59@Europe/Berlin" + @"P400Y" + @"PT1S""#,
            "2420-03-29T03:00:00@Europe/Berlin",
        ),
        (r#"(date(32020,3,29) + @"P0D").weekday"#, "7"),
    ]);
    let gap = DateTime::from_text("32020-03-29T02:30:00@Europe/Berlin", Dialect::Dmn).unwrap();
    assert_eq!((gap.time.hour(), gap.offset_seconds()), (3, Some(7200)));
}

#[test]
fn a_moment_seen_from_another_zone() {
    let value = DateTime::from_text("2020-01-01T10:00:00Z", Dialect::Dmn).unwrap();
    let tokyo = value.in_zone(&jiff::tz::TimeZone::get("Asia/Tokyo").unwrap()).unwrap();
    assert_eq!(tokyo.to_string(), "2020-01-01T19:00:00@Asia/Tokyo");
    let fixed = jiff::tz::TimeZone::fixed(jiff::tz::offset(-5));
    assert_eq!(value.in_zone(&fixed).unwrap().to_string(), "2020-01-01T05:00:00-05:00");
    // The calendar ends where the date would be beyond it.
    let last = DateTime::from_text("999999999-12-31T23:00:00Z", Dialect::Dmn).unwrap();
    assert_eq!(last.with_zone(Zone::Offset(3600)), None);
    assert_eq!(last.with_zone(Zone::Offset(3599)).unwrap().offset_seconds(), Some(3599));
    assert_eq!(last.epoch_ms(), None);
}
