//! `/appointments`

use axum::extract::{Path, Query, State, rejection::QueryRejection};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Shared;
use super::audit::Recorded;
use super::body::Json;
use super::caller::Caller;
use super::links::LinkMessage;
use super::problem::Problem;
use super::repeat::{Key, Repeat};
use super::routes::{LIST_MAX, List, at, identify};
use crate::base::VisitId;
use crate::base::ids::{AppointmentId, PatientId, ProviderId};
use crate::control::registry::view::moment;
use crate::control::schedule::{Draft, Known, Plan, Window, booking};
use crate::control::store::{Appointment, AppointmentFilter, Booking, Times};
use crate::control::words::{Act, Digest, Staff};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewAppointment {
    provider_id: Option<String>,
    #[serde(default)]
    patient_ids: Vec<String>,
    start: Option<String>,
    duration_minutes: Option<i64>,
    kind: Option<String>,
    group_name: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Filter {
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    provider: Option<ProviderId>,
}

#[derive(Serialize)]
struct Message {
    id: AppointmentId,
    visit_id: VisitId,
    kind: &'static str,
    group_name: Option<String>,
    provider_id: ProviderId,
    patient_ids: Vec<PatientId>,
    start: String,
    duration_minutes: u32,
    opens_at: String,
    closes_at: String,
    state: &'static str,
    links: Vec<LinkMessage>,
}

impl Message {
    fn new(appointment: &Appointment, window: Window, links: Vec<LinkMessage>) -> Message {
        Message {
            id: appointment.id,
            visit_id: appointment.visit,
            kind: appointment.kind.word(),
            group_name: appointment.group_name.as_ref().map(|name| name.as_str().to_owned()),
            provider_id: appointment.provider,
            patient_ids: appointment.patients.clone(),
            start: appointment.start_text.clone(),
            duration_minutes: appointment.duration_minutes,
            opens_at: moment(window.opens_at(appointment.start)),
            closes_at: moment(window.closes_at(appointment.start, appointment.duration_minutes)),
            state: state(appointment),
            links,
        }
    }
}

fn state(appointment: &Appointment) -> &'static str {
    match (appointment.cancelled_at, appointment.ended_at) {
        (Some(_), _) => "cancelled",
        (None, Some(_)) => "ended",
        (None, None) => "booked",
    }
}

/// The entity tag, of all of an appointment that can change. Its links are not of it: that somebody mistyped a date
/// must not keep staff from moving the appointment.
fn tag(appointment: &Appointment) -> (header::HeaderName, String) {
    let Appointment { start_text, duration_minutes, .. } = appointment;
    let digest = Digest::of(format!("{} {duration_minutes} {start_text}", state(appointment)).as_bytes()).hex();
    (header::ETAG, format!("\"{}\"", digest.get(..16).unwrap_or(&digest)))
}

pub(super) async fn add(
    State(app): State<Shared>,
    caller: Caller,
    headers: HeaderMap,
    body: Json<NewAppointment>,
) -> Result<Response, Problem> {
    let (staff, secret) = caller.staff(Staff::Scheduler)?;
    let key = Key::of(&headers, staff, secret, &body.bytes)?;
    if let Some(key) = &key
        && let Some(answer) = key.kept(app.registry.store()).await?
    {
        return Ok(created(answer));
    }
    let plan = plan(&app, body.value).await?;
    let (booking, answer) = book(&app, plan, key.as_ref())?;
    let act = Act::done(caller.actor(), "appointment.book").to(booking.appointment.id);
    if app.registry.store().book(&booking, &act, app.registry.clock().now()).await? {
        return Ok((Recorded, created(answer)).into_response());
    }
    // Two with the same key came at once, and the other was first.
    let kept = match &key {
        Some(key) => key.kept(app.registry.store()).await?,
        None => None,
    };
    kept.map(created).ok_or_else(Problem::key_in_use)
}

async fn plan(app: &Shared, new: NewAppointment) -> Result<Plan, Problem> {
    let draft = Draft {
        provider_id: new.provider_id,
        patient_ids: new.patient_ids,
        start: new.start,
        duration_minutes: new.duration_minutes,
        kind: new.kind,
        group_name: new.group_name,
    };
    let store = app.registry.store();
    let (provider, patients) = draft.named();
    let mut known = Known::default();
    if let Some(provider) = provider {
        known.provider_enabled = store.provider(provider).await?.map(|provider| provider.telehealth_enabled);
    }
    for patient in patients {
        known.patients.extend(store.patient(patient).await?.map(|patient| patient.id));
    }
    draft.check(&known, app.registry.clock().now()).map_err(Problem::invalid)
}

