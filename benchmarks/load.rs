//! Ask a server on this machine for a path over many connections at once, and print how many answers came.
//!
//! load PORT PATH CONNECTIONS SECONDS

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

fn main() {
    let words: Vec<String> = std::env::args().collect();
    let address = format!("127.0.0.1:{}", words[1]);
    let request = format!("GET {} HTTP/1.1\r\nHost: localhost\r\n\r\n", words[2]);
    let connections: usize = words[3].parse().unwrap();
    let end = Instant::now() + Duration::from_secs(words[4].parse().unwrap());
    let threads: Vec<_> = (0..connections)
        .map(|_| {
            let (address, request) = (address.clone(), request.clone());
            std::thread::spawn(move || {
                let mut stream = TcpStream::connect(address).unwrap();
                stream.set_nodelay(true).unwrap();
                let (mut answers, mut buffer) = (0u64, [0u8; 4096]);
                while Instant::now() < end {
                    stream.write_all(request.as_bytes()).unwrap();
                    // An answer of these fits into one packet.
                    if stream.read(&mut buffer).unwrap() == 0 {
                        break;
                    }
                    answers += 1;
                }
                answers
            })
        })
        .collect();
    println!("{}", threads.into_iter().map(|each| each.join().unwrap()).sum::<u64>());
}
