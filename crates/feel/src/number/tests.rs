use super::{Number, Rounding};

fn number(text: &str) -> Number {
    text.parse().unwrap()
}

#[test]
fn text_round_trips() {
    for text in ["0", "1", "-1", "1.10", "0.001", "-0.5", "100000000000000000000", "1.00"] {
        assert_eq!(number(text).to_string(), text);
    }
    assert_eq!(number(".5").to_string(), "0.5");
    assert_eq!(number("1e3").to_string(), "1E+3");
    assert_eq!(number("1.5e40").to_string(), "1.5E+40");
    assert_eq!(number("0.00000001").to_string(), "1E-8");
    assert_eq!(number("-0").to_string(), "0");
    for text in ["", ".", "1x", "--1", "1e", "e1", "1.2.3", "1e9999999"] {
        assert!(text.parse::<Number>().is_err(), "{text}");
    }
}

#[test]
fn digits_beyond_34_round_half_even() {
    let thirty_four = "1234567890123456789012345678901234";
    assert_eq!(number(&format!("{thirty_four}5")), number(&format!("{thirty_four}0")));
    assert_eq!(number(&format!("{thirty_four}51")), number(&format!("{}500", &thirty_four[..33])));
    assert_eq!(
        number(&format!("{thirty_four}500000000001")),
        number("1234567890123456789012345678901235e12")
    );
}

#[test]
fn arithmetic_keeps_scale_like_big_decimal() {
    let check = |value: Option<Number>, text: &str| assert_eq!(value.unwrap().to_string(), text);
    check(number("1.10").checked_add(number("2")), "3.10");
    check(number("1.5").checked_sub(number("1.5")), "0.0");
    check(number("1.10").checked_mul(number("2.0")), "2.200");
    check(number("10").checked_div(number("4")), "2.5");
    check(number("1").checked_div(number("3")), "0.3333333333333333333333333333333333");
    check(number("2").checked_div(number("3")), "0.6666666666666666666666666666666667");
    check(number("1").checked_div(number("8")), "0.125");
    check(number("100").checked_div(number("10")), "10");
    assert!(number("1").checked_div(Number::ZERO).is_none());
}

#[test]
fn wide_operands() {
    let nines = number(&"9".repeat(34));
    assert_eq!(
        nines.checked_mul(nines).unwrap(),
        number(&format!("{}8{}", "9".repeat(33), "0".repeat(34)))
    );
    assert_eq!(nines.checked_add(Number::ONE).unwrap(), number("1e34"));
    assert_eq!(nines.checked_add(number("0.5")).unwrap(), number("1e34"));
    assert_eq!(nines.checked_add(number("0.4")).unwrap(), nines);
    assert_eq!(number("1e34").checked_sub(number("1e-100")).unwrap(), number("1e34"));
    assert_eq!(nines.checked_div(nines).unwrap(), Number::ONE);
    assert_eq!(number("1e100").checked_add(Number::ONE).unwrap(), number("1e100"));
    assert!(number("1e8000").checked_mul(number("1e8000")).is_none());
    assert!(number("1e-8000").checked_mul(number("1e-8000")).unwrap().is_zero());
}

#[test]
fn order_is_numeric() {
    assert_eq!(number("1.0"), number("1"));
    assert!(number("-2") < number("-1.5"));
    assert!(number("1e20") > number("99999999999999999999"));
    assert!(number("0.1") < number("0.11"));
    assert_eq!(number("0.000"), Number::ZERO);
}

#[test]
fn rounding_modes() {
    let round = |text: &str, places, mode| number(text).round(places, mode).unwrap().to_string();
    assert_eq!(round("1.5", 0, Rounding::HalfEven), "2");
    assert_eq!(round("2.5", 0, Rounding::HalfEven), "2");
    assert_eq!(round("2.5", 0, Rounding::HalfUp), "3");
    assert_eq!(round("-2.5", 0, Rounding::HalfDown), "-2");
    assert_eq!(round("1.12", 1, Rounding::Up), "1.2");
    assert_eq!(round("-1.12", 1, Rounding::Floor), "-1.2");
    assert_eq!(round("-1.12", 1, Rounding::Ceiling), "-1.1");
    assert_eq!(round("1", 2, Rounding::HalfEven), "1.00");
}

#[test]
fn powers_and_modulo() {
    assert_eq!(number("2").checked_pow(number("10")).unwrap(), number("1024"));
    assert_eq!(number("2").checked_pow(number("-1")).unwrap(), number("0.5"));
    assert_eq!(number("2").checked_pow(number("0.5")).unwrap(), number("1.4142135623730951"));
    assert!(number("10").checked_pow(number("99999")).is_none());
    assert_eq!(number("-10").modulo(number("3")).unwrap(), number("2"));
    assert_eq!(number("10").modulo(number("-3")).unwrap(), number("-2"));
}

#[test]
fn doubles_and_integers() {
    assert_eq!(Number::from_f64(0.1).unwrap().to_string(), "0.1");
    assert_eq!(Number::from_f64(1e21).unwrap(), number("1e21"));
    assert_eq!(number("0.1").to_f64(), 0.1);
    assert_eq!(number("123456789012345678901234567890").to_f64(), 123456789012345678901234567890.0);
    assert!(Number::from_f64(f64::NAN).is_none());
    assert_eq!(Number::from(i64::MIN).to_i64(), Some(i64::MIN));
    assert_eq!(number("5.00").to_i64(), Some(5));
    assert_eq!(number("5.5").to_i64(), None);
    assert_eq!(number("5.9").truncate_to_i64(), Some(5));
}
