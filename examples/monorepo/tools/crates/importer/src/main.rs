fn main() {
    println!("importer: {}", money::Cents(100));
}
