use jiff::tz::TimeZone;

use super::*;

/// Milliseconds of a date-time.
fn at(text: &str) -> i64 {
    parse_date(text).expect("a date-time")
}

/// The date-time of milliseconds in a zone, for messages that can be read.
fn show(ms: i64, zone: &TimeZone) -> String {
    let zoned = Timestamp::from_millisecond(ms).expect("in range").to_zoned_datetime(zone.clone());
    zoned.strftime("%a %F %T %:z").to_string()
}

fn berlin() -> TimeZone {
    TimeZone::get("Europe/Berlin").expect("a zone")
}

mod dates {
    use super::*;

    #[test]
    fn with_an_offset_or_a_zone() {
        assert_eq!(at("1970-01-01T00:00:00Z"), 0);
        assert_eq!(at("1970-01-01T00:00Z"), 0);
        assert_eq!(at("1970-01-01T01:00:00+01:00"), 0);
        assert_eq!(at("1969-12-31T19:00:00-05:00"), 0);
        assert_eq!(at("1970-01-01T00:00:00.123456Z"), 123);
        assert_eq!(at("1970-01-01T01:00:00+01:00[Europe/Berlin]"), 0);
        assert_eq!(at("1970-01-01T01:00:00@Europe/Berlin"), 0);
        assert_eq!(at(" 1970-01-01T00:00:00Z\n"), 0);
    }

    #[test]
    fn without_a_place_are_refused() {
        for text in [
            "",
            "tomorrow",
            "2026-01-01",
            "2026-01-01T00:00:00",
            "00:00:00Z",
            "2026-01-01 00:00:00Z",
            "2026-01-01t00:00:00Z",
            "2026-02-30T00:00:00Z",
            "2026-01-01T25:00:00Z",
            "2026-01-01T00:00:00@Nowhere/City",
            "2026-01-01T00:00:00Z@Europe/Berlin",
            "2026-01-01T00:00:00+01:00[Nowhere/City]",
            "99999-01-01T00:00:00Z",
            "PT1S",
            "2026-01-01T00:00:00+",
            "T",
        ] {
            let error = parse_date(text).expect_err(text);
            assert!(error.to_string().contains("2026-01-31T13:00:00Z"), "{error}");
        }
    }

    #[test]
    fn that_are_endless_are_refused() {
        assert!(parse_date(&"2".repeat(2000)).is_err());
        assert!(Interval::parse(&"P".repeat(2000)).is_err());
        assert!(Cycle::parse(&"* ".repeat(2000)).is_err());
    }
}

mod intervals {
    use super::*;

    fn parts(text: &str) -> (i64, i64, i64) {
        let interval = Interval::parse(text).expect(text);
        (interval.months, interval.days, interval.time_ms)
    }

    #[test]
    fn of_every_unit() {
        assert_eq!(parts("P1Y2M3W4DT5H6M7.8S"), (14, 25, 18_367_800));
        assert_eq!(parts("PT30S"), (0, 0, 30_000));
        assert_eq!(parts("P2W"), (0, 14, 0));
        assert_eq!(parts("PT0.0019S"), (0, 0, 1));
        assert_eq!(parts("PT1,5S"), (0, 0, 1_500));
        assert_eq!(parts(" PT1S "), (0, 0, 1_000));
    }

    #[test]
    fn with_signs() {
        assert_eq!(parts("-PT1M"), (0, 0, -60_000));
        assert_eq!(parts("PT-1.5S"), (0, 0, -1_500));
        assert_eq!(parts("-P1DT-1H"), (0, -1, 3_600_000));
        assert_eq!(parts("+P+1D"), (0, 1, 0));
    }

