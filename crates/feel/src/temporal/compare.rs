//! Equality and order of times and date-times, which the dialects see differently.
//!
//! In Camunda's dialect a value with and one without zone do not compare at all, equality is that of
//! all parts (10:00 in one zone is not 09:00 in another at the same moment), and order is that of
//! moments; date-times at the same moment are ordered by their clocks and the names of their zones, so
//! that only equal ones are neither before nor after each other. In DMN's dialect both go by the value in seconds (DMN 10.3.2.3.4 and 10.3.2.3.6, fractions
//! left out), and a value without offset takes the offset of the other.

use std::cmp::Ordering;

use super::time::SECOND_NANOSECONDS;
use super::{DateTime, Time};
use crate::Dialect;

/// What `=` and `<` have to know of a value.
pub(crate) trait Moment: PartialEq {
    /// Whether the value has an offset or a zone.
    fn is_zoned(&self) -> bool;
    /// Nanoseconds as read from the clock.
    fn on_the_wall(&self) -> i128;
    /// Nanoseconds in UTC, if there is a zone.
    fn in_utc(&self) -> i128;
    /// The order of two values at the same moment in Camunda's dialect.
    fn order_of_simultaneous(&self, other: &Self) -> Ordering;

    /// Whether the values are equal; none if they do not compare.
    fn equals(&self, other: &Self, dialect: Dialect) -> Option<bool> {
        match dialect {
            Dialect::Camunda => (self.is_zoned() == other.is_zoned()).then(|| self == other),
            Dialect::Dmn => Some(in_seconds(self, other).is_eq()),
        }
    }

    /// The order of the values; none if they do not compare.
    fn order(&self, other: &Self, dialect: Dialect) -> Option<Ordering> {
        match dialect {
            Dialect::Camunda if self.is_zoned() != other.is_zoned() => None,
            Dialect::Camunda => {
                let order = self.in_utc().cmp(&other.in_utc());
                Some(order.then_with(|| self.order_of_simultaneous(other)))
            }
            Dialect::Dmn => Some(in_seconds(self, other)),
        }
    }
}

fn in_seconds<T: Moment + ?Sized>(left: &T, right: &T) -> Ordering {
    let seconds = |nanoseconds: i128| nanoseconds.div_euclid(i128::from(SECOND_NANOSECONDS));
    if left.is_zoned() && right.is_zoned() {
        seconds(left.in_utc()).cmp(&seconds(right.in_utc()))
    } else {
        // One without offset has that of the other: their clocks can be compared.
        seconds(left.on_the_wall()).cmp(&seconds(right.on_the_wall()))
    }
}

impl Moment for Time {
    fn is_zoned(&self) -> bool {
        self.zone.is_some()
    }

    fn on_the_wall(&self) -> i128 {
        i128::from(self.local.nanoseconds())
    }

    fn in_utc(&self) -> i128 {
        i128::from(self.utc_nanoseconds())
    }

    fn order_of_simultaneous(&self, _other: &Time) -> Ordering {
        Ordering::Equal
    }
}

impl Moment for DateTime {
    fn is_zoned(&self) -> bool {
        self.zone.is_some()
    }

    fn on_the_wall(&self) -> i128 {
        self.local_nanoseconds()
    }

    fn in_utc(&self) -> i128 {
        self.utc_nanoseconds()
    }

    fn order_of_simultaneous(&self, other: &DateTime) -> Ordering {
        let by_name = || match (&self.zone, &other.zone) {
            (Some(left), Some(right)) if left != right => left.id().cmp(&right.id()),
            _ => Ordering::Equal,
        };
        self.on_the_wall().cmp(&other.on_the_wall()).then_with(by_name)
    }
}
