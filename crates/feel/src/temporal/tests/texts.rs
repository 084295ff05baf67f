use super::super::{at_literal, date, date_time, duration, time, zone};
use super::{check, check_both};
use crate::{Dialect, Value};

#[test]
fn dates() {
    check(&[
        (r#"date("2017-12-31")"#, "2017-12-31", "2017-12-31"),
        (r#"date("-2017-12-31")"#, "-2017-12-31", "-2017-12-31"),
        (r#"date("0000-02-29")"#, "0000-02-29", "0000-02-29"),
        (r#"date("-0001-01-01")"#, "-0001-01-01", "-0001-01-01"),
        (r#"date("99999-12-31")"#, "+99999-12-31", "99999-12-31"),
        (r#"date("999999999-12-31")"#, "+999999999-12-31", "999999999-12-31"),
        (r#"date("-999999999-12-31")"#, "-999999999-12-31", "-999999999-12-31"),
    ]);
    for text in [
        "",
        "-",
        "--",
        "2017",
        "2017-12",
        "+2017-12-31",
        "+99999-12-31",
        "998-12-31",
        "01211-12-31",
        "1000000000-01-01",
        "99999999999999999999-01-01",
        "2017-1-01",
        "2017-01-1",
        "2017-13-01",
        "2017-02-29",
        "-0000-01-01",
        "2017-12-31T",
        "2017-12-31Z",
        "2017-12-31+01:00",
        " 2017-12-31",
        "2017-12-31 ",
        "2017/12/31",
        "--2017-12-31",
        "2017--12-31",
        "２０１７-12-31",
        "2017-12-31-01",
        "20171231",
    ] {
        assert_eq!(date(text), None, "{text}");
    }
}

#[test]
fn times() {
    check(&[
        (r#"time("23:59:59.999999999")"#, "23:59:59.999999999", "23:59:59.999999999"),
        (r#"time("10:00:00.10")"#, "10:00:00.1", "10:00:00.1"),
        (r#"time("T10:00:00Z")"#, "10:00:00Z", "10:00:00Z"),
        (r#"time("10:00:00-00:00")"#, "10:00:00Z", "10:00:00Z"),
        (r#"time("10:00:00+18:00")"#, "10:00:00+18:00", "10:00:00+18:00"),
        (r#"time("10:00:00-18:00")"#, "10:00:00-18:00", "10:00:00-18:00"),
        (r#"time("10:00:00+14:00")"#, "10:00:00+14:00", "10:00:00+14:00"),
        (r#"time("10:00:00@Asia/Dhaka")"#, "10:00:00@Asia/Dhaka", "10:00:00@Asia/Dhaka"),
        (r#"time("24:00:00")"#, "00:00:00", "00:00:00"),
        // What only one dialect reads.
        (r#"time("10:00")"#, "10:00:00", "null"),
        (r#"time("10:00:00@+05:30")"#, "10:00:00+05:30", "null"),
        (r#"time("10:00:00@Z")"#, "10:00:00Z", "null"),
        (r#"time("10:00:00+02:45:55")"#, "null", "10:00:00+02:45:55"),
        (r#"time("10:00:00z")"#, "null", "10:00:00Z"),
        // A date is midnight in UTC.
        (r#"time(date("2017-08-10"))"#, "00:00:00Z", "00:00:00Z"),
        (r#"date and time(date("2017-08-10"))"#, "null", "2017-08-10T00:00:00Z"),
        (
            r#"time(10, 0, 0.5, duration("-PT2H45M55S"))"#,
            "10:00:00.5-02:45:55",
            "10:00:00.5-02:45:55",
        ),
        (r#"time(10, 0, 0, duration("PT18H0M1S"))"#, "null", "null"),
        (r#"time(24, 0, 0)"#, "null", "null"),
    ]);
    for text in [
        "",
        ":",
        "::",
        "7:00:00",
        "07:1:00",
        "07:01:2",
        "24:00:01",
        "24:01:00",
        "24:00:00.000000001",
        "25:00:00",
        "00:60:00",
        "23:59:60",
        "10:00:00.1234567890",
        "10:00:00.",
        "10:00:00:00",
        "10:00:00+19:00",
        "10:00:00+0530",
        "10:00:00+05",
        "10:00Z",
        "10:00@Europe/Berlin",
        "10:00:00+18:00:01",
        "10:00:00+5:00",
        "10:00:00+05:60",
        "10:00:00+",
        "10:00:00@",
        "10:00:00@Nowhere/Else",
        "10:00:00@europe/paris",
        "10:00:00+02:00@Europe/Paris",
        "10:00:00T",
        "TT10:00:00",
        "-10:00:00",
    ] {
        // A point without digits behind it is no fraction of a time, but Camunda's dialect takes it.
        let lenient = text == "10:00:00.";
        assert_eq!(time(text, Dialect::Dmn).is_some(), lenient, "{text}");
        assert_eq!(time(text, Dialect::Camunda).is_some(), lenient, "{text}");
    }
}

#[test]
fn date_times() {
    check(&[
        (
            r#"date and time("999999999-12-31T23:59:59.999999999@Europe/Paris")"#,
            "999999999-12-31T23:59:59.999999999@Europe/Paris",
            "999999999-12-31T23:59:59.999999999@Europe/Paris",
        ),
        (
            r#"date and time("-999999999-01-01T00:00:00+18:00")"#,
            "-999999999-01-01T00:00:00+18:00",
            "-999999999-01-01T00:00:00+18:00",
        ),
        (r#"date and time("2017-12-31")"#, "2017-12-31T00:00:00", "2017-12-31T00:00:00"),
        // Only XML Schema has the end of a day.
        (r#"date and time("2016-12-31T24:00:00")"#, "null", "2017-01-01T00:00:00"),
        (r#"date and time("2016-02-28T24:00:00Z")"#, "null", "2016-02-29T00:00:00Z"),
        (r#"date and time("999999999-12-31T24:00:00")"#, "null", "null"),
        (r#"date and time("2017-12-31T10:00")"#, "2017-12-31T10:00:00", "null"),
        (
            r#"date and time("2017-12-31T10:00:00+01:00[Europe/Berlin]")"#,
            "2017-12-31T10:00:00@Europe/Berlin",
            "null",
        ),
    ]);
    for text in [
        "",
        "T",
        "11:00:00",
        "2011-12-0310:15:30",
        "2011-12-03T10:15:30+01:00@Europe/Paris",
        "2017-12-31T",
        "2017-12-31TT10:00:00",
        "2017-12-31t10:00:00",
        "+99999-12-01T11:22:33",
        "2017-12-31T25:00:00",
        "2017-12-31T10:00:00[",
        "2017-12-31T10:00:00]",
    ] {
        assert_eq!(date_time(text, Dialect::Dmn), None, "{text}");
        assert_eq!(date_time(text, Dialect::Camunda), None, "{text}");
    }
}

#[test]
fn durations() {
    check(&[
        (r#"duration("P1DT2H3M4.123456789S")"#, "P1DT2H3M4S", "P1DT2H3M4.123456789S"),
        (r#"duration("-PT0.5S")"#, "-PT1S", "-PT0.5S"),
        (r#"duration("PT0S")"#, "P0D", "PT0S"),
        (r#"duration("-P0D")"#, "P0D", "PT0S"),
        (r#"duration("PT0.S")"#, "P0D", "PT0S"),
        (r#"duration("P0M")"#, "P0Y", "P0M"),
        (r#"duration("-P100M")"#, "-P8Y4M", "-P8Y4M"),
        (r#"duration("PT1000M0.999999999S")"#, "PT16H40M", "PT16H40M0.999999999S"),
        (r#"duration("P999999999999Y")"#, "null", "P999999999999Y"),
        (r#"duration("P768614336404564650Y")"#, "null", "P768614336404564650Y"),
        (r#"duration("P768614336404564651Y")"#, "null", "null"),
        (
            r#"duration("PT9223372036854775807S")"#,
            "P106751991167300DT15H30M7S",
            "P106751991167300DT15H30M7S",
        ),
        (r#"duration("PT9223372036854775808S")"#, "null", "null"),
        (r#"duration("P9223372036854775807D")"#, "null", "null"),
        (r#"duration("P106751991167300DT9223372036854775807S")"#, "null", "null"),
        // Signs inside of a duration are Java's.
        (r#"duration("P1DT-1H")"#, "PT23H", "null"),
        (r#"duration("P-1D")"#, "-P1D", "null"),
        (r#"duration("-P-1Y")"#, "P1Y", "null"),
        (
            r#"string([duration("P0D"), date("99999-01-01")])"#,
            "[P0D, +99999-01-01]",
            "[PT0S, 99999-01-01]",
        ),
    ]);
    for text in [
        "",
        "P",
        "-P",
        "--P1D",
        "+P1D",
        "P0",
        "1Y",
        "1D",
        "P1H",
        "P1S",
        "PT",
        "P1DT",
        "P1W",
        "P1Y1D",
        "P1M1D",
        "P1YT1H",
        "PT1.5H",
        "P1.5D",
        "PT.5S",
        "PT1.1234567890S",
        "PT1S1S",
        "P1D1D",
        "p1d",
        "P1D ",
        "PP1D",
        "P１D",
    ] {
        assert!(duration(text, Dialect::Dmn).is_none(), "{text}");
        assert!(duration(text, Dialect::Camunda).is_none(), "{text}");
    }
}

#[test]
fn what_is_written_is_read_again() {
    for text in [
        "2020-02-29",
        "-0001-01-01",
        "0000-12-31",
        "10:00:00",
        "10:00:00.000000001Z",
        "PT0.000000001S",
        "10:00:00-00:00:01",
        "2020-02-29T10:00:00@Europe/Berlin",
        "12345-06-07T08:09:10.11-17:59:59",
        "P1Y1M",
        "999999999-12-31T23:59:59.999999999Z",
        "-P1DT23H59M59.999999999S",
        "PT0S",
        "P0M",
    ] {
        let value = at_literal(text, Dialect::Dmn).unwrap();
        assert_eq!(value.shown_in(Dialect::Dmn).to_string(), text);
    }
}

#[test]
fn texts_of_a_megabyte() {
    const LENGTH: usize = 1024 * 1024;
    for part in ["1", "-", "-1", ":", "T", "P1", "1D", "Z", "@", "[", "é"] {
        let long = part.repeat(LENGTH / part.len());
        for head in ["", "2020-01-01T10:00:00", "PT", "10:00:00@"] {
            let text = format!("{head}{long}");
            assert_eq!(at_literal(&text, Dialect::Camunda), None, "{head}{part}");
        }
        assert_eq!(at_literal(&long, Dialect::Dmn), None, "{part}");
        assert_eq!(zone(&long, Dialect::Camunda), None, "{part}");
    }
    // Zeros in front of a number mean nothing, however many.
    let zeros = format!("PT{}1S", "0".repeat(LENGTH));
    assert_eq!(duration(&zeros, Dialect::Dmn), duration("PT1S", Dialect::Dmn));
}

#[test]
fn properties() {
    check(&[
        (r#"@"10:11:12.5".second"#, "12", "12.5"),
        (r#"@"2020-01-01T10:11:12.25Z".second"#, "12", "12.25"),
        (r#"@"PT1.5S".seconds"#, "1", "1.5"),
        (r#"@"-PT1.5S".seconds"#, "-2", "-1.5"),
    ]);
    check_both(&[
        (r#"@"10:11:12".second"#, "12"),
        (r#"@"2020-01-01T10:11:12Z".timezone"#, "null"),
        (r#"@"2020-01-01T10:11:12@Etc/UTC".timezone"#, "Etc/UTC"),
        (r#"string(@"2020-01-01T10:11:12-00:30".time offset)"#, "-PT30M"),
        (r#"string(@"1800-01-01T00:00:00@Europe/Berlin".time offset)"#, "PT53M28S"),
        (r#"@"-P14M".years"#, "-1"),
        (r#"@"-P14M".months"#, "-2"),
    ]);
    assert!(matches!(super::value(r#"@"10:00:00".time offset"#, Dialect::Dmn), Value::Null));
}
