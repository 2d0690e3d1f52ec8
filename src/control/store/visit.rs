//! Visits: who is of one, where they stand, and its end.

use jiff::Timestamp;

use super::{Appointment, Minutes, Participant, PresenceRecord, Store, StoreError, micros, presence};
use crate::base::VisitId;

/// What is recorded of a visit.
#[derive(Clone, Debug)]
pub struct VisitRecord {
    pub appointment: Appointment,
    pub participants: Vec<Participant>,
    /// Where each of them stands.
    pub presences: Vec<PresenceRecord>,
}

impl Store {
    pub async fn visit(&self, id: VisitId) -> Result<Option<VisitRecord>, StoreError> {
        let Some(appointment) = self.appointment_of(id).await? else { return Ok(None) };
        let (participants, presences) = (self.participants(id).await?, self.presences(id).await?);
        Ok(Some(VisitRecord { appointment, participants, presences }))
    }

    /// Ends the visit of these minutes for good. Ending it twice changes nothing.
    pub async fn end_visit(&self, minutes: &Minutes, now: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.writing().await?;
        sqlx::query("UPDATE visits SET ended_at = $1 WHERE id = $2 AND ended_at IS NULL")
            .bind(micros(now))
            .bind(minutes.visit.to_string())
            .execute(&mut *tx)
            .await?;
        presence::append(&mut tx, minutes, now).await?;
        tx.commit().await?;
        Ok(())
    }
}
