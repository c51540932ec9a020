fn main() {
    let told = catalog::items()
        .iter()
        .filter(|item| item.name.contains('a'))
        .count();
    println!("search: {told}");
}
