use jiff::civil;

use super::super::{Date, TimeOfDay, YEAR_MAX};
use super::check_both;

#[test]
fn the_calendar_is_that_of_the_library_where_it_has_one() {
    let mut date = civil::Date::MIN;
    // A step that meets every day of month and week, and all kinds of years.
    while let Ok(next) = date.checked_add(jiff::Span::new().days(11)) {
        date = next;
        let (year, month, day) = (date.year(), date.month(), date.day());
        let own = Date::new(year.into(), month.into(), day.into()).unwrap();
        assert_eq!(Date::from_epoch_days(own.epoch_days()), Some(own));
        assert_eq!(i64::from(own.weekday()), i64::from(date.weekday().to_monday_one_offset()));
        assert_eq!(i64::from(own.day_of_year()), i64::from(date.day_of_year()));
        assert_eq!(i64::from(own.week_of_year()), i64::from(date.iso_week_date().week()));
        assert_eq!(i64::from(own.last_of_month().day()), i64::from(date.last_of_month().day()));
    }
    let epoch = Date::new(1970, 1, 1).unwrap();
    assert_eq!((epoch.epoch_days(), epoch.weekday()), (0, 4));
}

#[test]
fn days_follow_each_other_around_the_turns_of_years_and_cycles() {
    for year in [-YEAR_MAX + 1, -400, -1, 0, 1, 1600, 1900, 2000, 10_000, 123_456_700, YEAR_MAX] {
        let start = Date::new(i64::from(year) - 1, 12, 25).unwrap();
        let mut before = start;
        for days in 1..=80 {
            let date = start.plus_days(days).unwrap();
            assert_eq!(date.epoch_days(), start.epoch_days() + days);
            assert!(date > before, "{date} {before}");
            assert_eq!(date.weekday() % 7, (before.weekday() + 1) % 7);
            let follows = date.day() == before.day() + 1 && date.month() == before.month();
            let new_month = date.day() == 1 && before == before.last_of_month();
            assert!(follows || new_month, "{before} {date}");
            before = date;
        }
    }
}

#[test]
fn dates_that_do_not_exist() {
    let year = i64::from(YEAR_MAX);
    for (year, month, day) in [
        (2023, 2, 29),
        (1900, 2, 29),
        (2024, 2, 30),
        (2024, 4, 31),
        (2024, 0, 1),
        (2024, 13, 1),
        (2024, 1, 0),
        (2024, 1, -1),
        (2024, 1, 257),
        (year + 1, 1, 1),
        (-year - 1, 12, 31),
        (i64::MAX, i64::MAX, i64::MAX),
        (i64::MIN, i64::MIN, i64::MIN),
    ] {
        assert_eq!(Date::new(year, month, day), None, "{year} {month} {day}");
    }
    assert!(Date::new(0, 2, 29).is_some() && Date::new(-4, 2, 29).is_some());
    assert!(Date::new(-1, 2, 29).is_none());
    for (hour, minute, second, nanosecond) in [
        (24, 0, 0, 0),
        (0, 60, 0, 0),
        (0, 0, 60, 0),
        (0, 0, 0, 1_000_000_000),
        (-1, 0, 0, 0),
        (i64::MAX, i64::MAX, i64::MAX, i64::MAX),
    ] {
        assert_eq!(TimeOfDay::new(hour, minute, second, nanosecond), None);
    }
}

#[test]
fn the_ends_of_the_calendar() {
    assert_eq!(Date::from_epoch_days(Date::MAX.epoch_days()), Some(Date::MAX));
    assert_eq!(Date::from_epoch_days(Date::MIN.epoch_days()), Some(Date::MIN));
    for days in [i64::MAX, i64::MIN, Date::MAX.epoch_days() + 1, Date::MIN.epoch_days() - 1] {
        assert_eq!(Date::from_epoch_days(days), None);
    }
    for amount in [1, i64::MAX] {
        assert_eq!(Date::MAX.plus_days(amount), None);
        assert_eq!(Date::MAX.plus_months(amount), None);
    }
    for amount in [-1, i64::MIN] {
        assert_eq!(Date::MIN.plus_days(amount), None);
        assert_eq!(Date::MIN.plus_months(amount), None);
    }
    assert_eq!(Date::MIN.months_until(Date::MAX), 2 * 12 * i64::from(YEAR_MAX) + 11);
    assert_eq!(Date::MIN.plus_months(Date::MIN.months_until(Date::MAX)).unwrap().month(), 12);
}

#[test]
fn functions_that_say_something_of_a_date() {
    check_both(&[
        ("day of week(date(999999999, 12, 31))", "Friday"),
        ("day of week(date(-999999999, 1, 1))", "Monday"),
        ("day of year(date(0, 12, 31))", "366"),
        ("week of year(date(-999999999, 1, 1))", "1"),
        ("month of year(date(-1, 2, 1))", "February"),
        ("last day of month(date(-4, 2, 1)).day", "29"),
        ("date(999999999, 12, 31).year", "999999999"),
        ("date(-999999999, 12, 31).year", "-999999999"),
        ("date(1000000000, 1, 1)", "null"),
        ("date(2021, 2, 29)", "null"),
        ("date(10 ** 30, 1, 1)", "null"),
        (
            "years and months duration(date(-999999999,1,1), date(999999999,12,31))",
            "P1999999998Y11M",
        ),
        ("years and months duration(@\"2020-02-29\", @\"2021-02-28\")", "P11M"),
    ]);
}
