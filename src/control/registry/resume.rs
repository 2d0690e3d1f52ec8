//! After a restart of control: the visits that media has carried on meanwhile are taken up again.
//!
//! The record says who sits where, by which leg; media says which legs it has. Where both name the same leg, its
//! person goes on as if nothing had been. A leg that the record does not name is nobody's, and has to go.

use super::live::{Registry, VisitError};
use super::person::Hold;
use super::scene::Scene;
use crate::base::{LegId, Seat};
use crate::control::words::Standing;
use crate::link::Command;
use crate::link::event::{LegSnapshot, LegState, VisitSnapshot};

impl Registry {
    /// Takes up what a worker carries. To be called before the door opens: nobody has asked for the visit yet.
    pub async fn resume(&self, worker: u16, found: &VisitSnapshot) {
        let visit = found.visit;
        let resumed = match self.try_resume(worker, found).await {
            Ok(resumed) => resumed,
            Err(error) => {
                tracing::warn!(%visit, worker, ?error, "a visit that media carries cannot be taken up; its people will connect anew");
                false
            }
        };
        if !resumed {
            self.0.parts.media.send(worker, Command::CloseVisit { visit }).await;
        }
    }

    /// False if there is nobody whom this visit belongs to any more.
    async fn try_resume(&self, worker: u16, found: &VisitSnapshot) -> Result<bool, VisitError> {
        let visit = found.visit;
        let legs = || Seat::ALL.into_iter().zip(found.seats).filter_map(|(seat, leg)| Some((seat, leg?)));
        let alive =
            |leg: LegId, standing: Standing| legs().find(|(_, found)| found.leg == leg).map(|(_, found)| hold(found, standing));
        let mut held = self.read(visit, Some(worker), alive).await?.hold().await;
        if held.room.visit.is_ended() {
            held.room.worker = None;
            return Ok(false);
        }
        self.capacity().carries(worker, visit);
        let mut carried = 0;
        for (seat, leg) in legs() {
            let sitter =
                held.room.visit.sitter(seat).filter(|person| person.seated().and_then(|one| one.hold.leg()) == Some(leg.leg));
            match sitter.map(|person| person.who.id) {
                Some(who) => {
                    carried += 1;
                    // Whoever may sit may say what is sent of them; a screen that is shared already stays so.
                    let _ = held.room.visit.set_sources(who, leg.sources);
                }
                None => {
                    let nobody = Command::Disconnect { visit, seat, leg: leg.leg };
                    self.0.parts.media.send(worker, nobody).await;
                }
            }
        }
        self.try_to_catch_up(&mut held.room).await;
        held.room.scene = Scene::resumed(&held.room.visit);
        // Who speaks, what is taken and what is withheld was said to the control before us.
        self.0.parts.media.send(worker, Command::Measure { visit }).await;
        tracing::info!(%visit, worker, carried, "a visit goes on after a restart");
        Ok(true)
    }
}

/// What a leg that media has carried on is to whoever the record names.
fn hold(found: LegSnapshot, standing: Standing) -> Hold {
    let LegSnapshot { leg, state, .. } = found;
    match (state, standing) {
        (LegState::Connected, _) => Hold::Connected { leg },
        (LegState::Silent, _) => Hold::Silent { leg },
        (LegState::Connecting, Standing::Reconnecting) => Hold::Reconnecting { leg },
        (LegState::Connecting, _) => Hold::Connecting { leg },
    }
}
