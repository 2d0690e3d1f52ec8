//! Which path is answered where, and what is true of every answer.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, patch, post, put};
use serde::Serialize;

use super::audit::{self, audited};
use super::caller::{is_program, is_same_site, is_unsafe};
use super::problem::Problem;
use super::{
    App, Shared, appointments, door, events, health, links, patients, providers, quality, seats, site, visits, watching,
};

/// Entries of the longest list. What is more is found by asking more narrowly.
pub(super) const LIST_MAX: u32 = 500;

pub(super) const BASE: &str = "/api/v1";

/// Everything this server answers: the API, and `pages` for every other path.
pub fn router(app: App, pages: Router) -> Router {
    let app: Shared = Arc::new(app);
    let api = Router::new()
        .route("/providers", get(providers::list).post(providers::add))
        .route("/providers/{provider}", get(providers::one))
        .route("/patients", get(patients::list).post(patients::add))
        .route("/patients/{patient}", get(patients::one))
        .route("/appointments", get(appointments::list).post(appointments::add))
        .route("/appointments/{appointment}", get(appointments::one).patch(appointments::change).delete(appointments::cancel))
        .route("/appointments/{appointment}/links", post(links::add))
        .route("/appointments/{appointment}/links/{link}", delete(links::revoke))
        .route("/appointments/{appointment}/links/{link}/unlock", post(links::unlock))
        .route("/appointments/{appointment}/links/{link}/reissue", post(links::reissue))
        .route("/audit", get(audit::list))
        .route("/verify", post(door::verify))
        .route("/terms", get(door::terms_in_force))
        .route("/site", get(site::info))
        .route("/events", get(events::stream_of_several))
        .route("/visits/{visit}", get(visits::look))
        .route("/visits/{visit}/events", get(events::stream))
        .route("/visits/{visit}/quality", get(quality::look))
        .route("/visits/{visit}/ready", post(visits::ready).delete(visits::unready))
        .route("/visits/{visit}/admit", post(visits::admit))
        .route("/visits/{visit}/message", post(visits::tell))
        .route("/visits/{visit}/end", post(visits::end))
        .route("/visits/{visit}/participants/{participant}/step-out", post(visits::step_out))
        .route("/visits/{visit}/participants/{participant}/remove", post(visits::remove))
        .route("/visits/{visit}/seats", post(seats::sit))
        .route("/visits/{visit}/seats/{seat}", patch(seats::restart_ice).delete(seats::leave))
        .route("/visits/{visit}/seats/{seat}/sources", put(seats::set_sources))
        .route("/visits/{visit}/seats/{seat}/watching", put(watching::watch))
        .merge(machine())
        .fallback(nothing_here)
        .method_not_allowed_fallback(other_method)
        .layer(middleware::from_fn(own_pages_only))
        .layer(middleware::from_fn_with_state(Arc::clone(&app), audited));
    Router::new()
        .merge(machine().method_not_allowed_fallback(other_method))
        .nest(BASE, api)
        .with_state(app)
        .fallback_service(pages)
        .layer(middleware::from_fn(to_the_end))
        .layer(middleware::from_fn(strict_headers))
        .layer(middleware::from_fn(logged))
}

/// What watches the machine asks here, at the root as probes expect and beside the rest.
fn machine() -> Router<Shared> {
    Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
}

async fn nothing_here() -> Problem {
    Problem::not_found()
}

async fn other_method() -> Problem {
    Problem::method_not_allowed()
}

/// A page of another site may not make a browser change anything here, not even sign in.
async fn own_pages_only(request: Request, next: Next) -> Response {
    let headers = request.headers();
    if is_unsafe(request.method()) && !is_program(headers) && !is_same_site(headers) {
        return Problem::cross_site().into_response();
    }
    next.run(request).await
}

/// What has begun is done to the end, also when who asked has gone: a person half let in would be neither
/// in nor out. It also keeps a panic to the one request.
async fn to_the_end(request: Request, next: Next) -> Response {
    match tokio::spawn(next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            tracing::error!("a request failed inside");
            Problem::internal().into_response()
        }
    }
}

/// Strict by default; a page may be more exact where it must.
async fn strict_headers(request: Request, next: Next) -> Response {
    const HEADERS: [(HeaderName, &str); 9] = [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
             media-src 'self' blob:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
        ),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (header::STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (HeaderName::from_static("permissions-policy"), "camera=(self), microphone=(self), display-capture=(self)"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ];
    let mut response = next.run(request).await;
    for (name, value) in HEADERS {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// One line for each request: what was asked for, never by whom, and the path as its template.
async fn logged(request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let response = next.run(request).await;
    let ms = began.elapsed().as_millis();
    let (route, status) = (route.as_deref().unwrap_or("-"), response.status().as_u16());
    tracing::info!(%method, route, status, ms, "request");
    response
}

/// A list, and whether there is more than it shows.
#[derive(Serialize)]
pub(super) struct List<T> {
    items: Vec<T>,
    more: bool,
}

impl<T: Serialize> List<T> {
    /// Of up to one more than a list shows.
    pub(super) fn of(items: impl Iterator<Item = T>) -> List<T> {
        List::of_at_most(LIST_MAX, items)
    }

    /// Of up to one more than `most`.
    pub(super) fn of_at_most(most: u32, items: impl Iterator<Item = T>) -> List<T> {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let mut items: Vec<T> = items.collect();
        let more = items.len() > most;
        items.truncate(most);
        List { items, more }
    }
}

impl<T: Serialize> IntoResponse for List<T> {
    fn into_response(self) -> Response {
        axum::Json(self).into_response()
    }
}

/// Where something is.
pub(super) fn at(path: fmt::Arguments<'_>) -> (HeaderName, String) {
    (header::LOCATION, format!("{BASE}{path}"))
}

/// An id of a path. What is no id names nothing.
pub(super) fn identify<T: FromStr>(text: &str) -> Result<T, Problem> {
    text.parse().map_err(|_| Problem::not_found())
}
