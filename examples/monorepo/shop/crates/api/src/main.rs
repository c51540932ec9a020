use std::env;
use tiny_http::{Response, Server};

fn main() {
    let port = env::var("PORT").unwrap_or("8080".into());
    let server = Server::http(format!("0.0.0.0:{port}")).expect("no port to listen on");
    for request in server.incoming_requests() {
        let body = serde_json::to_string(&catalog::items()).expect("items are plain data");
        let _ = request.respond(Response::from_string(body));
    }
}
