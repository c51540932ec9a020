fn main() {
    let told = serde_json::to_string(&catalog::items()).expect("items are plain data");
    println!("worker: {told}");
}