/// The booking of a plan, and the answer that shows its links.
fn book(app: &Shared, plan: Plan, key: Option<&Key>) -> Result<(Booking, Repeat), Problem> {
    let (appointment, invitations) = plan.book();
    let shown = invitations.iter().map(|invitation| LinkMessage::shown_once(invitation, &app.public_url)).collect();
    let message = Message::new(&appointment, app.registry.window(), shown);
    let body = serde_json::to_string(&message).map_err(|_| Problem::internal())?;
    let answer = Repeat { location: at(format_args!("/appointments/{}", appointment.id)).1, tag: tag(&appointment).1, body };
    let kept = key.map(|key| key.keep(&answer)).transpose()?;
    Ok((booking(appointment, &invitations, kept), answer))
}

fn created(answer: Repeat) -> Response {
    let headers =
        [(header::LOCATION, answer.location), (header::ETAG, answer.tag), (header::CONTENT_TYPE, "application/json".to_owned())];
    (StatusCode::CREATED, headers, answer.body).into_response()
}

pub(super) async fn one(State(app): State<Shared>, caller: Caller, Path(id): Path<String>) -> Result<Response, Problem> {
    caller.staff(Staff::Scheduler)?;
    let appointment = app.registry.store().appointment(identify(&id)?).await?.ok_or_else(Problem::not_found)?;
    Ok(([tag(&appointment)], axum::Json(complete(&app, &appointment).await?)).into_response())
}

pub(super) async fn list(
    State(app): State<Shared>,
    caller: Caller,
    query: Result<Query<Filter>, QueryRejection>,
) -> Result<Response, Problem> {
    caller.staff(Staff::Scheduler)?;
    let Query(Filter { from, to, provider }) = query.map_err(|_| Problem::malformed_query())?;
    let found = app.registry.store().appointments(AppointmentFilter { from, to, provider }, LIST_MAX + 1).await?;
    let mut messages = Vec::with_capacity(found.len());
    for appointment in &found {
        messages.push(complete(&app, appointment).await?);
    }
    Ok(List::of(messages.into_iter()).into_response())
}

pub(super) async fn cancel(State(app): State<Shared>, caller: Caller, Path(id): Path<String>) -> Result<Response, Problem> {
    caller.staff(Staff::Scheduler)?;
    let appointment = app.registry.store().appointment(identify(&id)?).await?.ok_or_else(Problem::not_found)?;
    let cancelled = app.registry.cancel(appointment.id, appointment.visit, caller.actor()).await?;
    // Cancelling what is cancelled is no mistake; what has taken place cannot be cancelled.
    if cancelled || appointment.cancelled_at.is_some() {
        Ok(StatusCode::NO_CONTENT.into_response())
    } else {
        Err(Problem::already_over())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewTimes {
    start: Option<String>,
    duration_minutes: Option<i64>,
}

/// Moves an appointment, and its links with it.
pub(super) async fn change(
    State(app): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Json<NewTimes>,
) -> Result<Response, Problem> {
    caller.staff(Staff::Scheduler)?;
    let appointment = app.registry.store().appointment(identify(&id)?).await?.ok_or_else(Problem::not_found)?;
    let known = headers.get(header::IF_MATCH).ok_or_else(Problem::precondition_required)?;
    let current = tag(&appointment).1;
    // RFC 9110 §13.1.1: "*" matches whatever is there.
    let matches = |known: &str| known.split(',').map(str::trim).any(|one| one == "*" || one == current);
    if !known.to_str().is_ok_and(matches) {
        return Err(Problem::precondition_failed());
    }
    let NewTimes { start, duration_minutes } = body.value;
    let draft = Draft { start, duration_minutes, ..Draft::default() };
    let old = Times {
        start: appointment.start,
        start_text: appointment.start_text.clone(),
        duration_minutes: appointment.duration_minutes,
    };
    let times = draft.check_times(&old, app.registry.clock().now()).map_err(Problem::invalid)?;
    app.registry.move_appointment(&appointment, &times, caller.actor()).await?;
    let Times { start, start_text, duration_minutes } = times;
    let moved = Appointment { start, start_text, duration_minutes, ..appointment };
    Ok((Recorded, [tag(&moved)], axum::Json(complete(&app, &moved).await?)).into_response())
}

async fn complete(app: &Shared, appointment: &Appointment) -> Result<Message, Problem> {
    let links = app.registry.store().links(appointment.id).await?;
    Ok(Message::new(appointment, app.registry.window(), links.iter().map(LinkMessage::new).collect()))
}
