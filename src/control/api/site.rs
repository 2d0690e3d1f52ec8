//! `/site`: what the pages tell about this place.

use axum::extract::State;
use axum::response::{IntoResponse, Response};

use super::Shared;

pub(super) async fn info(State(app): State<Shared>) -> Response {
    axum::Json(&app.site).into_response()
}
