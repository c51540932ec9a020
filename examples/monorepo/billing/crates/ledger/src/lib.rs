//! Who owes what.

use money::Cents;

pub fn total() -> Cents {
    Cents([1200, 3400, 50].iter().sum())
}

pub fn as_json() -> String {
    serde_json::json!({ "total": total() }).to_string()
}

#[test]
fn the_total_is_that_of_all_entries() {
    assert_eq!(total(), Cents(4650));
}
