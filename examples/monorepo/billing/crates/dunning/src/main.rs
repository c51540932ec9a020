fn main() {
    println!("dunning: {}", ledger::total());
}
