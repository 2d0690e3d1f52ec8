//! `/visits/{visit}/quality`: how the connections of a visit fare, for who helps on the telephone.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};

use super::Shared;
use super::caller::Caller;
use super::problem::Problem;
use super::routes::identify;
use crate::control::words::Staff;

pub(super) async fn look(State(app): State<Shared>, caller: Caller, Path(visit): Path<String>) -> Result<Response, Problem> {
    let visit = identify(&visit)?;
    caller.host(visit, Staff::Monitor)?;
    Ok(axum::Json(app.registry.quality(visit).await?).into_response())
}
