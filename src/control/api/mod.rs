//! HTTP: what the pages, staff's programs and operators talk to.
//!
//! - [`server`]: connections: TLS, limits and timeouts of every kind, an orderly end.
//! - [`routes`]: which path is answered where; what is true of every answer.
//! - [`problem`]: every refusal, as problem+json (RFC 9457).
//! - [`body`]: bodies, bounded in size, time and shape.
//! - [`caller`]: who asks: staff by a token, a participant by a cookie or a token; [`forwarded`]: from where.
//! - [`audit`]: what is recorded of it.
//! - One file per resource: [`providers`], [`patients`], [`appointments`], [`links`], [`door`], [`visits`],
//!   [`seats`], [`watching`], [`quality`], [`events`], [`site`], [`health`].

mod appointments;
mod audit;
mod body;
mod caller;
mod door;
mod events;
mod forwarded;
mod health;
mod links;
mod patients;
mod problem;
mod providers;
mod quality;
mod repeat;
mod routes;
mod seats;
mod server;
mod site;
mod stall;
mod visits;
mod watching;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde::Serialize;
use tokio::sync::watch;

use crate::control::registry::Registry;

pub use routes::router;
pub use server::{Limits, serve};

/// What the pages tell about this place.
#[derive(Clone, Debug, Default, Serialize)]
pub struct SiteInfo {
    pub name: String,
    pub support: Support,
    /// What the door asks, in this order.
    pub steps: Vec<&'static str>,
    pub browsers: Browsers,
}

/// The oldest major version of each browser that is recommended; 0: any.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Browsers {
    pub chrome: u32,
    pub edge: u32,
    pub firefox: u32,
    pub safari: u32,
    pub ios: u32,
    pub android: u32,
}

/// Whom to call when it does not work.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Support {
    pub phone: Option<String>,
    pub hours: Option<String>,
    pub tty: Option<String>,
}

/// What the API answers from.
#[derive(Clone)]
pub struct App {
    pub registry: Registry,
    pub site: SiteInfo,
    /// `https://host[:port]`, without a slash at the end: where links point to.
    pub public_url: String,
    /// Becomes true when the server is to stop.
    pub shutdown: watch::Receiver<bool>,
}

/// The same for every request.
type Shared = Arc<App>;
