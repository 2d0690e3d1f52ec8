//! What live visits borrow from the rest of the house, so narrow that a test can lend it too.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;

use crate::link::{Command, Event, Fingerprint};

/// A worker that is ready. Without `Debug`, as it holds addresses.
#[derive(Clone)]
pub struct WorkerInfo {
    pub worker: u16,
    pub addresses: Vec<SocketAddr>,
    pub fingerprint: Fingerprint,
}

/// What is heard of media, in the order in which it happened.
pub enum News {
    /// A worker said something.
    Said { worker: u16, event: Event },
    /// A worker is gone, with all that it carried.
    Lost { worker: u16 },
    /// A worker that was lost is there again, and carries nothing.
    Back,
}

/// The media workers.
pub trait Media: Send + Sync {
    /// Those that are ready now.
    fn workers(&self) -> Vec<WorkerInfo>;

    /// Gives one worker an order; false if that worker is gone.
    fn send(&self, worker: u16, command: Command) -> Pin<Box<dyn Future<Output = bool> + Send + '_>>;
}
