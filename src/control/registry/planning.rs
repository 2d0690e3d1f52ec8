//! What staff change of an appointment whose visit may be live: when it is, and who is invited.

use super::live::{Registry, VisitError};
use crate::base::VisitId;
use crate::control::store::{Appointment, Link, NewLink, StoreError, Times};
use crate::control::words::{Act, Actor};

/// Why an appointment was not moved.
#[derive(Debug)]
pub enum MoveError {
    /// It was cancelled, or its visit has ended.
    Over,
    /// Somebody has a seat.
    Occupied,
    /// It is no longer as the mover knows it.
    Changed,
    Visit(VisitError),
}

impl From<StoreError> for MoveError {
    fn from(error: StoreError) -> MoveError {
        MoveError::Visit(error.into())
    }
}

impl Registry {
    /// Moves an appointment that still is as `known` says. Its links, and who waits, move with it.
    pub async fn move_appointment(&self, known: &Appointment, to: &Times, actor: Actor) -> Result<(), MoveError> {
        if known.ended_at.is_some() {
            return Err(MoveError::Over);
        }
        let live = self.live(known.visit).await.map_err(MoveError::Visit)?;
        let mut room = live.room.lock().await;
        if room.visit.people().iter().any(|person| room.visit.seat_of(person.id).is_some()) {
            return Err(MoveError::Occupied);
        }
        let act = Act::done(actor, "appointment.move").in_visit(known.visit).to(known.id);
        if !self.store().move_appointment(known, to, &act, self.clock().now()).await? {
            return Err(MoveError::Changed);
        }
        room.visit.opens_at = self.window().opens_at(to.start);
        room.visit.closes_at = self.window().closes_at(to.start, to.duration_minutes);
        drop(room);
        live.announce();
        Ok(())
    }

    /// Puts a new link in the place of one; who came in by that has to go. False if it is not a living link.
    pub async fn reissue(&self, visit: VisitId, old: &Link, new: &NewLink, _actor: Actor) -> Result<bool, VisitError> {
        let live = self.live(visit).await?;
        let mut room = live.room.lock().await;
        if !self.store().reissue_link(old, new, self.now().wall).await? {
            return Ok(false);
        }
        let stay = self.store().participants(visit).await?;
        let gone: Vec<_> =
            room.visit.people().iter().map(|person| person.id).filter(|id| !stay.iter().any(|one| one.id == *id)).collect();
        for id in gone {
            let unseat = room.visit.expel(id);
            self.unseat(&room, unseat).await;
        }
        drop(room);
        live.announce();
        Ok(true)
    }
}
