//! Sessions: what lets a participant go on without verifying again.

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;

use super::{Store, StoreError, audit, micros, row};
use crate::base::VisitId;
use crate::base::ids::ParticipantId;
use crate::control::words::{Act, Digest, Role};

/// One participant's session.
#[derive(Clone, Debug)]
pub struct Session {
    pub participant: ParticipantId,
    pub visit: VisitId,
    pub role: Role,
    pub created_at: Timestamp,
    pub seen_at: Timestamp,
}

impl Store {
    /// The session of this token, unless it was ended.
    pub async fn session(&self, token: Digest) -> Result<Option<Session>, StoreError> {
        let found = sqlx::query(
            "SELECT s.participant_id, s.created_at, s.seen_at, p.visit_id, p.role
             FROM sessions s JOIN participants p ON p.id = s.participant_id
             WHERE s.token_sha256 = $1 AND s.ended_at IS NULL",
        )
        .bind(token.hex())
        .fetch_optional(&self.readers);
        found.await?.as_ref().map(read).transpose()
    }

    /// Notes that a session is in use.
    pub async fn touch_session(&self, token: Digest, now: Timestamp) -> Result<(), StoreError> {
        sqlx::query("UPDATE sessions SET seen_at = $1 WHERE token_sha256 = $2 AND ended_at IS NULL AND seen_at < $1")
            .bind(micros(now))
            .bind(token.hex())
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    /// Ends a session for good: one that has expired never revives, whatever the clock does.
    pub async fn end_session(&self, token: Digest, act: &Act, now: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.writing().await?;
        let ended = sqlx::query("UPDATE sessions SET ended_at = $1 WHERE token_sha256 = $2 AND ended_at IS NULL")
            .bind(micros(now))
            .bind(token.hex())
            .execute(&mut *tx)
            .await?;
        // Two requests may find at once that it is over; it ended once.
        if ended.rows_affected() == 1 {
            audit::append(&mut tx, act, now).await?;
            tx.commit().await?;
        }
        Ok(())
    }
}

fn read(row: &SqliteRow) -> Result<Session, StoreError> {
    Ok(Session {
        participant: row::parsed(row, "participant_id")?,
        visit: row::parsed(row, "visit_id")?,
        role: row::word(row, "role", Role::from_word)?,
        created_at: row::moment(row, "created_at")?,
        seen_at: row::moment(row, "seen_at")?,
    })
}
