//! `/patients`. Only staff see any of it.

use axum::extract::{Path, Query, State, rejection::QueryRejection};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::Shared;
use super::audit::Recorded;
use super::body::Json;
use super::caller::Caller;
use super::problem::Problem;
use super::routes::{LIST_MAX, List, at, identify};
use crate::base::ids::PatientId;
use crate::control::schedule::Fault;
use crate::control::store::Patient;
use crate::control::words::{Act, BirthDate, Name, Staff, random};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPatient {
    name: String,
    birth_date: String,
}

#[derive(Deserialize)]
pub(super) struct Typed {
    #[serde(default)]
    q: String,
}

#[derive(Serialize)]
struct Message {
    id: PatientId,
    name: String,
    birth_date: String,
}

impl From<&Patient> for Message {
    fn from(patient: &Patient) -> Message {
        let (name, birth_date) = (patient.name.as_str().to_owned(), patient.birth_date.as_str().to_owned());
        Message { id: patient.id, name, birth_date }
    }
}

pub(super) async fn add(State(app): State<Shared>, caller: Caller, body: Json<NewPatient>) -> Result<Response, Problem> {
    caller.staff(Staff::Scheduler)?;
    let now = app.registry.clock().now();
    // A day ahead of UTC it may already be tomorrow, and someone was just born there.
    let today = now.to_zoned(jiff::tz::TimeZone::fixed(jiff::tz::offset(14))).date();
    let mut faults = Vec::new();
    let name = Name::new(&body.value.name);
    if let Err(why) = name {
        faults.push(Fault::new("/name", "invalid", why.to_string()));
    }
    let birth_date = body.value.birth_date.parse::<BirthDate>();
    match &birth_date {
        Err(_) => faults.push(Fault::new("/birth_date", "invalid", "must be a date that exists, like 1948-02-29")),
        Ok(date) if date.is_after(today) => faults.push(Fault::new("/birth_date", "future", "must not lie in the future")),
        Ok(_) => {}
    }
    let (Ok(name), Ok(birth_date), true) = (name, birth_date, faults.is_empty()) else {
        return Err(Problem::invalid(faults));
    };
    let patient = Patient { id: PatientId::from_bits(random::bits()), name, birth_date };
    let act = Act::done(caller.actor(), "patient.add").to(patient.id);
    app.registry.store().add_patient(&patient, &act, now).await?;
    let location = at(format_args!("/patients/{}", patient.id));
    Ok((StatusCode::CREATED, Recorded, [location], axum::Json(Message::from(&patient))).into_response())
}

pub(super) async fn one(State(app): State<Shared>, caller: Caller, Path(id): Path<String>) -> Result<Response, Problem> {
    caller.staff(Staff::Scheduler)?;
    let patient = app.registry.store().patient(identify(&id)?).await?.ok_or_else(Problem::not_found)?;
    Ok(axum::Json(Message::from(&patient)).into_response())
}

pub(super) async fn list(
    State(app): State<Shared>,
    caller: Caller,
    query: Result<Query<Typed>, QueryRejection>,
) -> Result<Response, Problem> {
    caller.staff(Staff::Scheduler)?;
    let Query(Typed { q }) = query.map_err(|_| Problem::malformed_query())?;
    let typed: String = q.chars().take(Name::LENGTH_MAX).collect();
    let patients = app.registry.store().patients(&typed, LIST_MAX + 1).await?;
    Ok(List::of(patients.iter().map(Message::from)).into_response())
}
