//! Bodies, bounded in size, time and shape.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, OptionalFromRequest, Request};
use axum::http::{HeaderMap, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;

use super::Shared;
use super::problem::Problem;

/// Bytes of the largest JSON body. The largest that means anything has a few hundred.
const JSON_MAX: usize = 64 * 1024;
/// Bytes of the largest SDP. A browser's offer for all that a seat has is around 12 KiB.
const SDP_MAX: usize = 256 * 1024;
/// How long a body may take. A phone at the edge of its network sends an offer within it.
const ARRIVES_WITHIN: Duration = Duration::from_secs(10);

/// A JSON body, with the bytes it came in.
pub(super) struct Json<T> {
    pub(super) value: T,
    pub(super) bytes: Bytes,
}

impl<T: DeserializeOwned> FromRequest<Shared> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &Shared) -> Result<Self, Problem> {
        if !is_of_type(request.headers(), "application/json") {
            return Err(Problem::wants_json());
        }
        let bytes = collect(request, JSON_MAX).await?;
        // serde_json stops at a depth of 128, refuses numbers beyond a double, and lone surrogates; serde
        // refuses a field that comes twice.
        let value = serde_json::from_slice(&bytes).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => Problem::wrong_shape(),
            serde_json::error::Category::Io | serde_json::error::Category::Syntax | serde_json::error::Category::Eof => {
                Problem::malformed_json()
            }
        })?;
        Ok(Json { value, bytes })
    }
}

/// A JSON body that may be left out: then there is neither a type nor a length.
impl<T: DeserializeOwned> OptionalFromRequest<Shared> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Shared) -> Result<Option<Self>, Problem> {
        if request.headers().contains_key(header::CONTENT_TYPE) {
            return <Json<T> as FromRequest<Shared>>::from_request(request, app).await.map(Some);
        }
        if collect(request, JSON_MAX).await?.is_empty() { Ok(None) } else { Err(Problem::wants_json()) }
    }
}

/// An SDP body.
pub(super) struct Sdp(pub(super) String);

impl FromRequest<Shared> for Sdp {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &Shared) -> Result<Self, Problem> {
        text(request, "application/sdp", Problem::wants_sdp).await.map(Sdp)
    }
}

/// A fragment of SDP (RFC 8840).
pub(super) struct SdpFragment(pub(super) String);

impl SdpFragment {
    pub(super) const TYPE: &'static str = "application/trickle-ice-sdpfrag";
}

impl FromRequest<Shared> for SdpFragment {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &Shared) -> Result<Self, Problem> {
        text(request, SdpFragment::TYPE, Problem::wants_fragment).await.map(SdpFragment)
    }
}

async fn text(request: Request, of_type: &str, other_type: fn() -> Problem) -> Result<String, Problem> {
    if !is_of_type(request.headers(), of_type) {
        return Err(other_type());
    }
    let bytes = collect(request, SDP_MAX).await?;
    String::from_utf8(bytes.into()).map_err(|_| Problem::offer_rejected("the offer is not UTF-8".to_owned()))
}

/// Whether the body says to be of this media type, whatever its parameters.
fn is_of_type(headers: &HeaderMap, wanted: &str) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(wanted)
}

async fn collect(request: Request<Body>, most: usize) -> Result<Bytes, Problem> {
    // What announces to be too large is refused before the first byte of it is read.
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > most as u64) {
        return Err(Problem::body_too_large());
    }
    let collected = tokio::time::timeout(ARRIVES_WITHIN, Limited::new(request.into_body(), most).collect()).await;
    match collected {
        Err(_) => Err(Problem::body_timeout()),
        Ok(Err(error)) if error.downcast_ref::<LengthLimitError>().is_some() => Err(Problem::body_too_large()),
        Ok(Err(_)) => Err(Problem::incomplete_body()),
        Ok(Ok(body)) => Ok(body.to_bytes()),
    }
}
