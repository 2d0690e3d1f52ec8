//! Links: invitations that open one visit. The record knows a link by the SHA-256 of its token.

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{Sqlite, Transaction};

use super::{Minutes, Store, StoreError, micros, presence, row};
use crate::base::ids::{AppointmentId, LinkId, PatientId, ProviderId};
use crate::control::words::{Digest, Name, Role};

/// Wrong birth dates that one link ever takes. There are 36,525 days in a century: five guesses are a
/// chance of 0.014 %. Fewer would lock out people who mistype; more would help who guesses.
pub const FAILURES_MAX: u32 = 5;

/// An invitation.
#[derive(Clone, Debug)]
pub struct Link {
    pub id: LinkId,
    pub appointment: AppointmentId,
    pub role: Role,
    /// Whose birth date opens it. None: that of any patient of the appointment.
    pub patient: Option<PatientId>,
    pub provider: Option<ProviderId>,
    /// The name of an invited guest or interpreter, if the inviter gave it.
    pub name: Option<Name>,
    pub locked_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
}

impl Link {
    /// Whether it can still open anything.
    pub fn is_alive(&self) -> bool {
        self.locked_at.is_none() && self.revoked_at.is_none()
    }
}

/// A link to record.
#[derive(Clone, Debug)]
pub struct NewLink {
    pub link: Link,
    pub digest: Digest,
}

impl Store {
    pub async fn add_link(&self, new: &NewLink, now: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.writing().await?;
        insert(&mut tx, new, now).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The link whose token has this digest. Looking it up by digest tells nothing by its timing that helps
    /// to guess a token.
    pub async fn link_of(&self, token: Digest) -> Result<Option<Link>, StoreError> {
        let found = sqlx::query("SELECT * FROM links WHERE token_sha256 = $1").bind(token.hex()).fetch_optional(&self.readers);
        found.await?.as_ref().map(read).transpose()
    }

    /// The links of an appointment, oldest first.
    pub async fn links(&self, appointment: AppointmentId) -> Result<Vec<Link>, StoreError> {
        let found = sqlx::query("SELECT * FROM links WHERE appointment_id = $1 ORDER BY place, id")
            .bind(appointment.to_string())
            .fetch_all(&self.readers);
        found.await?.iter().map(read).collect()
    }

    /// Counts one wrong birth date against a link and locks it with the last that it takes.
    ///
    /// One statement, so that however many try at once, across restarts and programs, the count is right.
    pub async fn count_failure(&self, link: LinkId, now: Timestamp) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE links SET failures = failures + 1,
                 locked_at = CASE WHEN failures + 1 >= $1 THEN $2 ELSE locked_at END
             WHERE id = $3 AND failures < $1 RETURNING failures",
        )
        .bind(i64::from(FAILURES_MAX))
        .bind(micros(now))
        .bind(link.to_string())
        .fetch_optional(&self.writer)
        .await?;
        Ok(())
    }

    /// Revokes a link, and with it everyone who came in by it. False if it is not a living link of this
    /// appointment.
    pub async fn revoke_link(
        &self,
        appointment: AppointmentId,
        link: LinkId,
        minutes: &Minutes,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = self.writing().await?;
        let revoked =
            sqlx::query("UPDATE links SET revoked_at = $1 WHERE id = $2 AND appointment_id = $3 AND revoked_at IS NULL")
                .bind(micros(now))
                .bind(link.to_string())
                .bind(appointment.to_string())
                .execute(&mut *tx)
                .await?;
        if revoked.rows_affected() == 0 {
            return Ok(false);
        }
        sqlx::query(
            "UPDATE sessions SET ended_at = $1 WHERE ended_at IS NULL
             AND participant_id IN (SELECT id FROM participants WHERE link_id = $2)",
        )
        .bind(micros(now))
        .bind(link.to_string())
        .execute(&mut *tx)
        .await?;
        sqlx::query("UPDATE participants SET replaced_at = $1 WHERE link_id = $2 AND replaced_at IS NULL")
            .bind(micros(now))
            .bind(link.to_string())
            .execute(&mut *tx)
            .await?;
        presence::append(&mut tx, minutes, now).await?;
        tx.commit().await?;
        Ok(true)
    }
}

pub(super) async fn insert(tx: &mut Transaction<'_, Sqlite>, new: &NewLink, now: Timestamp) -> Result<(), StoreError> {
    let link = &new.link;
    sqlx::query(
        "INSERT INTO links
         (id, appointment_id, place, role, patient_id, provider_id, name, token_sha256, failures, created_at)
         VALUES ($1, $2, (SELECT COUNT(*) FROM links WHERE appointment_id = $2), $3, $4, $5, $6, $7, 0, $8)",
    )
    .bind(link.id.to_string())
    .bind(link.appointment.to_string())
    .bind(link.role.word())
    .bind(link.patient.map(|id| id.to_string()))
    .bind(link.provider.map(|id| id.to_string()))
    .bind(link.name.as_ref().map(Name::as_str))
    .bind(new.digest.hex())
    .bind(micros(now))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

fn read(row: &SqliteRow) -> Result<Link, StoreError> {
    Ok(Link {
        id: row::parsed(row, "id")?,
        appointment: row::parsed(row, "appointment_id")?,
        role: row::word(row, "role", Role::from_word)?,
        patient: row::optional_parsed(row, "patient_id")?,
        provider: row::optional_parsed(row, "provider_id")?,
        name: row::optional_name(row, "name")?,
        locked_at: row::optional_moment(row, "locked_at")?,
        revoked_at: row::optional_moment(row, "revoked_at")?,
    })
}
