//! Participants: people who have come through the door of a visit.

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;

use super::link::FAILURES_MAX;
use super::{Minutes, Store, StoreError, micros, presence, row};
use crate::base::VisitId;
use crate::base::ids::{LinkId, ParticipantId, PatientId, ProviderId};
use crate::control::words::{Digest, Name, Role};

/// A person in a visit.
#[derive(Clone, Debug)]
pub struct Participant {
    pub id: ParticipantId,
    pub visit: VisitId,
    pub link: LinkId,
    pub role: Role,
    /// The patient they are, or with whose birth date they came in.
    pub patient: Option<PatientId>,
    pub provider: Option<ProviderId>,
    pub name: Name,
    /// What someone who is not the patient said they are to the patient.
    pub relationship: Option<Name>,
    pub created_at: Timestamp,
}

/// A participant to record, with the session and the acceptance that they begin with.
#[derive(Clone, Debug)]
pub struct NewParticipant {
    pub participant: Participant,
    pub session: Digest,
    /// The terms they accepted, if they were asked to.
    pub terms: Option<&'static str>,
}

impl Store {
    /// Lets someone in: records them, their session and their acceptance, and replaces whoever came in by
    /// the same link in the same role before. Answers with those replaced, or nothing if the link was
    /// locked or revoked, or the visit ended, in the meantime.
    pub async fn enter(
        &self,
        new: &NewParticipant,
        minutes: &Minutes,
        now: Timestamp,
    ) -> Result<Option<Vec<ParticipantId>>, StoreError> {
        let participant = &new.participant;
        let mut tx = self.writing().await?;
        let open = sqlx::query(
            "SELECT l.id FROM links l JOIN visits v ON v.appointment_id = l.appointment_id
             WHERE l.id = $1 AND v.id = $2 AND v.ended_at IS NULL
               AND l.revoked_at IS NULL AND l.locked_at IS NULL AND l.failures < $3
               AND NOT EXISTS (SELECT 1 FROM participants WHERE link_id = $1 AND role = $4 AND barred_at IS NOT NULL)",
        )
        .bind(participant.link.to_string())
        .bind(participant.visit.to_string())
        .bind(i64::from(FAILURES_MAX))
        .bind(participant.role.word())
        .fetch_optional(&mut *tx)
        .await?;
        if open.is_none() {
            return Ok(None);
        }
        let replaced = sqlx::query(
            "UPDATE participants SET replaced_at = $1 WHERE link_id = $2 AND role = $3 AND replaced_at IS NULL RETURNING id",
        )
        .bind(micros(now))
        .bind(participant.link.to_string())
        .bind(participant.role.word())
        .fetch_all(&mut *tx)
        .await?;
        let replaced = replaced.iter().map(|row| row::parsed(row, "id")).collect::<Result<Vec<ParticipantId>, _>>()?;
        for id in &replaced {
            sqlx::query("UPDATE sessions SET ended_at = $1 WHERE participant_id = $2 AND ended_at IS NULL")
                .bind(micros(now))
                .bind(id.to_string())
                .execute(&mut *tx)
                .await?;
        }
        sqlx::query(
            "INSERT INTO participants
             (id, visit_id, link_id, role, patient_id, provider_id, name, relationship, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(participant.id.to_string())
        .bind(participant.visit.to_string())
        .bind(participant.link.to_string())
        .bind(participant.role.word())
        .bind(participant.patient.map(|id| id.to_string()))
        .bind(participant.provider.map(|id| id.to_string()))
        .bind(participant.name.as_str())
        .bind(participant.relationship.as_ref().map(Name::as_str))
        .bind(micros(now))
        .execute(&mut *tx)
        .await?;
        sqlx::query("INSERT INTO sessions (token_sha256, participant_id, created_at, seen_at) VALUES ($1, $2, $3, $3)")
            .bind(new.session.hex())
            .bind(participant.id.to_string())
            .bind(micros(now))
            .execute(&mut *tx)
            .await?;
        if let Some(version) = new.terms {
            sqlx::query("INSERT INTO terms_acceptances (participant_id, version, accepted_at) VALUES ($1, $2, $3)")
                .bind(participant.id.to_string())
                .bind(version)
                .bind(micros(now))
                .execute(&mut *tx)
                .await?;
        }
        presence::append(&mut tx, minutes, now).await?;
        tx.commit().await?;
        Ok(Some(replaced))
    }

    /// Has someone leave for good: their session ends, and nobody comes in again by their link in their role.
    pub async fn bar(&self, who: ParticipantId, minutes: &Minutes, now: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.writing().await?;
        sqlx::query("UPDATE participants SET barred_at = $1, replaced_at = $1 WHERE id = $2 AND barred_at IS NULL")
            .bind(micros(now))
            .bind(who.to_string())
            .execute(&mut *tx)
            .await?;
        sqlx::query("UPDATE sessions SET ended_at = $1 WHERE participant_id = $2 AND ended_at IS NULL")
            .bind(micros(now))
            .bind(who.to_string())
            .execute(&mut *tx)
            .await?;
        presence::append(&mut tx, minutes, now).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Who is in a visit and was not replaced, in the order they came.
    pub async fn participants(&self, visit: VisitId) -> Result<Vec<Participant>, StoreError> {
        let found = sqlx::query("SELECT * FROM participants WHERE visit_id = $1 AND replaced_at IS NULL ORDER BY created_at, id")
            .bind(visit.to_string())
            .fetch_all(&self.readers);
        found.await?.iter().map(read).collect()
    }
}

fn read(row: &SqliteRow) -> Result<Participant, StoreError> {
    Ok(Participant {
        id: row::parsed(row, "id")?,
        visit: row::parsed(row, "visit_id")?,
        link: row::parsed(row, "link_id")?,
        role: row::word(row, "role", Role::from_word)?,
        patient: row::optional_parsed(row, "patient_id")?,
        provider: row::optional_parsed(row, "provider_id")?,
        name: row::name(row, "name")?,
        relationship: row::optional_name(row, "relationship")?,
        created_at: row::moment(row, "created_at")?,
    })
}
