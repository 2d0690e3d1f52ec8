//! What a forwarder can be told and asked: a line of JSON, answered by a line of JSON.
//!
//! ```text
//! {"set":{"client":"UFRAG","up":KNOBS,"down":KNOBS}}   a direction that is not named stays as it is
//! {"rebind":{"client":"UFRAG"}}                        a new port towards the server, as when a router forgets
//! {"tally":{}}                                         what was done so far, per client and direction
//! {"quit":{}}                                          as is the end of the input
//! ```
//!
//! The client "*" is everyone who is here, and with `set` everyone who comes later, until told otherwise. So an outage that
//! also meets the reconnects of one person is set for "*" and then lifted for the others.

use std::time::Duration;

use quartet::base::Instant;
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::{Client, Lane};
use super::{Change, Forwarder};
use crate::network::{Impairment, Loss, Rate};

const EVERYONE: &str = "*";
/// Longer waits would be mistakes of who asks for them: a minute's delay is an outage.
const MILLIS_MAX: u64 = 10_000;

/// What to say, and whether that was the last word.
pub(crate) enum Answer {
    Go(Value),
    Quit(Value),
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Order {
    Set(Set),
    Rebind(Rebind),
    Tally {},
    Quit {},
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Set {
    client: String,
    up: Option<Knobs>,
    down: Option<Knobs>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rebind {
    client: String,
}

/// An [`Impairment`] as JSON; what is left out is as on a good wire.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Knobs {
    delay_ms: u64,
    jitter_ms: u64,
    loss: Option<Losses>,
    reorder: f64,
    duplicate: f64,
    rate: Option<Narrow>,
    mtu: Option<usize>,
}

/// 0.05, or {"share":0.05,"mean":5}; 1 is an outage.
#[derive(Deserialize)]
#[serde(untagged)]
enum Losses {
    Random(f64),
    Burst { share: f64, mean: f64 },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Narrow {
    bits_per_second: u64,
    queue_ms: u64,
}

impl Forwarder {
    pub(crate) fn obey(&mut self, now: Instant, line: &str) -> Answer {
        let order = match serde_json::from_str(line) {
            Ok(order) => order,
            Err(error) => return Answer::Go(json!({ "error": error.to_string() })),
        };
        let done = match order {
            Order::Set(set) => self.set(&set).map(|clients| json!({ "set": clients })),
            Order::Rebind(Rebind { client }) => self.rebind(&client).map(|sockets| json!({ "rebound": sockets })),
            Order::Tally {} => Ok(self.tell(now)),
            Order::Quit {} => return Answer::Quit(self.tell(now)),
        };
        Answer::Go(done.unwrap_or_else(|error| json!({ "error": error })))
    }

    /// For how many clients it is another wire now.
    fn set(&mut self, Set { client, up, down }: &Set) -> Result<usize, String> {
        let up = up.as_ref().map(Knobs::impairment).transpose()?;
        let down = down.as_ref().map(Knobs::impairment).transpose()?;
        if client == EVERYONE {
            self.up = up.unwrap_or(self.up);
            self.down = down.unwrap_or(self.down);
        }
        let meant = self.named(client)?;
        for &at in &meant {
            let client = &mut self.clients[at];
            for (lane, impairment) in [(&mut client.up, up), (&mut client.down, down)] {
                if let Some(impairment) = impairment {
                    lane.wire.set(impairment);
                }
            }
        }
        Ok(meant.len())
    }

    /// How many sockets are others now.
    fn rebind(&mut self, client: &str) -> Result<usize, String> {
        let mut rebound = 0;
        for at in self.named(client)? {
            for binding in 0..self.clients[at].bindings.len() {
                let opened = self.open();
                let before = std::mem::replace(&mut self.clients[at].bindings[binding].socket, opened);
                self.changes.push_back(Change::Close(before));
                rebound += 1;
            }
        }
        Ok(rebound)
    }

    fn named(&self, name: &str) -> Result<Vec<usize>, String> {
        let is_meant = |client: &Client| name == EVERYONE || client.ufrag == name;
        let meant: Vec<_> = (0..self.clients.len()).filter(|&at| is_meant(&self.clients[at])).collect();
        if meant.is_empty() && name != EVERYONE {
            return Err(format!("no check of {name} has passed here"));
        }
        Ok(meant)
    }

    fn tell(&mut self, now: Instant) -> Value {
        let clients: serde_json::Map<String, Value> = self
            .clients
            .iter_mut()
            .map(|Client { ufrag, bindings, up, down, .. }| {
                let told = json!({ "bindings": bindings.len(), "up": up.tell(now), "down": down.tell(now) });
                (ufrag.clone(), told)
            })
            .collect();
        json!({ "clients": clients, "strays": self.strays })
    }
}

impl Lane {
    fn tell(&mut self, now: Instant) -> Value {
        let tally = self.wire.tally();
        json!({
            "offered": tally.offered,
            "delivered": tally.delivered,
            "lost": tally.lost,
            "bursts": tally.bursts,
            "overflowed": tally.overflowed,
            "too_long": tally.too_long,
            "duplicated": tally.duplicated,
            "reordered": tally.reordered,
            "bytes_offered": tally.bytes_offered,
            "bytes_delivered": tally.bytes_delivered,
            "bits_per_second": self.lately.bits_per_second(now),
            "queue_delay_ms": self.wire.queue_delay(now).as_secs_f64() * 1_000.0,
        })
    }
}

impl Knobs {
    fn impairment(&self) -> Result<Impairment, String> {
        let rate = match &self.rate {
            None => None,
            Some(Narrow { bits_per_second: 0, .. }) => return Err("a rate of 0 is an outage: {\"loss\":1}".to_owned()),
            Some(narrow) => Some(Rate { bits_per_second: narrow.bits_per_second, queue: millis(narrow.queue_ms)? }),
        };
        Ok(Impairment {
            delay: millis(self.delay_ms)?,
            jitter: millis(self.jitter_ms)?,
            loss: self.loss()?,
            reorder: share(self.reorder)?,
            duplicate: share(self.duplicate)?,
            rate,
            mtu: self.mtu.unwrap_or(Impairment::NONE.mtu),
        })
    }

    fn loss(&self) -> Result<Loss, String> {
        Ok(match self.loss {
            None => Loss::None,
            Some(Losses::Random(1.0)) => Loss::All,
            Some(Losses::Random(some)) => Loss::Random(share(some)?),
            Some(Losses::Burst { share, mean }) if mean >= 1.0 && (0.0..=mean / (mean + 1.0)).contains(&share) => {
                Loss::Burst { share, mean }
            }
            Some(Losses::Burst { share, mean }) => return Err(format!("bursts of {mean} cannot lose {share}")),
        })
    }
}

fn millis(millis: u64) -> Result<Duration, String> {
    if millis > MILLIS_MAX {
        return Err(format!("{millis} ms are more than {MILLIS_MAX}"));
    }
    Ok(Duration::from_millis(millis))
}

fn share(share: f64) -> Result<f64, String> {
    if (0.0..=1.0).contains(&share) { Ok(share) } else { Err(format!("{share} is no share: 0 to 1")) }
}
