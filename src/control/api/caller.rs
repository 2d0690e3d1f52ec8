//! Who asks: staff by a token, a participant by a cookie or a token, or nobody in particular.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, Uri, header};

use super::Shared;
use super::audit::Witness;
use super::problem::Problem;
use crate::base::VisitId;
use crate::base::ids::ParticipantId;
use crate::control::registry::view::Viewer;
use crate::control::store::{AdminToken, Session};
use crate::control::words::{Actor, Role, Staff, Token, TokenKind};

/// Who asks.
pub(super) enum Caller {
    Nobody,
    /// With the token itself: it is the key to answers kept for repeated requests.
    Staff(AdminToken, Token),
    Participant(Session, Token),
}

/// Which participant a page speaks for: a browser may hold the cookies of several.
const PARTICIPANT_HEADER: &str = "quartet-participant";

impl FromRequestParts<Shared> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Caller, Problem> {
        let caller = Caller::of(parts, app).await?;
        if let Some(witness) = parts.extensions.get::<Witness>() {
            witness.saw(caller.actor());
        }
        Ok(caller)
    }
}

impl Caller {
    async fn of(parts: &Parts, app: &Shared) -> Result<Caller, Problem> {
        let registry = &app.registry;
        if let Some(text) = bearer(&parts.headers) {
            if let Some(token) = Token::shown(TokenKind::Admin, text) {
                let known = registry.store().token(token.digest()).await?.ok_or_else(Problem::unauthorized)?;
                return Ok(Caller::Staff(known, token));
            }
            let token = Token::shown(TokenKind::Session, text).ok_or_else(Problem::unauthorized)?;
            return app.session(token, None).await;
        }
        let Some(participant) = claimed_participant(&parts.headers, &parts.uri) else { return Ok(Caller::Nobody) };
        let Some(token) = cookie(&parts.headers, participant) else { return Ok(Caller::Nobody) };
        // A cookie comes along by itself, so what it does must have been asked for by our own pages.
        if !parts.method.is_safe() && !is_same_site(&parts.headers) {
            return Err(Problem::cross_site());
        }
        app.session(token, Some(participant)).await
    }
}

impl super::App {
    /// The participant whose session this is; `claimed`, if they said who they are.
    async fn session(&self, token: Token, claimed: Option<ParticipantId>) -> Result<Caller, Problem> {
        let registry = &self.registry;
        let session = registry.sessions().session(registry.store(), &token, registry.clock().now()).await?;
        match session {
            Some(session) if claimed.is_none_or(|claimed| claimed == session.participant) => {
                Ok(Caller::Participant(session, token))
            }
            Some(_) | None => Err(Problem::unauthorized()),
        }
    }
}

impl Caller {
    /// Who the record says it was.
    pub(super) fn actor(&self) -> Actor {
        match self {
            Caller::Nobody => Actor::Nobody,
            Caller::Staff(token, _) => Actor::Staff(token.id),
            Caller::Participant(session, _) => Actor::Participant(session.participant),
        }
    }

    /// Staff who may do at least what `least` may.
    pub(super) fn staff(&self, least: Staff) -> Result<(&AdminToken, &Token), Problem> {
        match self {
            Caller::Staff(token, secret) if token.role >= least => Ok((token, secret)),
            Caller::Staff(..) | Caller::Participant(..) => Err(Problem::forbidden()),
            Caller::Nobody => Err(Problem::unauthorized()),
        }
    }

    /// A participant of this visit.
    pub(super) fn participant(&self, visit: VisitId) -> Result<&Session, Problem> {
        match self {
            Caller::Participant(session, _) if session.visit == visit => Ok(session),
            Caller::Participant(..) | Caller::Staff(..) => Err(Problem::forbidden()),
            Caller::Nobody => Err(Problem::unauthorized()),
        }
    }

    /// Someone who may look at this visit.
    pub(super) fn viewer(&self, visit: VisitId) -> Result<Viewer, Problem> {
        match self {
            Caller::Staff(..) => self.staff(Staff::Scheduler).map(|_| Viewer::Staff),
            Caller::Participant(..) | Caller::Nobody => Ok(Viewer::Participant(self.participant(visit)?.participant)),
        }
    }

    /// Someone who leads this visit: its provider, or staff.
    pub(super) fn host(&self, visit: VisitId, least: Staff) -> Result<(), Problem> {
        match self {
            Caller::Staff(..) => self.staff(least).map(drop),
            Caller::Participant(..) | Caller::Nobody if self.participant(visit)?.role == Role::Provider => Ok(()),
            Caller::Participant(..) | Caller::Nobody => Err(Problem::forbidden()),
        }
    }
}

/// Whether a browser says that the request comes from a page of this origin.
pub(super) fn is_same_site(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value: &axum::http::HeaderValue| value.to_str().ok());
    match (text("sec-fetch-site"), text("origin"), text("host")) {
        (Some(site), _, _) => site == "same-origin",
        (None, Some(origin), Some(host)) => origin.strip_prefix("https://") == Some(host),
        (None, _, _) => false,
    }
}

/// Whether the request shows no sign of a browser: programs get their session in the body.
pub(super) fn is_program(headers: &HeaderMap) -> bool {
    !headers.contains_key("sec-fetch-site") && !headers.contains_key(header::ORIGIN)
}

/// Whether this method could change something.
pub(super) fn is_unsafe(method: &Method) -> bool {
    !method.is_safe()
}

/// The cookie's name for a participant.
pub(super) fn cookie_name(participant: ParticipantId) -> String {
    let text = participant.to_string();
    format!("quartet_{}", text.strip_prefix("par-").unwrap_or(&text))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The header, or the query where a page cannot set headers (EventSource).
fn claimed_participant(headers: &HeaderMap, uri: &Uri) -> Option<ParticipantId> {
    if let Some(value) = headers.get(PARTICIPANT_HEADER) {
        return value.to_str().ok()?.parse().ok();
    }
    let query = uri.query()?;
    query.split('&').find_map(|pair| pair.strip_prefix("participant=")).and_then(|text| text.parse().ok())
}

/// The session of a participant that a browser sent along.
pub(super) fn cookie(headers: &HeaderMap, participant: ParticipantId) -> Option<Token> {
    let name = cookie_name(participant);
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .and_then(|(_, value)| Token::shown(TokenKind::Session, value))
}
