fn main() {
    let told = catalog::items()
        .iter()
        .map(|item| format!("{} for {}", item.name, item.price))
        .collect::<Vec<_>>()
        .join(", ");
    println!("mailer: {told}");
}
