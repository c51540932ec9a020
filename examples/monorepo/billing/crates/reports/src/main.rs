fn main() {
    println!("reports: {}", ledger::total());
}
