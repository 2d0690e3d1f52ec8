use std::sync::Arc;
use std::time::Duration;

use reqwest::{Method, StatusCode};
use rustls::pki_types::ServerName;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::world::{World, refused};
use crate::control::api::Limits;

#[tokio::test]
async fn garbage_is_refused_and_never_repeated() {
    let world = World::new().await;
    let deep = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
    let many: String = (0..5_000).map(|n| format!("\"k{n}\":1,")).collect();
    let huge = "x".repeat(70_000);
    for (body, status, code) in [
        ("", 400, "malformed_json"),
        ("{", 400, "malformed_json"),
        ("null", 422, "wrong_shape"),
        ("[]", 422, "wrong_shape"),
        (&*deep, 413, "body_too_large"),
        (&deep[..40_000], 422, "wrong_shape"),
        (r#"{"name":"a","name":"b","birth_date":"2000-01-01"}"#, 422, "wrong_shape"),
        (r#"{"name":"zzcanary","birth_date":"2000-01-01","zzcanary":1}"#, 422, "wrong_shape"),
        (r#"{"name":1e400,"birth_date":"2000-01-01"}"#, 400, "malformed_json"),
        (r#"{"name":99999999999999999999999,"birth_date":"2000-01-01"}"#, 422, "wrong_shape"),
        (r#"{"name":"\ud800","birth_date":"2000-01-01"}"#, 400, "malformed_json"),
        (&*format!("{{{many}\"name\":\"a\"}}"), 422, "wrong_shape"),
        (&*huge, 413, "body_too_large"),
        ("\u{0}\u{1}", 400, "malformed_json"),
    ] {
        let request = world.api(Method::POST, "/patients", &world.scheduler).header("content-type", "application/json");
        let problem = refused(request.body(body.to_owned()).send().await.unwrap(), status, code).await;
        assert!(!problem.to_string().contains("zzcanary"));
    }
    let not_utf8 = world.api(Method::POST, "/patients", &world.scheduler).header("content-type", "application/json");
    refused(not_utf8.body(vec![b'"', 0xff, b'"']).send().await.unwrap(), 400, "malformed_json").await;
    let untyped = world.api(Method::POST, "/patients", &world.scheduler).body("{}");
    refused(untyped.send().await.unwrap(), 415, "unsupported_media_type").await;
}

#[tokio::test]
async fn offers_are_bounded_and_typed() {
    let world = World::new().await;
    let (_, people) = world.four().await;
    let path = format!("/visits/{}/seats", people[0].visit);
    let ask = |kind: &'static str, body: String| {
        world.api(Method::POST, &path, &people[0].session).header("content-type", kind).body(body).send()
    };
    refused(ask("application/json", "{}".to_owned()).await.unwrap(), 415, "unsupported_media_type").await;
    refused(ask("application/sdp", "v=0".to_owned()).await.unwrap(), 422, "offer_rejected").await;
    refused(ask("application/sdp", String::new()).await.unwrap(), 422, "offer_rejected").await;
    refused(ask("application/sdp", "a".repeat(256 * 1024 + 1)).await.unwrap(), 413, "body_too_large").await;
    assert_eq!(world.media.commands.lock().unwrap().len(), 0);
}

#[tokio::test]
async fn every_answer_carries_strict_headers() {
    let world = World::new().await;
    for path in ["/join", "/api/v1/site", "/api/v1/nowhere", "/healthz", "/nowhere"] {
        let answer = world.ask(Method::GET, path).send().await.unwrap();
        let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
        assert!(header("content-security-policy").starts_with("default-src 'none'; script-src 'self'"), "{path}");
        assert_eq!(header("referrer-policy"), "no-referrer");
        assert_eq!(header("cache-control"), "no-store");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert!(header("strict-transport-security").starts_with("max-age="));
        assert!(header("permissions-policy").contains("camera=(self)"));
    }
}

#[tokio::test]
async fn readiness_follows_media() {
    let world = World::new().await;
    let ask = async || world.ask(Method::GET, "/readyz").send().await.unwrap();
    assert_eq!(ask().await.status(), StatusCode::OK);
    *world.media.workers.lock().unwrap() = 0;
    refused(ask().await, 503, "no_media").await;
}

async fn connect(world: &World) -> TlsStream<TcpStream> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(world.certificate.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(world.address).await.unwrap();
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap()
}

/// Reads until the other side closes.
async fn rest(stream: &mut TlsStream<TcpStream>) -> String {
    let mut bytes = Vec::new();
    // A connection cut off without a TLS goodbye is an error here, and is as closed.
    let _ = stream.read_to_end(&mut bytes).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hasty() -> Limits {
    let soon = Duration::from_millis(100);
    Limits { handshake_timeout: soon, header_timeout: soon, connections_per_address: 4, ..Limits::default() }
}

#[tokio::test]
async fn who_dawdles_is_hung_up_on() {
    let world = World::with(hasty()).await;
    let mut silent = TcpStream::connect(world.address).await.unwrap();
    assert_eq!(silent.read(&mut [0; 1]).await.unwrap_or(0), 0, "no handshake");
    let mut idle = connect(&world).await;
    assert_eq!(rest(&mut idle).await, "", "no request");
    let mut slow = connect(&world).await;
    slow.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow").await.unwrap();
    let said = rest(&mut slow).await;
    assert!(said.is_empty() || said.starts_with("HTTP/1.1 408"), "half a request: {said}");
}

#[tokio::test]
async fn one_address_has_only_so_many_connections_and_gets_them_back() {
    let world = World::with(Limits { connections_per_address: 2, ..Limits::default() }).await;
    let (mut one, two) = (connect(&world).await, connect(&world).await);
    let mut third = TcpStream::connect(world.address).await.unwrap();
    assert_eq!(third.read(&mut [0; 1]).await.unwrap_or(0), 0);
    one.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await.unwrap();
    assert!(rest(&mut one).await.ends_with("alive\n"));
    drop((one, two));
    assert_eq!(world.ask(Method::GET, "/healthz").send().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn requests_that_could_be_read_in_two_ways_are_refused() {
    let world = World::new().await;
    for request in [
        "GET /healthz HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: xchunked\r\n\r\n",
        "POST /api/v1/verify HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "GET /healthz HTTP/1.1\r\nHost: localhost\r\nA: b\r\n folded\r\n\r\n",
        "GET /healthz\r\n\r\n",
    ] {
        let mut stream = connect(&world).await;
        stream.write_all(request.as_bytes()).await.unwrap();
        let said = rest(&mut stream).await;
        assert!(said.is_empty() || said.starts_with("HTTP/1.1 400"), "{request:?}: {said}");
    }
}

#[tokio::test]
async fn too_many_or_too_large_headers_are_refused() {
    let world = World::new().await;
    let many: String = (0..100).map(|n| format!("X-{n}: 1\r\n")).collect();
    let large = format!("X-Large: {}\r\n", "x".repeat(64 * 1024));
    for headers in [many, large] {
        let mut stream = connect(&world).await;
        let request = format!("GET /healthz HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
        // It may hang up before it has read all of it.
        let _ = stream.write_all(request.as_bytes()).await;
        let said = rest(&mut stream).await;
        assert!(said.is_empty() || said.starts_with("HTTP/1.1 431"), "{said}");
    }
}

#[tokio::test]
async fn a_forged_forwarded_address_changes_nothing() {
    let world = World::new().await;
    let booked = world.booked().await;
    for n in 0..5 {
        let claim = json!({"link": booked.links[1], "birth_date": "2000-01-01", "terms": crate::control::verify::terms::VERSION});
        let request = world.ask(Method::POST, "/api/v1/verify").header("x-forwarded-for", format!("192.0.2.{n}"));
        refused(request.json(&claim).send().await.unwrap(), 403, "verification_failed").await;
    }
    let right = json!({"link": booked.links[1], "birth_date": "1948-02-29", "terms": crate::control::verify::terms::VERSION});
    refused(world.verify(&right).await, 403, "verification_failed").await;
}
