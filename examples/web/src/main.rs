//! A small but real web service: JSON routes, logs, HTTPS, time zones, temporary files.

mod source;

use std::io::{Read, Seek, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::extract::Query;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tower_http::compression::CompressionLayer;
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::TraceLayer;
use tracing::info;

type Failure = (StatusCode, Json<Value>);

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .init();
    let port = match std::env::var("PORT") {
        Ok(text) => text.parse()?,
        Err(_) => 8080,
    };
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port))).await?;
    info!("listening on {}", listener.local_addr()?);
    // A container's first process gets no default action for SIGTERM: it must be asked for.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        result = axum::serve(listener, router()) => result?,
        _ = terminate.recv() => info!("SIGTERM: ending"),
        _ = interrupt.recv() => info!("SIGINT: ending"),
    }
    Ok(())
}

fn router() -> Router {
    Router::new()
        .route("/", get(|| async { source::GREETING }))
        .route(
            "/source",
            get(|| async {
                Json(json!({"revision": source::REVISION, "greeting": source::GREETING.trim()}))
            }),
        )
        .route("/https", get(https))
        .route("/time", get(time))
        .route("/tmp", get(temporary_file))
        .layer(CompressionLayer::new())
        .layer(TimeoutLayer::with_status_code(
            StatusCode::GATEWAY_TIMEOUT,
            Duration::from_secs(20),
        ))
        .layer(TraceLayer::new_for_http())
}

#[derive(Deserialize)]
struct HttpsQuery {
    url: String,
}

/// Fetch `url` over HTTPS, trusting the certificates that the image holds.
async fn https(Query(query): Query<HttpsQuery>) -> Result<Json<Value>, Failure> {
    let client = reqwest::Client::builder()
        .https_only(true)
        .build()
        .map_err(bad_gateway)?;
    let response = client.get(query.url).send().await.map_err(bad_gateway)?;
    let status = response.status().as_u16();
    let body = response.text().await.map_err(bad_gateway)?;
    Ok(Json(json!({"status": status, "body": body})))
}

#[derive(Deserialize)]
struct TimeQuery {
    zone: String,
    at: Option<String>,
}

/// Convert a moment to a time zone, with the zone files that the image holds.
async fn time(Query(query): Query<TimeQuery>) -> Result<Json<Value>, Failure> {
    let local = convert(&query).map_err(|error| (StatusCode::BAD_REQUEST, failure(&error)))?;
    Ok(Json(json!({"local": local.to_string()})))
}

fn convert(query: &TimeQuery) -> Result<jiff::Zoned, jiff::Error> {
    let moment = match &query.at {
        Some(text) => text.parse()?,
        None => jiff::Timestamp::now(),
    };
    moment.in_tz(&query.zone)
}

/// Write a temporary file and read it back.
async fn temporary_file() -> Result<Json<Value>, Failure> {
    let text =
        write_and_read().map_err(|error| (StatusCode::INTERNAL_SERVER_ERROR, failure(&error)))?;
    Ok(Json(json!({"read": text})))
}

fn write_and_read() -> std::io::Result<String> {
    let mut file = tempfile::tempfile()?;
    file.write_all(b"written to the temporary folder")?;
    file.rewind()?;
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok(text)
}

fn bad_gateway(error: reqwest::Error) -> Failure {
    (StatusCode::BAD_GATEWAY, failure(&error))
}

/// The error with all its causes: the first alone seldom says what is wrong.
fn failure(error: &dyn std::error::Error) -> Json<Value> {
    let mut causes = vec![error.to_string()];
    let mut next = error.source();
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = cause.source();
    }
    Json(json!({"error": causes.join(": ")}))
}
