//! What live visits borrow from the rest of the house, so narrow that a test can lend it too.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;

use crate::link::{Command, Fingerprint};

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