    #[test]
    fn that_are_none() {
        for text in [
            "",
            "P",
            "PT",
            "T1H",
            "1H",
            "P1H",
            "PT1D",
            "P1",
            "PT1",
            "P1D2",
            "P1DT",
            "PT1M1H",
            "PT1H1H",
            "P1.5D",
            "PT1.5H",
            "PT1.S1",
            "PT.5S",
            "P-D",
            "P--1D",
            "--P1D",
            "PT1S ago",
            "P1Y1Y",
            "PT1.0000000001S",
            "P99999999999999999999D",
            "P9223372036854775807W",
            "P١D",
            "5 minutes",
            "pt1h",
            "P1dT1H",
            "R/PT1H",
        ] {
            let error = Interval::parse(text).expect_err(text);
            assert!(error.to_string().contains("PT30S"), "{error}");
        }
    }

    #[test]
    fn hours_are_exact_and_days_follow_the_calendar() {
        let before = at("2026-03-28T12:00:00+01:00");
        let due =
            |text: &str| show(parse_duration_due(text, before, &berlin()).expect(text), &berlin());
        assert_eq!(due("PT24H"), "Sun 2026-03-29 13:00:00 +02:00");
        assert_eq!(due("P1D"), "Sun 2026-03-29 12:00:00 +02:00");
    }

    #[test]
    fn months_end_where_the_month_ends() {
        let due = |text: &str| {
            let now = at("2026-01-31T00:00:00Z");
            show(parse_duration_due(text, now, &TimeZone::UTC).expect(text), &TimeZone::UTC)
        };
        assert_eq!(due("P1M"), "Sat 2026-02-28 00:00:00 +00:00");
        assert_eq!(due("P1Y1M"), "Sun 2027-02-28 00:00:00 +00:00");
        assert_eq!(due("P1M-1D"), "Fri 2026-02-27 00:00:00 +00:00");
        assert_eq!(due("P1MT1H"), "Sat 2026-02-28 01:00:00 +00:00");
    }

    #[test]
    fn in_the_past_are_due_before_now() {
        assert_eq!(parse_duration_due("-PT1S", 5_000, &TimeZone::UTC), Ok(4_000));
    }

    #[test]
    fn beyond_the_calendar_end_at_its_end() {
        let (first, last) = calendar::range();
        for text in ["P9000000Y", "PT900000000000H", "P99999999999D", "P9998Y", "P9999999Y-1D"] {
            assert_eq!(parse_duration_due(text, 0, &berlin()), Ok(last), "{text}");
            let negative = format!("-{text}");
            let due = parse_duration_due(&negative, 0, &berlin()).expect("a duration");
            assert!(due == first || text == "P9998Y", "{negative}");
        }
        for now in [i64::MIN, i64::MAX] {
            for text in ["P1D", "PT1H", "-P1D", "-PT1H", "P1M", "PT0S"] {
                let due = parse_duration_due(text, now, &berlin()).expect(text);
                assert!((first..=last).contains(&due), "{text} from {now}");
            }
        }
    }
}

mod cycles {
    use super::*;

    #[test]
    fn count_their_repetitions() {
        let repetitions = |text: &str| Cycle::parse(text).expect(text).repetitions_or_endless();
        assert_eq!(repetitions("R/PT1H"), -1);
        assert_eq!(repetitions("R-1/PT1H"), -1);
        assert_eq!(repetitions("R3/PT1H"), 3);
        assert_eq!(repetitions("R0/PT1H"), 0);
        assert_eq!(repetitions("R2147483647/PT1H"), i32::MAX);
        assert_eq!(repetitions("0 0 9 * * *"), -1);
    }

    #[test]
    fn fire_one_interval_after_the_other_without_drift() {
        let cycle = Cycle::parse("R3/PT10S").expect("a cycle");
        assert_eq!(cycle.first_due(1_000, &TimeZone::UTC), Some(11_000));
        assert_eq!(cycle.next_due(11_000, 14_000, &TimeZone::UTC), Some(21_000));
    }

