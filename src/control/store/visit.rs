//! Visits: of what is live, only the end is recorded.

use jiff::Timestamp;

use super::{Appointment, Participant, Store, StoreError, micros};
use crate::base::VisitId;

/// What is recorded of a visit.
#[derive(Clone, Debug)]
pub struct VisitRecord {
    pub appointment: Appointment,
    pub participants: Vec<Participant>,
}

impl Store {
    pub async fn visit(&self, id: VisitId) -> Result<Option<VisitRecord>, StoreError> {
        let Some(appointment) = self.appointment_of(id).await? else { return Ok(None) };
        Ok(Some(VisitRecord { appointment, participants: self.participants(id).await? }))
    }

    /// Ends a visit for good. Ending it twice changes nothing.
    pub async fn end_visit(&self, id: VisitId, now: Timestamp) -> Result<(), StoreError> {
        sqlx::query("UPDATE visits SET ended_at = $1 WHERE id = $2 AND ended_at IS NULL")
            .bind(micros(now))
            .bind(id.to_string())
            .execute(&self.writer)
            .await?;
        Ok(())
    }
}
