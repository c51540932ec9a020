fn main() {
    println!("exporter: {}", money::Cents(100));
}
