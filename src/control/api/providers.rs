//! `/providers`

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::Shared;
use super::audit::Recorded;
use super::body::Json;
use super::caller::Caller;
use super::problem::Problem;
use super::routes::{LIST_MAX, List, at, identify};
use crate::base::ids::ProviderId;
use crate::control::schedule::Fault;
use crate::control::store::Provider;
use crate::control::words::{Act, Name, Staff, random};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewProvider {
    name: String,
    telehealth_enabled: Option<bool>,
}

#[derive(Serialize)]
struct Message {
    id: ProviderId,
    name: String,
    telehealth_enabled: bool,
}

impl From<&Provider> for Message {
    fn from(provider: &Provider) -> Message {
        let name = provider.name.as_str().to_owned();
        Message { id: provider.id, name, telehealth_enabled: provider.telehealth_enabled }
    }
}

pub(super) async fn add(State(app): State<Shared>, caller: Caller, body: Json<NewProvider>) -> Result<Response, Problem> {
    caller.staff(Staff::Scheduler)?;
    let name =
        Name::new(&body.value.name).map_err(|why| Problem::invalid(vec![Fault::new("/name", "invalid", why.to_string())]))?;
    let provider = Provider {
        id: ProviderId::from_bits(random::bits()),
        name,
        telehealth_enabled: body.value.telehealth_enabled.unwrap_or(true),
    };
    let act = Act::done(caller.actor(), "provider.add").to(provider.id);
    app.registry.store().add_provider(&provider, &act, app.registry.clock().now()).await?;
    let location = at(format_args!("/providers/{}", provider.id));
    Ok((StatusCode::CREATED, Recorded, [location], axum::Json(Message::from(&provider))).into_response())
}

pub(super) async fn one(State(app): State<Shared>, caller: Caller, Path(id): Path<String>) -> Result<Response, Problem> {
    caller.staff(Staff::Scheduler)?;
    let provider = app.registry.store().provider(identify(&id)?).await?.ok_or_else(Problem::not_found)?;
    Ok(axum::Json(Message::from(&provider)).into_response())
}

pub(super) async fn list(State(app): State<Shared>, caller: Caller) -> Result<Response, Problem> {
    caller.staff(Staff::Scheduler)?;
    let providers = app.registry.store().providers(LIST_MAX + 1).await?;
    Ok(List::of(providers.iter().map(Message::from)).into_response())
}
