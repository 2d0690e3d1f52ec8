//! `/healthz`, `/readyz`, `/metrics`: for who watches the machine.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::Shared;
use super::caller::Caller;
use super::problem::Problem;
use crate::control::registry::{DoorReport, Refusals};
use crate::control::telemetry::{self, DoorMetrics};
use crate::control::words::Staff;

/// The process answers.
pub(super) async fn alive() -> &'static str {
    "alive\n"
}

/// People can be served: the records answer, and media could seat someone.
pub(super) async fn ready(State(app): State<Shared>) -> Result<&'static str, Problem> {
    app.registry.store().ping().await?;
    if *app.shutdown.borrow() || app.registry.is_draining() {
        return Err(Problem::draining());
    }
    if app.registry.has_media() { Ok("ready\n") } else { Err(Problem::no_media()) }
}

pub(super) async fn metrics(State(app): State<Shared>, caller: Caller) -> Result<Response, Problem> {
    caller.staff(Staff::Monitor)?;
    let DoorReport { outcomes, alarm } = app.registry.door_report();
    let door = DoorMetrics { outcomes, alarm };
    let poor = app.registry.poor_connections();
    let Refusals { visits, seats } = app.registry.refusals();
    let refused = [("visit", visits), ("seat", seats)];
    let text = telemetry::metrics(&app.registry.reports(), app.registry.live_count(), poor, &door, &refused);
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response())
}
