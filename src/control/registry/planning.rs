//! What staff change of an appointment whose visit may be live: when it is, and who is invited.

use super::live::{Registry, VisitError};
use crate::base::VisitId;
use crate::control::store::{Appointment, Link, NewLink, StoreError, Times};
use crate::control::words::{Act, Actor, Reason};

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
        let mut held = self.room(known.visit).await.map_err(MoveError::Visit)?;
        if held.room.visit.is_running() {
            return Err(MoveError::Occupied);
        }
        let act = Act::done(actor, "appointment.move").in_visit(known.visit).to(known.id);
        if !self.store().move_appointment(known, to, &act, self.clock().now()).await? {
            return Err(MoveError::Changed);
        }
        held.room.visit.hours =
            self.hours(&Appointment { start: to.start, duration_minutes: to.duration_minutes, ..known.clone() });
        self.announce(held).await;
        Ok(())
    }

    /// Puts a new link in the place of one; who came in by that has to go. False if it is not a living link.
    pub async fn reissue(&self, visit: VisitId, old: &Link, new: &NewLink, actor: Actor) -> Result<bool, VisitError> {
        let now = self.now();
        let mut held = self.room(visit).await?;
        let mut plan = held.room.plan(Act::done(actor, "link.reissue").to(old.id), |visit| {
            let gone = visit.invited_by(old.id);
            Ok(gone.into_iter().filter_map(|id| visit.expel(id, Reason::Revoked, now.wall)).collect::<Vec<_>>())
        })?;
        plan.minutes.acts.push(Act::done(actor, "link.add").in_visit(visit).to(new.link.id));
        if !self.store().reissue_link(old, new, &plan.minutes, now.wall).await? {
            return Ok(false);
        }
        for gone in held.room.commit(plan) {
            self.unseat(&held.room, Some(gone)).await;
        }
        self.announce(held).await;
        Ok(true)
    }
}
