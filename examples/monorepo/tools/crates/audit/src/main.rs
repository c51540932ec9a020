fn main() {
    println!("audit: {}", money::Cents(100));
}
