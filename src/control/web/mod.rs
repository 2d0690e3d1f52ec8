//! The pages, as they are sent: plain HTML, CSS and JavaScript modules inside the binary, no build step and
//! nothing from elsewhere.
//!
//! One document holds every step of a visit, because the camera's stream must live from the devices step into
//! the visit. A link carries its token in the fragment, which no browser sends: these answers are the same for
//! everybody and hold nothing about anybody.

use aws_lc_rs::digest::{SHA256, digest};
use axum::Router;
use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use axum::routing::get;
use data_encoding::BASE64URL_NOPAD;

/// What a page may load: its own files. No inline script or style, no frame around it, and no text that turns
/// into markup, so a name with a `<script>` in it stays a name.
pub const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                          connect-src 'self'; media-src 'self' blob:; base-uri 'none'; form-action 'none'; \
                          frame-ancestors 'none'; require-trusted-types-for 'script'";

/// What of the device a page may use: camera, microphone, speaker, screen, and staying awake.
const PERMISSIONS: &str = "camera=(self), microphone=(self), speaker-selection=(self), display-capture=(self), \
                           screen-wake-lock=(self), geolocation=(), usb=(), payment=()";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// One embedded file and where it is found.
struct File {
    path: &'static str,
    content_type: &'static str,
    bytes: &'static [u8],
}

/// The one document, at every address that a person may type or be sent to.
const DOCUMENT: &[u8] = include_bytes!("pages/visit.html");

/// Embeds files of `pages/` under `/pages/`.
macro_rules! assets {
    ($($name:literal $content_type:ident,)*) => {
        &[$(File {
            path: concat!("/pages/", $name),
            content_type: $content_type,
            bytes: include_bytes!(concat!("pages/", $name)),
        }),*]
    };
}

static DOCUMENTS: &[File] = &[
    File { path: "/", content_type: HTML, bytes: DOCUMENT },
    File { path: "/join", content_type: HTML, bytes: DOCUMENT },
    File { path: "/provider", content_type: HTML, bytes: DOCUMENT },
];

static ASSETS: &[File] = assets![
    "style.css" CSS,
    "stage.css" CSS,
    "icons.svg" SVG,
    "mark.svg" SVG,
    "main.js" JAVASCRIPT,
    "text.js" JAVASCRIPT,
    "dom.js" JAVASCRIPT,
    "views.js" JAVASCRIPT,
    "session.js" JAVASCRIPT,
    "backoff.js" JAVASCRIPT,
    "clock.js" JAVASCRIPT,
    "stream.js" JAVASCRIPT,
    "support.js" JAVASCRIPT,
    "advice.js" JAVASCRIPT,
    "api.js" JAVASCRIPT,
    "events.js" JAVASCRIPT,
    "verify.js" JAVASCRIPT,
    "early.js" JAVASCRIPT,
    "capture.js" JAVASCRIPT,
    "devices.js" JAVASCRIPT,
    "offer.js" JAVASCRIPT,
    "meter.js" JAVASCRIPT,
    "speaker.js" JAVASCRIPT,
    "hints.js" JAVASCRIPT,
    "waiting.js" JAVASCRIPT,
    "visit.js" JAVASCRIPT,
    "connection.js" JAVASCRIPT,
    "fragment.js" JAVASCRIPT,
    "layers.js" JAVASCRIPT,
    "depth.js" JAVASCRIPT,
    "copies.js" JAVASCRIPT,
    "copier.js" JAVASCRIPT,
    "red.js" JAVASCRIPT,
    "tile.js" JAVASCRIPT,
    "tiles.js" JAVASCRIPT,
    "arrangement.js" JAVASCRIPT,
    "layout.js" JAVASCRIPT,
    "sight.js" JAVASCRIPT,
    "watching.js" JAVASCRIPT,
    "quality.js" JAVASCRIPT,
    "sharing.js" JAVASCRIPT,
    "host.js" JAVASCRIPT,
    "help.js" JAVASCRIPT,
    "awake.js" JAVASCRIPT,
];

/// Answers for every page. What is true of every answer of this server (`nosniff`, no referrer) is added around it.
pub fn router() -> Router {
    let mut router = Router::new();
    for file in DOCUMENTS {
        router = router.route(file.path, get(async || document(file)));
    }
    for file in ASSETS {
        let tag = entity_tag(file.bytes);
        router = router.route(file.path, get(async move |headers: HeaderMap| asset(file, &tag, &headers)));
    }
    router
}

/// The document is never stored: a shared computer keeps no trace of a visit, and an upgrade is seen at once.
fn document(file: &'static File) -> Response<Body> {
    let mut answer = respond(file, HeaderValue::from_static("no-store"));
    let headers = answer.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(HeaderName::from_static("permissions-policy"), HeaderValue::from_static(PERMISSIONS));
    answer
}

/// A module or style may be kept, and is asked about each time: after an upgrade no page mixes old and new.
fn asset(file: &'static File, tag: &HeaderValue, asked: &HeaderMap) -> Response<Body> {
    let mut answer = respond(file, HeaderValue::from_static("no-cache"));
    if asked.get(IF_NONE_MATCH).is_some_and(|known| matches(known, tag)) {
        *answer.status_mut() = StatusCode::NOT_MODIFIED;
        *answer.body_mut() = Body::empty();
    }
    answer.headers_mut().insert(ETAG, tag.clone());
    answer
}

