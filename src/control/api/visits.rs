//! `/visits/{visit}`: looking, waiting, letting in, sending out, telling, ending.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::Shared;
use super::audit::Recorded;
use super::body::Json;
use super::caller::Caller;
use super::problem::Problem;
use super::routes::identify;
use crate::base::ids::ParticipantId;
use crate::control::registry::VisitError;
use crate::control::registry::person::{Devices, Speaker};
use crate::control::registry::view::{View, moment};
use crate::control::registry::visit::Refused;
use crate::control::schedule::Fault;
use crate::control::words::{Notice, Staff};

/// A view as it is told: with the server's own time, so that no page counts by a clock that is wrong.
#[derive(Serialize)]
pub(super) struct Told {
    now: String,
    #[serde(flatten)]
    view: View,
}

impl Told {
    pub(super) fn new(app: &Shared, view: View) -> Told {
        Told { now: moment(app.registry.clock().now()), view }
    }
}

pub(super) async fn look(State(app): State<Shared>, caller: Caller, Path(visit): Path<String>) -> Result<Response, Problem> {
    let visit = identify(&visit)?;
    let view = app.registry.view(visit, caller.viewer(visit)?).await?;
    Ok(axum::Json(Told::new(&app, view)).into_response())
}

/// What the devices step may tell.
#[derive(Deserialize)]
pub(super) struct Readiness {
    devices: Option<DevicesMessage>,
}

#[derive(Deserialize)]
struct DevicesMessage {
    camera: bool,
    microphone: bool,
    speaker: Option<String>,
}

impl DevicesMessage {
    fn check(&self) -> Result<Devices, Problem> {
        let speaker = match self.speaker.as_deref() {
            None => Speaker::Untested,
            Some(word) => Speaker::from_word(word).ok_or_else(Problem::wrong_shape)?,
        };
        Ok(Devices { camera: self.camera, microphone: self.microphone, speaker: speaker.word() })
    }
}

pub(super) async fn ready(
    State(app): State<Shared>,
    caller: Caller,
    Path(visit): Path<String>,
    body: Option<Json<Readiness>>,
) -> Result<Response, Problem> {
    let visit = identify(&visit)?;
    let devices = body.and_then(|body| body.value.devices).map(|devices| devices.check()).transpose()?;
    app.registry.ready(visit, caller.participant(visit)?.participant, devices).await?;
    Ok((Recorded, StatusCode::NO_CONTENT).into_response())
}

pub(super) async fn unready(State(app): State<Shared>, caller: Caller, Path(visit): Path<String>) -> Result<Response, Problem> {
    let visit = identify(&visit)?;
    app.registry.unready(visit, caller.participant(visit)?.participant).await?;
    Ok((Recorded, StatusCode::NO_CONTENT).into_response())
}

#[derive(Deserialize)]
pub(super) struct Admission {
    participant: Option<ParticipantId>,
    #[serde(default)]
    all: bool,
}

#[derive(Serialize)]
struct Admitted {
    admitted: Vec<ParticipantId>,
    waiting: Vec<ParticipantId>,
}

pub(super) async fn admit(
    State(app): State<Shared>,
    caller: Caller,
    Path(visit): Path<String>,
    body: Json<Admission>,
) -> Result<Response, Problem> {
    let visit = identify(&visit)?;
    caller.host(visit, Staff::Scheduler)?;
    let who = match body.value {
        Admission { participant: Some(who), all: false } => Some(who),
        Admission { participant: None, all: true } => None,
        Admission { .. } => return Err(Problem::wrong_shape()),
    };
    match app.registry.admit(visit, caller.actor(), who).await {
        Ok((admitted, waiting)) => Ok((Recorded, axum::Json(Admitted { admitted, waiting })).into_response()),
        // To who admits it means something else than to who wants to sit.
        Err(VisitError::Refused(Refused::NotAdmitted)) => Err(Problem::not_waiting()),
        Err(error) => Err(error.into()),
    }
}

/// Back to the waiting room.
pub(super) async fn step_out(
    State(app): State<Shared>,
    caller: Caller,
    Path((visit, who)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let visit = identify(&visit)?;
    caller.host(visit, Staff::Scheduler)?;
    app.registry.step_out(visit, caller.actor(), identify(&who)?).await?;
    Ok((Recorded, StatusCode::NO_CONTENT).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Removal {
    may_return: bool,
}

/// Out of the visit.
pub(super) async fn remove(
    State(app): State<Shared>,
    caller: Caller,
    Path((visit, who)): Path<(String, String)>,
    body: Json<Removal>,
) -> Result<Response, Problem> {
    let visit = identify(&visit)?;
    caller.host(visit, Staff::Scheduler)?;
    app.registry.remove(visit, caller.actor(), identify(&who)?, body.value.may_return).await?;
    Ok((Recorded, StatusCode::NO_CONTENT).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewMessage {
    text: String,
}

/// Tells those who wait something; an empty text takes it back.
pub(super) async fn tell(
    State(app): State<Shared>,
    caller: Caller,
    Path(visit): Path<String>,
    body: Json<NewMessage>,
) -> Result<Response, Problem> {
    let visit = identify(&visit)?;
    caller.host(visit, Staff::Scheduler)?;
    let notice =
        Notice::new(&body.value.text).map_err(|why| Problem::invalid(vec![Fault::new("/text", "invalid", why.to_string())]))?;
    app.registry.tell(visit, caller.actor(), notice).await?;
    Ok((Recorded, StatusCode::NO_CONTENT).into_response())
}

pub(super) async fn end(State(app): State<Shared>, caller: Caller, Path(visit): Path<String>) -> Result<Response, Problem> {
    let visit = identify(&visit)?;
    caller.host(visit, Staff::Admin)?;
    app.registry.end(visit, caller.actor()).await?;
    Ok((Recorded, StatusCode::NO_CONTENT).into_response())
}
