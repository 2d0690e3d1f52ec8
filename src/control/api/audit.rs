//! Every request that shows or tries something leaves a record before its answer goes out; without one there is
//! no answer.
//!
//! What changed something was recorded in the transaction that changed it, and its answer says so with
//! [`Recorded`]. What was only looked at, and what was refused, is recorded here; when strangers are refused without
//! end, only how often.

use std::convert::Infallible;
use std::sync::{Arc, OnceLock};

use axum::extract::rejection::QueryRejection;
use axum::extract::{MatchedPath, Query, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, IntoResponseParts, Response, ResponseParts};
use serde::{Deserialize, Serialize};

use super::Shared;
use super::caller::Caller;
use super::problem::{Code, Problem};
use super::routes::{LIST_MAX, List};
use crate::base::VisitId;
use crate::base::ids::{AppointmentId, LinkId, ParticipantId, PatientId, ProviderId};
use crate::control::registry::view::moment;
use crate::control::store::AuditRecord;
use crate::control::words::{Act, Actor, Staff, Subject};

/// Part of an answer to what was recorded with the change that it made.
#[derive(Clone, Copy)]
pub(super) struct Recorded;

impl IntoResponseParts for Recorded {
    type Error = Infallible;

    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Infallible> {
        parts.extensions_mut().insert(Recorded);
        Ok(parts)
    }
}

/// Part of an answer to what is no act: how somebody looks at a page changes nothing and shows nothing new.
#[derive(Clone, Copy)]
pub(super) struct NoAct;

impl IntoResponseParts for NoAct {
    type Error = Infallible;

    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Infallible> {
        parts.extensions_mut().insert(NoAct);
        Ok(parts)
    }
}

/// Learns who asks, once it is known.
#[derive(Clone, Default)]
pub(super) struct Witness(Arc<OnceLock<Actor>>);

impl Witness {
    pub(super) fn saw(&self, actor: Actor) {
        // Who asks is found out once.
        let _ = self.0.set(actor);
    }

    fn actor(&self) -> Actor {
        self.0.get().copied().unwrap_or(Actor::Nobody)
    }
}

/// What the audit calls a request, by its method and route. A route that is missing here is "request".
const ACTIONS: &[(&str, &str, &str)] = &[
    ("GET", "/providers", "provider.list"),
    ("POST", "/providers", "provider.add"),
    ("GET", "/providers/{provider}", "provider.look"),
    ("GET", "/patients", "patient.list"),
    ("POST", "/patients", "patient.add"),
    ("GET", "/patients/{patient}", "patient.look"),
    ("GET", "/appointments", "appointment.list"),
    ("POST", "/appointments", "appointment.book"),
    ("GET", "/appointments/{appointment}", "appointment.look"),
    ("PATCH", "/appointments/{appointment}", "appointment.move"),
    ("DELETE", "/appointments/{appointment}", "appointment.cancel"),
    ("POST", "/appointments/{appointment}/links", "link.add"),
    ("DELETE", "/appointments/{appointment}/links/{link}", "link.revoke"),
    ("POST", "/appointments/{appointment}/links/{link}/unlock", "link.unlock"),
    ("POST", "/appointments/{appointment}/links/{link}/reissue", "link.reissue"),
    ("POST", "/verify", "door.verify"),
    ("GET", "/events", "visit.watch"),
    ("GET", "/audit", "audit.read"),
    ("GET", "/visits/{visit}", "visit.look"),
    ("GET", "/visits/{visit}/events", "visit.watch"),
    ("GET", "/visits/{visit}/quality", "visit.quality"),
    ("POST", "/visits/{visit}/ready", "visit.ready"),
    ("DELETE", "/visits/{visit}/ready", "visit.unready"),
    ("POST", "/visits/{visit}/admit", "visit.admit"),
    ("POST", "/visits/{visit}/message", "visit.message"),
    ("POST", "/visits/{visit}/end", "visit.end"),
    ("POST", "/visits/{visit}/participants/{participant}/step-out", "visit.step_out"),
    ("POST", "/visits/{visit}/participants/{participant}/remove", "visit.remove"),
    ("POST", "/visits/{visit}/seats", "seat.connect"),
    ("PATCH", "/visits/{visit}/seats/{seat}", "seat.restart_ice"),
    ("DELETE", "/visits/{visit}/seats/{seat}", "seat.leave"),
    ("PUT", "/visits/{visit}/seats/{seat}/sources", "seat.sources"),
    ("PUT", "/visits/{visit}/seats/{seat}/watching", "seat.watch"),
];

/// What says nothing about anybody and is asked without end: probes, metrics, what every page shows.
const UNRECORDED: &[&str] = &["/healthz", "/readyz", "/metrics", "/site", "/terms"];

