//! What the shop sells.

use money::Cents;
use serde::Serialize;

#[derive(Clone, Debug, Serialize)]
pub struct Item {
    pub name: &'static str,
    pub price: Cents,
}

pub fn items() -> Vec<Item> {
    vec![
        Item {
            name: "lamp",
            price: Cents(2500),
        },
        Item {
            name: "chair",
            price: Cents(8900),
        },
    ]
}

#[test]
fn a_lamp_is_on_sale() {
    assert!(items().iter().any(|item| item.name == "lamp"));
}
