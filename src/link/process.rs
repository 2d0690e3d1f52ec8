//! What is said on the media process's own connection, beside those of its workers.

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The form of all messages of the link. It goes up with every change of one of them: processes of two versions then
/// see it in the first number that they exchange, before they take one message for another.
pub const VERSION: u32 = 2;

/// The first message of a media process to each control.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Greeting {
    /// Its [`VERSION`]. Stands first, whatever may follow it one day.
    pub version: u32,
    /// What its workers were started with; none if it has just been started.
    pub running: Option<Setup>,
}

/// What control tells the media process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Order {
    /// End at once. Stands first: its one byte is zero in every version, so that any control can end any media process.
    Stop,
    /// The answer to a greeting: start workers like this, or, where they run like this already, bring them to me.
    Setup(Setup),
}

/// How many workers to start, and where they listen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setup {
    /// Threads to start, each with its own port; at least one.
    pub workers: u16,
    /// Addresses of this machine on which each worker opens a socket; at least one, at most eight.
    pub addresses: Vec<IpAddr>,
    /// The port of worker 0; worker n listens on `first_port + n`. Zero lets the system choose.
    pub first_port: u16,
    /// How long to go on when control dies, until another one listens. Zero: end with control.
    pub alone_at_most: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::socket::encode;

    #[test]
    fn every_version_can_read_the_version_and_say_stop() {
        let mut buffer = [0; 64];
        assert_eq!(encode(&Order::Stop, &mut buffer).unwrap(), [0]);
        let greeting = Greeting { version: 300, running: None };
        assert_eq!(encode(&greeting, &mut buffer).unwrap()[..2], [0xac, 2], "a varint, first");
    }
}
