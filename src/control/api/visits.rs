//! `/visits/{visit}`: looking, waiting, admitting, ending.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::Shared;
use super::body::Json;
use super::caller::Caller;
use super::problem::Problem;
use super::routes::identify;
use crate::base::ids::ParticipantId;
use crate::control::registry::VisitError;
use crate::control::registry::visit::Refused;
use crate::control::words::Staff;

pub(super) async fn look(State(app): State<Shared>, caller: Caller, Path(visit): Path<String>) -> Result<Response, Problem> {
    let visit = identify(&visit)?;
    let view = app.registry.view(visit, caller.viewer(visit)?).await?;
    Ok(axum::Json(view).into_response())
}

pub(super) async fn ready(State(app): State<Shared>, caller: Caller, Path(visit): Path<String>) -> Result<Response, Problem> {
    let visit = identify(&visit)?;
    app.registry.ready(visit, caller.participant(visit)?.participant).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
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
    match app.registry.admit(visit, who).await {
        Ok((admitted, waiting)) => Ok(axum::Json(Admitted { admitted, waiting }).into_response()),
        // To who admits it means something else than to who wants to sit.
        Err(VisitError::Refused(Refused::NotAdmitted)) => Err(Problem::not_waiting()),
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn end(State(app): State<Shared>, caller: Caller, Path(visit): Path<String>) -> Result<Response, Problem> {
    let visit = identify(&visit)?;
    caller.host(visit, Staff::Admin)?;
    app.registry.end(visit).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