    #[test]
    fn with_a_start_fire_there_first() {
        let cycle = Cycle::parse("R3/2026-01-01T00:00:00Z/P1D").expect("a cycle");
        let start = at("2026-01-01T00:00:00Z");
        assert_eq!(cycle.first_due(0, &TimeZone::UTC), Some(start));
        assert_eq!(cycle.first_due(start + 5, &TimeZone::UTC), Some(start));
        let next = at("2026-01-02T00:00:00Z");
        assert_eq!(cycle.next_due(start, start + 5, &TimeZone::UTC), Some(next));
    }

    #[test]
    fn may_start_in_a_zone_whose_name_has_a_slash() {
        let cycle = Cycle::parse("R/2026-01-01T00:00:00+01:00[Europe/Berlin]/PT1H");
        let start = at("2025-12-31T23:00:00Z");
        assert_eq!(cycle.expect("a cycle").first_due(0, &TimeZone::UTC), Some(start));
    }

    #[test]
    fn may_have_an_empty_start() {
        assert_eq!(Cycle::parse("R3//PT1H"), Cycle::parse("R3/PT1H"));
    }

    #[test]
    fn that_are_none() {
        for text in [
            "",
            "R",
            "R3",
            "R3/",
            "R3/1H",
            "R-2/PT1H",
            "R+1/PT1H",
            "Rx/PT1H",
            "R1.5/PT1H",
            "R2147483648/PT1H",
            "R3/PT1H/PT1H",
            "R3/2026-01-01/PT1H",
            "R3/PT1H/2026-01-01T00:00:00Z",
            "PT1H",
            "3/PT1H",
            "r3/PT1H",
        ] {
            assert!(Cycle::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn that_would_never_stop_at_one_instant_are_refused() {
        for text in ["R/PT0S", "R/-PT1H", "R/P1DT-24H", "R/PT0.0001S"] {
            let error = Cycle::parse(text).expect_err(text);
            assert!(error.to_string().contains("without end"), "{error}");
        }
        assert!(Cycle::parse("R3/PT0S").is_ok());
    }
}

mod cron {
    use super::*;

    /// The slots after an instant, as `Thu 2026-01-01 00:00:00 +00:00`.
    fn slots(text: &str, after: &str, zone: &TimeZone, count: usize) -> Vec<String> {
        let cron = Cron::parse(text).expect(text);
        let mut now = at(after);
        let mut slots = Vec::new();
        for _ in 0..count {
            let Some(next) = cron.next_after(now, zone) else { break };
            assert!(next > now, "{text}: a slot is after the time that it is asked for");
            slots.push(show(next, zone));
            now = next;
        }
        slots
    }

    /// Days of the next slots in UTC, for expressions that fire at midnight.
    fn days(text: &str, after: &str, count: usize) -> Vec<String> {
        let slots = slots(text, after, &TimeZone::UTC, count);
        slots
            .iter()
            .map(|slot| {
                let (day, time) = slot.split_at("Thu 2026-01-01".len());
                assert_eq!(time, " 00:00:00 +00:00", "{text}");
                day.to_owned()
            })
            .collect()
    }

    const NEW_YEAR: &str = "2026-01-01T00:00:00Z";

    #[test]
    fn fields_are_second_minute_hour_first() {
        let slots = slots("10 20 3 * * *", NEW_YEAR, &TimeZone::UTC, 2);
        assert_eq!(slots, ["Thu 2026-01-01 03:20:10 +00:00", "Fri 2026-01-02 03:20:10 +00:00"]);
    }

    #[test]
    fn the_next_slot_is_after_now_even_if_now_is_one() {
        let cron = Cron::parse("* * * * * *").expect("cron");
        assert_eq!(cron.next_after(0, &TimeZone::UTC), Some(1_000));
        assert_eq!(cron.next_after(1, &TimeZone::UTC), Some(1_000));
        assert_eq!(cron.next_after(-1, &TimeZone::UTC), Some(0));
        assert_eq!(cron.next_after(999, &TimeZone::UTC), Some(1_000));
    }

    #[test]
    fn lists_ranges_and_steps() {
        let times = |text: &str, count: usize| -> Vec<String> {
            let slots = slots(text, NEW_YEAR, &TimeZone::UTC, count);
            slots.iter().map(|slot| slot["Thu 2026-01-01 ".len()..][..8].to_owned()).collect()
        };
        assert_eq!(times("0 0 8-10 * * *", 4), ["08:00:00", "09:00:00", "10:00:00", "08:00:00"]);
        assert_eq!(times("0 0/30 8-9 * * *", 4), ["08:00:00", "08:30:00", "09:00:00", "09:30:00"]);
        assert_eq!(times("*/20 0 0 * * *", 3), ["00:00:20", "00:00:40", "00:00:00"]);
        assert_eq!(
            times("0 0 1,3,22-23 * * *", 4),
            ["01:00:00", "03:00:00", "22:00:00", "23:00:00"]
        );
        assert_eq!(times("0 10-40/15 5 * * *", 3), ["05:10:00", "05:25:00", "05:40:00"]);
    }

    #[test]
    fn names_of_days_and_months() {
        assert_eq!(
            days("0 0 0 * * MON-WED", NEW_YEAR, 3),
            ["Mon 2026-01-05", "Tue 2026-01-06", "Wed 2026-01-07"]
        );
        assert_eq!(days("0 0 0 1 feb,Jul *", NEW_YEAR, 2), ["Sun 2026-02-01", "Wed 2026-07-01"]);
        assert_eq!(days("0 0 0 ? * sun", NEW_YEAR, 1), ["Sun 2026-01-04"]);
    }

    #[test]
    fn sunday_is_0_and_7_and_may_begin_a_range() {
        for text in ["0 0 0 * * 0", "0 0 0 * * 7", "0 0 0 * * SUN"] {
            assert_eq!(days(text, NEW_YEAR, 2), ["Sun 2026-01-04", "Sun 2026-01-11"], "{text}");
        }
        assert_eq!(days("0 0 0 * * SUN-MON", NEW_YEAR, 2), ["Sun 2026-01-04", "Mon 2026-01-05"]);
        assert_eq!(days("0 0 0 * * SAT-SUN", NEW_YEAR, 2), ["Sat 2026-01-03", "Sun 2026-01-04"]);
    }

    #[test]
    fn ranges_of_days_and_months_go_round() {
        let found = days("0 0 0 * * SAT-MON", NEW_YEAR, 4);
        assert_eq!(found, ["Sat 2026-01-03", "Sun 2026-01-04", "Mon 2026-01-05", "Sat 2026-01-10"]);
        let found = days("0 0 0 * * FRI-TUE/2", NEW_YEAR, 3);
        assert_eq!(found, ["Fri 2026-01-02", "Sun 2026-01-04", "Tue 2026-01-06"]);
        let found = days("0 0 0 1 NOV-FEB *", "2026-01-15T00:00:00Z", 3);
        assert_eq!(found, ["Sun 2026-02-01", "Sun 2026-11-01", "Tue 2026-12-01"]);
        assert_eq!(days("0 0 0 * * 1-0", NEW_YEAR, 1), ["Fri 2026-01-02"]);
    }

    #[test]
    fn both_kinds_of_day_have_to_match() {
        assert_eq!(days("0 0 0 13 * FRI", NEW_YEAR, 2), ["Fri 2026-02-13", "Fri 2026-03-13"]);
    }

    #[test]
    fn last_days_of_the_month() {
        assert_eq!(days("0 0 0 L * *", NEW_YEAR, 2), ["Sat 2026-01-31", "Sat 2026-02-28"]);
        assert_eq!(days("0 0 0 L-3 * *", NEW_YEAR, 2), ["Wed 2026-01-28", "Wed 2026-02-25"]);
        assert_eq!(days("0 0 0 LW * *", NEW_YEAR, 2), ["Fri 2026-01-30", "Fri 2026-02-27"]);
        assert_eq!(days("0 0 0 1,L * *", NEW_YEAR, 2), ["Sat 2026-01-31", "Sun 2026-02-01"]);
    }

    #[test]
    fn the_nearest_weekday() {
        // 15 February is a Sunday, 15 August a Saturday.
        assert_eq!(days("0 0 0 15W 2 *", NEW_YEAR, 1), ["Mon 2026-02-16"]);
        assert_eq!(days("0 0 0 15W 8 *", NEW_YEAR, 1), ["Fri 2026-08-14"]);
        assert_eq!(days("0 0 0 15W 4 *", NEW_YEAR, 1), ["Wed 2026-04-15"]);
        // Never in another month: 1 August is a Saturday, 31 May a Sunday.
        assert_eq!(days("0 0 0 1W 8 *", NEW_YEAR, 1), ["Mon 2026-08-03"]);
        assert_eq!(days("0 0 0 31W 5 *", NEW_YEAR, 1), ["Fri 2026-05-29"]);
        assert_eq!(
            days("0 0 0 31W * *", NEW_YEAR, 3),
            ["Fri 2026-01-30", "Tue 2026-03-31", "Fri 2026-05-29"]
        );
    }

    #[test]
    fn days_of_the_week_counted_in_the_month() {
        assert_eq!(days("0 0 0 * * 5L", NEW_YEAR, 2), ["Fri 2026-01-30", "Fri 2026-02-27"]);
        assert_eq!(days("0 0 0 * * THUL", NEW_YEAR, 1), ["Thu 2026-01-29"]);
        assert_eq!(days("0 0 0 ? * 5#2", NEW_YEAR, 2), ["Fri 2026-01-09", "Fri 2026-02-13"]);
        assert_eq!(days("0 0 0 ? * MON#1", NEW_YEAR, 1), ["Mon 2026-01-05"]);
        assert_eq!(days("0 0 0 * * 0#5", NEW_YEAR, 1), ["Sun 2026-03-29"]);
    }

    #[test]
    fn macros() {
        let next = |text: &str| slots(text, "2026-01-01T00:30:00Z", &TimeZone::UTC, 1).remove(0);
        assert_eq!(next("@yearly"), "Fri 2027-01-01 00:00:00 +00:00");
        assert_eq!(next("@annually"), "Fri 2027-01-01 00:00:00 +00:00");
        assert_eq!(next("@monthly"), "Sun 2026-02-01 00:00:00 +00:00");
        assert_eq!(next("@weekly"), "Sun 2026-01-04 00:00:00 +00:00");
        assert_eq!(next("@Daily"), "Fri 2026-01-02 00:00:00 +00:00");
        assert_eq!(next("@midnight"), "Fri 2026-01-02 00:00:00 +00:00");
        assert_eq!(next("@hourly"), "Thu 2026-01-01 01:00:00 +00:00");
    }

    #[test]
    fn rare_slots_are_found_and_impossible_ones_are_none() {
        assert_eq!(days("0 0 0 29 2 *", NEW_YEAR, 2), ["Tue 2028-02-29", "Sun 2032-02-29"]);
        assert_eq!(days("0 0 0 29 2 SUN", "2096-01-01T00:00:00Z", 1), ["Sun 2128-02-29"]);
        for text in ["0 0 0 31 4 *", "0 0 0 30 2 *", "0 0 0 L 1 5#1"] {
            assert_eq!(days(text, NEW_YEAR, 1), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn an_hour_that_summer_time_leaves_out_does_not_happen() {
        let half_past_two = slots("0 30 2 * * *", "2026-03-28T12:00:00+01:00", &berlin(), 1);
        assert_eq!(half_past_two, ["Mon 2026-03-30 02:30:00 +02:00"]);
        let hourly = slots("0 0 * * * *", "2026-03-29T01:30:00+01:00", &berlin(), 1);
        assert_eq!(hourly, ["Sun 2026-03-29 03:00:00 +02:00"]);
    }

    #[test]
    fn an_hour_that_winter_time_repeats_happens_twice() {
        let slots = slots("0 30 2 * * *", "2026-10-24T12:00:00+02:00", &berlin(), 3);
        assert_eq!(
            slots,
            [
                "Sun 2026-10-25 02:30:00 +02:00",
                "Sun 2026-10-25 02:30:00 +01:00",
                "Mon 2026-10-26 02:30:00 +01:00"
            ]
        );
    }

    #[test]
    fn a_clock_put_back_over_midnight_loses_no_slot() {
        // St John's went from 00:01 back to 23:01 of the day before.
        let zone = TimeZone::get("America/St_Johns").expect("a zone");
        let slots = slots("30 0,30 0,23 * * *", "2010-11-06T23:31:00-02:30", &zone, 5);
        assert_eq!(
            slots,
            [
                "Sun 2010-11-07 00:00:30 -02:30",
                "Sat 2010-11-06 23:30:30 -03:30",
                "Sun 2010-11-07 00:00:30 -03:30",
                "Sun 2010-11-07 00:30:30 -03:30",
                "Sun 2010-11-07 23:00:30 -03:30",
            ]
        );
    }

    #[test]
    fn expressions_that_are_none() {
        for text in [
            "",
            "* * * * *",
            "* * * * * * *",
            "60 * * * * *",
            "* 60 * * * *",
            "* * 24 * * *",
            "* * * 0 * *",
            "* * * 32 * *",
            "* * * * 0 *",
            "* * * * 13 *",
            "* * * * * 8",
            "? * * * * *",
            "* * * * ? *",
            "10-5 * * * * *",
            "*/0 * * * * *",
            "1/2/3 * * * * *",
            "-1 * * * * *",
            "1- * * * * *",
            ", * * * * *",
            "1,,2 * * * * *",
            "* * * * JANUARY *",
            "* * * * * L",
            "* * * * * 5#0",
            "* * * * * 5#6",
            "* * * * * 8L",
            "* * * * * #2",
            "* * * W * *",
            "* * * 32W * *",
            "* * * L-0 * *",
            "* * * L-31 * *",
            "* * * LL * *",
            "a b c d e f",
            "@never",
            "256 * * * * *",
            "* * * * MON *",
        ] {
            assert!(Cron::parse(text).is_err(), "{text}");
        }
        let error = Cron::parse("* * 24 * * *").expect_err("no hour 24").to_string();
        assert_eq!(error, "the cron field hour cannot be `24`");
    }

    #[test]
    fn the_ends_of_time_are_no_panic() {
        for text in ["* * * * * *", "0 0 0 29 2 *", "0 0 0 1 1 *", "0 0 0 31 4 *"] {
            let cron = Cron::parse(text).expect(text);
            for now in [i64::MIN, i64::MAX, calendar::range().0, calendar::range().1] {
                let next = cron.next_after(now, &berlin());
                assert!(next.is_none_or(|next| next > now || now == i64::MAX), "{text} {now}");
            }
        }
    }

    #[test]
    fn slots_do_not_depend_on_where_the_search_starts() {
        let zone = berlin();
        for text in ["0 */7 1-4 * * SUN", "0 15 2,3 25-31 3,10 *", "0 0 0 LW 3 *"] {
            let cron = Cron::parse(text).expect(text);
            for start in ["2026-03-28T12:00:00+01:00", "2026-10-24T12:00:00+02:00"] {
                let start = at(start);
                let minutes = (0..24 * 60).map(|minute| start + minute * 60_000);
                let expected: Vec<i64> =
                    minutes.filter(|ms| cron.next_after(ms - 1, &zone) == Some(*ms)).collect();
                let mut found = Vec::new();
                let mut now = start - 1;
                while let Some(next) = cron.next_after(now, &zone) {
                    if next >= start + 24 * 60 * 60_000 {
                        break;
                    }
                    found.push(next);
                    now = next;
                }
                assert_eq!(found, expected, "{text}");
            }
        }
    }
}
