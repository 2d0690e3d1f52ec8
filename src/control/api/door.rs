//! `/verify` and `/terms`: the door.

use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::Shared;
use super::audit::Recorded;
use super::body::Json;
use super::caller::{cookie_name, is_program};
use super::problem::Problem;
use crate::base::VisitId;
use crate::base::ids::ParticipantId;
use crate::control::registry::view::moment;
use crate::control::registry::{Entered, Refusal, Registry};
use crate::control::verify::{Claim, ClaimError, Step, terms};
use crate::control::words::{Network, Token, TokenKind};

/// When a refusal goes out, after its question came (and at whole multiples of it, should the disk be
/// slow): so that how long it took to find out says nothing. Longer would try people's patience, shorter
/// would not cover a write to a slow disk.
const REFUSE_AT: Duration = Duration::from_millis(250);

#[derive(Deserialize)]
pub(super) struct Attempt {
    link: String,
    birth_date: Option<String>,
    terms: Option<Acceptance>,
    who: Option<String>,
    name: Option<String>,
    relationship: Option<String>,
}

/// How the terms are accepted: by the version that was read, or by `true`, which means the one in force.
#[derive(Deserialize)]
#[serde(untagged)]
enum Acceptance {
    InForce(bool),
    Version(String),
}

impl Acceptance {
    fn version(&self) -> Option<&str> {
        match self {
            Acceptance::InForce(accepted) => accepted.then_some(terms::VERSION),
            Acceptance::Version(version) => Some(version),
        }
    }
}

#[derive(Serialize)]
struct Message {
    participant: ParticipantId,
    visit: VisitId,
    role: &'static str,
    name: String,
    opens_at: String,
    closes_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    terms: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<String>,
}

pub(super) async fn verify(
    State(app): State<Shared>,
    Extension(from): Extension<Network>,
    headers: HeaderMap,
    Json { value: attempt, .. }: Json<Attempt>,
) -> Response {
    let came = Instant::now();
    let today = app.registry.clock().now().to_zoned(jiff::tz::TimeZone::fixed(jiff::tz::offset(14))).date();
    let claim = Claim::new(
        attempt.birth_date.as_deref(),
        attempt.terms.as_ref().and_then(Acceptance::version),
        attempt.who.as_deref(),
        attempt.name.as_deref(),
        attempt.relationship.as_deref(),
        app.registry.steps(),
        today,
    );
    let claim = match claim {
        Ok(claim) => claim,
        Err(ClaimError::Terms) => return Problem::terms_required().into_response(),
        Err(ClaimError::Faults(faults)) => return Problem::invalid(faults).into_response(),
    };
    let token = Token::shown(TokenKind::Link, &attempt.link);
    let entered = match enter(&app.registry, came, from, token.as_ref(), &claim).await {
        Ok(entered) => entered,
        Err(refusal) => return refused(refusal),
    };
    let name = cookie_name(entered.participant);
    let session = entered.session.expose();
    // Kept by the browser for as long as the session may last: one that was killed finds it again. When it is used no
    // more, it ends here.
    let age = app.registry.sessions().absolute.as_secs();
    let cookie = format!("{name}={session}; Path=/api/v1; Max-Age={age}; Secure; HttpOnly; SameSite=Strict");
    let message = Message {
        participant: entered.participant,
        visit: entered.visit,
        role: entered.role.word(),
        name: entered.name.as_str().to_owned(),
        opens_at: moment(entered.opens_at),
        closes_at: moment(entered.closes_at),
        terms: app.registry.steps().ask(Step::Terms).then_some(terms::VERSION),
        // A page must not be able to read its session; a program has no cookie jar that it could need.
        session: is_program(&headers).then(|| session.to_owned()),
    };
    (Recorded, [(header::SET_COOKIE, cookie)], axum::Json(message)).into_response()
}

/// Lets someone in; or not, and then answers at a moment that does not tell why.
pub(super) async fn enter(
    registry: &Registry,
    came: Instant,
    from: Network,
    token: Option<&Token>,
    claim: &Claim,
) -> Result<Entered, Refusal> {
    let entered = registry.enter(from, token, claim).await;
    if let Err(Refusal::Failed) = &entered {
        tokio::time::sleep_until(refuse_at(came, Instant::now())).await;
    }
    entered
}

/// The answer to a refusal; most were recorded when they were found.
fn refused(refusal: Refusal) -> Response {
    let problem = match refusal {
        Refusal::Crowded => return Problem::crowded().into_response(),
        Refusal::Draining => return Problem::draining().into_response(),
        Refusal::Store(error) => return Problem::from(error).into_response(),
        Refusal::TooMany { retry_after } => return Problem::too_many_tries(retry_after).into_response(),
        Refusal::Failed => Problem::verification_failed(),
        Refusal::TooEarly { opens_at, now } => Problem::too_early(opens_at, now),
        Refusal::Faults(faults) => Problem::invalid(faults),
    };
    (Recorded, problem).into_response()
}

/// The first multiple of [`REFUSE_AT`] after `came` that is not before `now`.
fn refuse_at(came: Instant, now: Instant) -> Instant {
    let mut at = came + REFUSE_AT;
    while at < now {
        at += REFUSE_AT;
    }
    at
}

#[derive(Serialize)]
struct Terms {
    version: &'static str,
    text: &'static str,
}

pub(super) async fn terms_in_force() -> Response {
    axum::Json(Terms { version: terms::VERSION, text: terms::TEXT }).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_goes_out_at_whole_steps() {
        let came = Instant::now();
        for (took_ms, at_ms) in [(0, 250), (1, 250), (250, 250), (251, 500), (900, 1000)] {
            let at = refuse_at(came, came + Duration::from_millis(took_ms));
            assert_eq!(at - came, Duration::from_millis(at_ms), "{took_ms}");
        }
    }
}
