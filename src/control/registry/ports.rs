//! What live visits borrow from the rest of the house, so narrow that a test can lend it too.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use crate::base::Seat;
use crate::link::{Command, Fingerprint, LegTerms};

/// A worker that is ready. Without `Debug`, as it holds addresses.
#[derive(Clone)]
pub struct WorkerInfo {
    pub worker: u16,
    pub addresses: Vec<SocketAddr>,
    pub fingerprint: Fingerprint,
}

/// The media workers.
pub trait Media: Send + Sync {
    /// Those that are ready now.
    fn workers(&self) -> Vec<WorkerInfo>;

    /// Gives one worker an order; false if that worker is gone.
    fn send(&self, worker: u16, command: Command) -> Pin<Box<dyn Future<Output = bool> + Send + '_>>;
}

/// An answer to an offer, and what it means. Without `Debug`, as the answer holds a password.
pub struct Negotiated {
    pub answer: String,
    pub terms: LegTerms,
}

/// Answers an offer for a seat on a worker, or says what the client should change.
pub type Negotiate = Arc<dyn Fn(&str, Seat, &WorkerInfo) -> Result<Negotiated, String> + Send + Sync>;
