//! Asking media how connections fare, and telling who helps people with theirs.

use super::live::{Registry, Room, VisitError};
use super::person::Person;
use super::quality::{Connection, VisitQuality};
use crate::base::VisitId;
use crate::link::Command;

/// Turns in which every visit is asked about once. Two seconds are a hundred packets of sound: less would take chance for
/// loss, more would say "poor" when everybody has long heard it.
const MEASURE_EVERY: u64 = 4;

impl Registry {
    /// Asks how connections fare, in this turn those of one visit in [`MEASURE_EVERY`]: the answers of all at once would
    /// make everything else that media says wait.
    pub async fn measure(&self, turn: u32) {
        for live in self.all() {
            let held = live.hold().await;
            let Room { visit, worker, .. } = &*held.room;
            if let Some(worker) = *worker
                && visit.id.bits() % MEASURE_EVERY == u64::from(turn) % MEASURE_EVERY
                && visit.people().iter().any(Person::is_connected)
            {
                self.0.parts.media.send(worker, Command::Measure { visit: visit.id }).await;
            }
        }
    }

    /// How the connections of a visit fare.
    pub async fn quality(&self, id: VisitId) -> Result<VisitQuality, VisitError> {
        let held = self.live(id).await?.hold().await;
        Ok(VisitQuality::new(&held.room.visit, &held.room.scene, self.clock().now()))
    }

    /// People whose connection is poor now; those of a visit that is busy are counted another time.
    pub fn poor_connections(&self) -> usize {
        let held = self.all().into_iter().filter_map(|live| live.try_hold());
        held.map(|held| {
            let Room { visit, scene, .. } = &*held.room;
            visit.people().iter().filter(|person| scene.connection(person) == Some(Connection::Poor)).count()
        })
        .sum()
    }
}
