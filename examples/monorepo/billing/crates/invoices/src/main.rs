fn main() {
    println!("invoices: {}", ledger::total());
}
