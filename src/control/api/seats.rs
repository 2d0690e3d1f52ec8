//! `/visits/{visit}/seats`: a seat is made by posting an offer (the shape of WHIP, RFC 9725).

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::Shared;
use super::audit::Recorded;
use super::body::{Json, Sdp, SdpFragment};
use super::caller::Caller;
use super::problem::Problem;
use super::routes::{at, identify};
use crate::base::Seat;
use crate::link::Sources;

pub(super) async fn sit(
    State(app): State<Shared>,
    caller: Caller,
    Path(visit): Path<String>,
    Sdp(offer): Sdp,
) -> Result<Response, Problem> {
    let visit = identify(&visit)?;
    let who = caller.participant(visit)?.participant;
    let (seat, leg, answer) = app.registry.sit(visit, who, &offer).await?;
    let location = at(format_args!("/visits/{visit}/seats/{seat}"));
    let headers = [location, (header::ETAG, format!("\"{leg}\"")), (header::CONTENT_TYPE, "application/sdp".to_owned())];
    Ok((StatusCode::CREATED, headers, Recorded, answer).into_response())
}

/// The page's network has changed: ICE begins anew on the same connection (RFC 9725 §4.3.3).
pub(super) async fn restart_ice(
    State(app): State<Shared>,
    caller: Caller,
    Path((visit, seat)): Path<(String, String)>,
    headers: HeaderMap,
    SdpFragment(fragment): SdpFragment,
) -> Result<Response, Problem> {
    let visit = identify(&visit)?;
    let who = caller.participant(visit)?.participant;
    let leg = match matched(&headers)? {
        "*" => None,
        // A tag that is none of ours matches nothing.
        tag => Some(tag.trim_matches('"').parse().map_err(|_| Problem::other_leg())?),
    };
    let (leg, answer) = app.registry.restart_ice(visit, who, numbered(&seat)?, leg, &fragment).await?;
    let headers = [(header::ETAG, format!("\"{leg}\"")), (header::CONTENT_TYPE, SdpFragment::TYPE.to_owned())];
    Ok((headers, answer).into_response())
}

pub(super) async fn leave(
    State(app): State<Shared>,
    caller: Caller,
    Path((visit, seat)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let visit = identify(&visit)?;
    let who = caller.participant(visit)?.participant;
    app.registry.leave(visit, who, numbered(&seat)?).await?;
    Ok((Recorded, StatusCode::NO_CONTENT).into_response())
}

#[derive(Deserialize)]
pub(super) struct SourcesMessage {
    microphone: bool,
    camera: bool,
    screen: bool,
}

pub(super) async fn set_sources(
    State(app): State<Shared>,
    caller: Caller,
    Path((visit, seat)): Path<(String, String)>,
    body: Json<SourcesMessage>,
) -> Result<Response, Problem> {
    let visit = identify(&visit)?;
    let who = caller.participant(visit)?.participant;
    let SourcesMessage { microphone, camera, screen } = body.value;
    app.registry.set_sources(visit, who, numbered(&seat)?, Sources { microphone, camera, screen }).await?;
    Ok((Recorded, StatusCode::NO_CONTENT).into_response())
}

/// What `If-Match` says. Without it nobody knows which connection is meant (RFC 9110 §13.1.1, RFC 6585 §3).
fn matched(headers: &HeaderMap) -> Result<&str, Problem> {
    let value = headers.get(header::IF_MATCH).ok_or_else(Problem::precondition_required)?;
    value.to_str().map_err(|_| Problem::other_leg())
}

pub(super) fn numbered(text: &str) -> Result<Seat, Problem> {
    text.parse().ok().and_then(Seat::new).ok_or_else(Problem::not_found)
}