/// Stands around every request of the API.
pub(super) async fn audited(State(app): State<Shared>, mut request: Request, next: Next) -> Response {
    // A path that leads nowhere tries nothing.
    let Some(route) = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned()) else {
        return next.run(request).await;
    };
    let route = route.strip_prefix(super::routes::BASE).unwrap_or(&route);
    if UNRECORDED.contains(&route) {
        return next.run(request).await;
    }
    let action = ACTIONS.iter().find(|(method, path, _)| *method == request.method().as_str() && *path == route);
    let action = action.map_or("request", |(.., action)| *action);
    let (visit, subject) = named(request.uri().path());
    let witness = Witness::default();
    request.extensions_mut().insert(witness.clone());

    let response = next.run(request).await;
    if response.extensions().get::<Recorded>().is_some() || response.extensions().get::<NoAct>().is_some() {
        return response;
    }
    let code = match response.extensions().get::<Code>() {
        Some(Code(code)) => code,
        None => Act::DONE,
    };
    let actor = witness.actor();
    if actor == Actor::Nobody && code != Act::DONE && !app.registry.may_record_stranger() {
        return response;
    }
    let act = Act { outcome: code, visit, subject, ..Act::done(actor, action) };
    let registry = &app.registry;
    match registry.store().record(&act, registry.clock().now()).await {
        Ok(()) => response,
        Err(error) => Problem::from(error).into_response(),
    }
}

#[derive(Deserialize)]
pub(super) struct Page {
    #[serde(default)]
    after: i64,
    limit: Option<u32>,
}

#[derive(Serialize)]
struct Message {
    seq: i64,
    at: String,
    actor: String,
    action: String,
    outcome: String,
    visit: Option<String>,
    subject: Option<String>,
    hash: String,
}

impl From<AuditRecord> for Message {
    fn from(record: AuditRecord) -> Message {
        let AuditRecord { seq, at, actor, action, outcome, visit, subject, hash } = record;
        Message { seq, at: moment(at), actor, action, outcome, visit, subject, hash }
    }
}

/// `/audit`: the records themselves, for administrators and for whoever keeps a copy elsewhere.
pub(super) async fn list(
    State(app): State<Shared>,
    caller: Caller,
    query: Result<Query<Page>, QueryRejection>,
) -> Result<Response, Problem> {
    caller.staff(Staff::Admin)?;
    let Query(Page { after, limit }) = query.map_err(|_| Problem::malformed_query())?;
    let most = limit.unwrap_or(LIST_MAX).clamp(1, LIST_MAX);
    let found = app.registry.store().audit(after, most + 1).await?;
    Ok(List::of_at_most(most, found.into_iter().map(Message::from)).into_response())
}

/// The visit that a path names, and the last other thing.
fn named(path: &str) -> (Option<VisitId>, Option<Subject>) {
    let mut visit = None;
    let mut subject = None;
    for part in path.split('/') {
        visit = part.parse::<VisitId>().ok().or(visit);
        let other = None
            .or_else(|| part.parse::<AppointmentId>().ok().map(Subject::from))
            .or_else(|| part.parse::<LinkId>().ok().map(Subject::from))
            .or_else(|| part.parse::<ParticipantId>().ok().map(Subject::from))
            .or_else(|| part.parse::<PatientId>().ok().map(Subject::from))
            .or_else(|| part.parse::<ProviderId>().ok().map(Subject::from));
        subject = other.or(subject);
    }
    (visit, subject)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_has_its_word() {
        let mut routes = 0;
        for line in include_str!("routes.rs").lines() {
            let Some((path, methods)) = line.trim().strip_prefix(".route(\"").and_then(|rest| rest.split_once("\", ")) else {
                continue;
            };
            for method in ["get", "post", "put", "patch", "delete"] {
                let answers = methods.contains(&format!("{method}("));
                let word = ACTIONS.iter().any(|(verb, route, _)| *verb == method.to_uppercase() && *route == path);
                assert!(!answers || word || UNRECORDED.contains(&path), "{method} {path}");
                routes += usize::from(answers);
            }
        }
        assert!(routes > 30, "{routes}");
    }

    #[test]
    fn a_path_names_its_visit_and_the_last_other_thing_and_nothing_typed() {
        let visit = VisitId::from_bits(7);
        let (link, appointment) = (LinkId::from_bits(1), AppointmentId::from_bits(2));
        assert_eq!(named(&format!("/api/v1/visits/{visit}/seats/2")), (Some(visit), None));
        assert_eq!(named(&format!("/api/v1/appointments/{appointment}/links/{link}")), (None, Some(link.into())));
        assert_eq!(named("/api/v1/patients/Rosalind%20Hawthorne"), (None, None));
    }
}