fn respond(file: &'static File, cache: HeaderValue) -> Response<Body> {
    let mut answer = Response::new(Body::from(file.bytes));
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(file.content_type));
    headers.insert(CACHE_CONTROL, cache);
    answer
}

fn entity_tag(bytes: &[u8]) -> HeaderValue {
    let hash = BASE64URL_NOPAD.encode(digest(&SHA256, bytes).as_ref());
    HeaderValue::try_from(format!("\"{hash}\"")).expect("base64url and quotes are visible ASCII")
}

/// RFC 9110 §13.1.2: a list of tags, compared weakly, or `*`.
fn matches(asked: &HeaderValue, tag: &HeaderValue) -> bool {
    let (Ok(asked), Ok(tag)) = (asked.to_str(), tag.to_str()) else { return false };
    asked.split(',').map(str::trim).any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use axum::body::to_bytes;
    use axum::http::Request;
    use tower_service::Service;

    use super::*;

    async fn ask(path: &str, headers: &[(HeaderName, &str)]) -> Response<Body> {
        let mut request = Request::get(path);
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        router().call(request.body(Body::empty()).unwrap()).await.unwrap()
    }

    fn header(answer: &Response<Body>, name: HeaderName) -> String {
        answer.headers()[name].to_str().unwrap().to_owned()
    }

    #[test]
    fn every_file_of_the_folder_is_served() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/control/web/pages");
        let on_disk: BTreeSet<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != "visit.html")
            .map(|name| format!("/pages/{name}"))
            .collect();
        assert_eq!(on_disk, ASSETS.iter().map(|file| file.path.to_owned()).collect());
    }

    #[test]
    fn pages_name_only_what_is_served_here() {
        let served: BTreeSet<&str> = DOCUMENTS.iter().chain(ASSETS).map(|file| file.path).collect();
        for file in DOCUMENTS.iter().chain(ASSETS) {
            let text = std::str::from_utf8(file.bytes).unwrap();
            let outside = text.replace("http://www.w3.org/2000/svg", "");
            assert!(!outside.contains("://"), "{} names another place", file.path);
            for quote in ['"', '\'', '`'] {
                for word in text.split(quote) {
                    let path = word.split('#').next().unwrap();
                    let path = path.strip_prefix("./").map_or(path.to_owned(), |name| format!("/pages/{name}"));
                    if path.starts_with("/pages/") {
                        assert!(served.contains(path.as_str()), "{} names {path}", file.path);
                    }
                }
            }
        }
    }

    #[test]
    fn nothing_inline_that_the_policy_would_stop() {
        let html = std::str::from_utf8(DOCUMENT).unwrap();
        for forbidden in ["<style", " style=", " onclick=", " onload=", " onsubmit=", "javascript:"] {
            assert!(!html.contains(forbidden), "{forbidden}");
        }
        assert!(html.split("<script").skip(1).all(|tag| tag.contains(" src=\"/pages/") && tag.contains("\"></script>")));
        for file in ASSETS {
            for forbidden in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("] {
                assert!(!std::str::from_utf8(file.bytes).unwrap().contains(forbidden), "{} uses {forbidden}", file.path);
            }
        }
    }

    #[tokio::test]
    async fn the_document_is_never_stored_and_is_held_by_the_policy() {
        for path in ["/", "/join", "/provider"] {
            let answer = ask(path, &[]).await;
            assert_eq!(answer.status(), StatusCode::OK);
            assert_eq!(header(&answer, CONTENT_TYPE), HTML);
            assert_eq!(header(&answer, CACHE_CONTROL), "no-store");
            assert_eq!(header(&answer, CONTENT_SECURITY_POLICY), POLICY);
            assert_eq!(to_bytes(answer.into_body(), usize::MAX).await.unwrap(), DOCUMENT);
        }
    }

    #[tokio::test]
    async fn an_asset_that_has_not_changed_is_not_sent_again() {
        let first = ask("/pages/main.js", &[]).await;
        assert_eq!(header(&first, CONTENT_TYPE), JAVASCRIPT);
        let tag = header(&first, ETAG);
        for (known, status) in [
            (tag.clone(), StatusCode::NOT_MODIFIED),
            (format!("W/{tag}"), StatusCode::NOT_MODIFIED),
            (format!("\"old\", {tag}"), StatusCode::NOT_MODIFIED),
            ("*".to_owned(), StatusCode::NOT_MODIFIED),
            ("\"old\"".to_owned(), StatusCode::OK),
            (tag.trim_matches('"').to_owned(), StatusCode::OK),
        ] {
            let answer = ask("/pages/main.js", &[(IF_NONE_MATCH, &known)]).await;
            assert_eq!(answer.status(), status, "{known}");
            assert_eq!(header(&answer, ETAG), tag);
            let body = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
            assert_eq!(body.is_empty(), status == StatusCode::NOT_MODIFIED);
        }
    }

    #[tokio::test]
    async fn what_is_not_in_the_table_is_not_found() {
        for path in ["/pages/", "/pages/visit.html", "/pages/../mod.rs", "/pages/%2e%2e/mod.rs", "/index.html"] {
            assert_eq!(ask(path, &[]).await.status(), StatusCode::NOT_FOUND, "{path}");
        }
    }
}
