//! Every refusal, as problem+json (RFC 9457). Nothing of what was sent is repeated in it.

use std::borrow::Cow;
use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Serialize;

use crate::control::registry::view::moment;
use crate::control::registry::visit::Refused;
use crate::control::registry::{MoveError, SeatError, VisitError};
use crate::control::schedule::Fault;
use crate::control::store::StoreError;

/// A refusal.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    code: &'static str,
    title: &'static str,
    detail: Cow<'static, str>,
    errors: Vec<Fault>,
    when: When,
}

/// When it is to be tried again.
#[derive(Debug)]
enum When {
    Unsaid,
    /// Boxed, because every answer that may be refused would be as large.
    Opens(Box<Opening>),
    AfterSeconds(u64),
}

#[derive(Debug)]
struct Opening {
    at: Timestamp,
    now: Timestamp,
}

/// Part of a refusal's answer: its code, for the record.
#[derive(Clone, Copy)]
pub(super) struct Code(pub(super) &'static str);

/// Its form on the wire.
#[derive(Serialize)]
struct Message<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    code: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<ErrorMessage<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    opens_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    now: Option<String>,
}

#[derive(Serialize)]
struct ErrorMessage<'a> {
    pointer: &'a str,
    code: &'a str,
    detail: &'a str,
}

/// Declares the refusals that always say the same.
macro_rules! problems {
    ($($name:ident $status:ident $code:literal $title:literal $detail:literal;)*) => {
        impl Problem {
            $(pub(super) fn $name() -> Problem {
                Problem::new(StatusCode::$status, $code, $title, $detail)
            })*
        }
    };
}

problems! {
    malformed_json BAD_REQUEST "malformed_json" "Malformed JSON" "The body is not JSON.";
    malformed_query BAD_REQUEST "malformed_query" "Malformed query" "A parameter of the query cannot be understood.";
    wrong_shape UNPROCESSABLE_ENTITY "wrong_shape" "Wrong shape" "The body is JSON, but not of the shape this resource takes: a field is missing, unknown, repeated or of another type.";
    incomplete_body BAD_REQUEST "incomplete_body" "Incomplete body" "The body ended early.";
    bad_key BAD_REQUEST "bad_idempotency_key" "Bad Idempotency-Key" "An Idempotency-Key has 1 to 128 visible ASCII characters.";
    unauthorized UNAUTHORIZED "unauthorized" "Not signed in" "Show a token or a session that is in force.";
    forbidden FORBIDDEN "forbidden" "Not allowed" "What you showed does not allow this.";
    cross_site FORBIDDEN "cross_site" "Another site" "This request did not come from this site's own pages.";
    verification_failed FORBIDDEN "verification_failed" "Not verified" "The link or the birth date is not right, or the link is no longer in force.";
    not_admitted FORBIDDEN "not_admitted" "Not admitted" "The provider has not let this person in.";
    not_found NOT_FOUND "not_found" "Not found" "There is nothing here, or not for you.";
    method_not_allowed METHOD_NOT_ALLOWED "method_not_allowed" "Method not allowed" "This resource does not take this method.";
    body_timeout REQUEST_TIMEOUT "body_timeout" "Too slow" "The body took too long to arrive.";
    room_full CONFLICT "room_full" "The room is full" "Every seat is taken or reserved.";
    leg_gone CONFLICT "leg_gone" "The connection is gone" "The person has another connection, or none. What is shown is said for the one that there is.";
    screen_taken CONFLICT "screen_taken" "A screen is being shared" "Someone else shares their screen. Ask them to stop, then share yours.";
    not_seated CONFLICT "not_seated" "Not in the visit" "This person has no seat in the visit.";
    is_provider CONFLICT "is_provider" "A provider" "A provider is not sent out by others: end the visit, or revoke their link.";
    rejoin_closed CONFLICT "rejoin_closed" "Cannot come back now" "Whoever has left can come back only during the appointment's time, and while the provider is there.";
    not_waiting CONFLICT "not_waiting" "Not waiting" "This person is not waiting to be let in.";
    visit_ended CONFLICT "visit_ended" "The visit has ended" "The visit has ended.";
    crowded CONFLICT "too_many_people" "Too many people" "Too many people have come in for this visit.";
    already_over CONFLICT "already_over" "Already over" "The appointment was cancelled or its visit has ended.";
    key_in_use CONFLICT "idempotency_key_in_use" "Key in use" "A request with this Idempotency-Key is being answered.";
    occupied CONFLICT "occupied" "Somebody is in the visit" "An appointment is not moved while somebody has a seat in its visit.";
    precondition_failed PRECONDITION_FAILED "precondition_failed" "It has changed" "What you know of it is out of date: look at it again and name its ETag in If-Match.";
    body_too_large PAYLOAD_TOO_LARGE "body_too_large" "Too large" "The body is larger than this resource takes.";
    wants_json UNSUPPORTED_MEDIA_TYPE "unsupported_media_type" "Unsupported media type" "The body must be application/json.";
    wants_sdp UNSUPPORTED_MEDIA_TYPE "unsupported_media_type" "Unsupported media type" "The body must be application/sdp.";
    terms_required UNPROCESSABLE_ENTITY "terms_required" "Terms required" "Accept the terms in force: GET /api/v1/terms says which.";
    key_reused UNPROCESSABLE_ENTITY "idempotency_key_reused" "Key reused" "This Idempotency-Key was used for another request.";
    internal INTERNAL_SERVER_ERROR "internal" "Internal error" "Something failed here. It is in the log.";
    wants_fragment UNSUPPORTED_MEDIA_TYPE "unsupported_media_type" "Unsupported media type" "The body must be application/trickle-ice-sdpfrag.";
    other_leg PRECONDITION_FAILED "other_connection" "Another connection" "The seat has another connection than If-Match names. Post a new offer.";
    precondition_required PRECONDITION_REQUIRED "if_match_required" "If-Match required" "Say with If-Match which state you mean: its ETag, or *.";
    draining SERVICE_UNAVAILABLE "stopping" "About to restart" "This server is about to stop or restart. Visits that run go on; please try again in a moment.";
    unavailable SERVICE_UNAVAILABLE "unavailable" "Unavailable" "The records cannot be reached. Try again.";
    no_media SERVICE_UNAVAILABLE "no_media" "No media" "No media worker is ready. Try again in a few seconds.";
}

