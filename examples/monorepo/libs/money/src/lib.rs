//! Amounts, as all services write them.

use serde::Serialize;
use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Cents(pub u64);

impl fmt::Display for Cents {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{}.{:02} EUR", self.0 / 100, self.0 % 100)
    }
}

#[test]
fn cents_have_two_digits() {
    assert_eq!(Cents(1205).to_string(), "12.05 EUR");
}