impl Problem {
    fn new(status: StatusCode, code: &'static str, title: &'static str, detail: impl Into<Cow<'static, str>>) -> Problem {
        Problem { status, code, title, detail: detail.into(), errors: Vec::new(), when: When::Unsaid }
    }

    /// All that is wrong with a body, at once.
    pub(super) fn invalid(errors: Vec<Fault>) -> Problem {
        let detail = "The body is understood but cannot be taken; each error says where and why.";
        Problem { errors, ..Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", "Invalid", detail) }
    }

    /// The right person, before the visit opens.
    pub(super) fn too_early(opens_at: Timestamp, now: Timestamp) -> Problem {
        let problem = Problem::new(StatusCode::FORBIDDEN, "too_early", "Too early", "The visit is not open yet.");
        Problem { when: When::Opens(Box::new(Opening { at: opens_at, now })), ..problem }
    }

    /// Too many tries from one network.
    pub(super) fn too_many_tries(retry_after: Duration) -> Problem {
        let detail = "Too many tries came from your network. Wait a minute, then try again.";
        let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_tries", "Too many tries", detail);
        // A second more than is left of the minute, so that who keeps to it is let try.
        Problem { when: When::AfterSeconds(retry_after.as_secs() + 1), ..problem }
    }

    /// Said too often within a second.
    pub(super) fn too_often() -> Problem {
        let detail = "This was said too often within a second. Say it again in a second, as it is then.";
        let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_often", "Too often", detail);
        Problem { when: When::AfterSeconds(1), ..problem }
    }

    /// Media is too busy for one more.
    pub(super) fn server_full(retry_after: Duration) -> Problem {
        let detail = "The server carries as many people as it can. Visits that run go on. Try again after Retry-After seconds; \
                      if it is urgent, call.";
        let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "server_full", "The server is full", detail);
        Problem { when: When::AfterSeconds(retry_after.as_secs()), ..problem }
    }

    /// What the client should change in its offer.
    pub(super) fn offer_rejected(detail: String) -> Problem {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "offer_rejected", "Offer rejected", detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let opening = match &self.when {
            When::Opens(opening) => Some(opening),
            When::Unsaid | When::AfterSeconds(_) => None,
        };
        let message = Message {
            r#type: format!("urn:quartet:problem:{}", self.code),
            title: self.title,
            status: self.status.as_u16(),
            detail: &self.detail,
            code: self.code,
            errors: self
                .errors
                .iter()
                .map(|fault| ErrorMessage { pointer: &fault.pointer, code: fault.code, detail: &fault.detail })
                .collect(),
            opens_at: opening.map(|opening| moment(opening.at)),
            now: opening.map(|opening| moment(opening.now)),
        };
        let body = serde_json::to_vec(&message).unwrap_or_default();
        let mut response = (self.status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response();
        response.extensions_mut().insert(Code(self.code));
        let headers = response.headers_mut();
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let When::AfterSeconds(seconds) = self.when {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        } else if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
        }
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Problem {
        tracing::warn!(%error, "a question to the records failed");
        match error {
            StoreError::Unavailable(_) => Problem::unavailable(),
            StoreError::Unreadable(_) => Problem::internal(),
        }
    }
}

impl From<VisitError> for Problem {
    fn from(error: VisitError) -> Problem {
        match error {
            VisitError::NotFound | VisitError::Refused(Refused::Unknown) => Problem::not_found(),
            VisitError::Refused(Refused::Ended) => Problem::visit_ended(),
            VisitError::Refused(Refused::NotAdmitted) => Problem::not_admitted(),
            VisitError::Refused(Refused::NotSeated) => Problem::not_seated(),
            VisitError::Refused(Refused::Provider) => Problem::is_provider(),
            VisitError::Refused(Refused::RejoinClosed) => Problem::rejoin_closed(),
            VisitError::Refused(Refused::RoomFull) => Problem::room_full(),
            VisitError::Refused(Refused::ScreenTaken) => Problem::screen_taken(),
            VisitError::Draining => Problem::draining(),
            VisitError::Store(error) => error.into(),
        }
    }
}

impl From<MoveError> for Problem {
    fn from(error: MoveError) -> Problem {
        match error {
            MoveError::Over => Problem::already_over(),
            MoveError::Occupied => Problem::occupied(),
            MoveError::Changed => Problem::precondition_failed(),
            MoveError::Visit(error) => error.into(),
        }
    }
}

impl From<SeatError> for Problem {
    fn from(error: SeatError) -> Problem {
        match error {
            SeatError::Visit(error) => error.into(),
            SeatError::Offer(error) => Problem::offer_rejected(error.to_string()),
            SeatError::OtherLeg => Problem::other_leg(),
            SeatError::LegGone => Problem::leg_gone(),
            SeatError::TooOften => Problem::too_often(),
            SeatError::NoMedia => Problem::no_media(),
            SeatError::ServerFull { retry_after } => Problem::server_full(retry_after),
        }
    }
}
