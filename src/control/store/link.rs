//! Links: invitations that open one visit. The record knows a link by the SHA-256 of its token.

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{Sqlite, Transaction};

use super::{Minutes, Store, StoreError, audit, micros, presence, row};
use crate::base::ids::{AppointmentId, LinkId, PatientId, ProviderId};
use crate::control::words::{Act, Digest, Name, Role};

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
    /// Wrong dates that were tried with it.
    pub wrong_dates: u32,
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
    pub async fn add_link(&self, new: &NewLink, act: &Act, now: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.writing().await?;
        insert(&mut tx, new, now).await?;
        audit::append(&mut tx, act, now).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The links of an appointment, oldest first.
    pub async fn links(&self, appointment: AppointmentId) -> Result<Vec<Link>, StoreError> {
        let found = sqlx::query("SELECT * FROM links WHERE appointment_id = $1 ORDER BY place, id")
            .bind(appointment.to_string())
            .fetch_all(&self.readers);
        found.await?.iter().map(read).collect()
    }

    /// Lets a link be tried again: its wrong dates are forgotten, and so is who was barred from coming in by it. False
    /// if it is no link of this appointment, or a revoked one.
    pub async fn unlock_link(
        &self,
        appointment: AppointmentId,
        link: LinkId,
        act: &Act,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = self.writing().await?;
        let unlocked = sqlx::query(
            "UPDATE links SET failures = 0, locked_at = NULL WHERE id = $1 AND appointment_id = $2 AND revoked_at IS NULL",
        )
        .bind(link.to_string())
        .bind(appointment.to_string())
        .execute(&mut *tx)
        .await?;
        if unlocked.rows_affected() == 0 {
            return Ok(false);
        }
        for sql in ["DELETE FROM wrong_dates WHERE link_id = $1", "UPDATE participants SET barred_at = NULL WHERE link_id = $1"] {
            sqlx::query(sql).bind(link.to_string()).execute(&mut *tx).await?;
        }
        audit::append(&mut tx, act, now).await?;
        tx.commit().await?;
        Ok(true)
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
        if !revoke(&mut tx, appointment, link, now).await? {
            return Ok(false);
        }
        presence::append(&mut tx, minutes, now).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Revokes a link and records another in its place. False, and nothing is done, if the first is not a living one.
    pub async fn reissue_link(&self, old: &Link, new: &NewLink, minutes: &Minutes, now: Timestamp) -> Result<bool, StoreError> {
        let mut tx = self.writing().await?;
        if !revoke(&mut tx, old.appointment, old.id, now).await? {
            return Ok(false);
        }
        insert(&mut tx, new, now).await?;
        presence::append(&mut tx, minutes, now).await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// Revokes a link, and with it the sessions of who came in by it. False if it is not a living link of this appointment.
async fn revoke(
    tx: &mut Transaction<'_, Sqlite>,
    appointment: AppointmentId,
    link: LinkId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let revoked = sqlx::query("UPDATE links SET revoked_at = $1 WHERE id = $2 AND appointment_id = $3 AND revoked_at IS NULL")
        .bind(micros(now))
        .bind(link.to_string())
        .bind(appointment.to_string())
        .execute(&mut **tx)
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
    .execute(&mut **tx)
    .await?;
    sqlx::query("UPDATE participants SET replaced_at = $1 WHERE link_id = $2 AND replaced_at IS NULL")
        .bind(micros(now))
        .bind(link.to_string())
        .execute(&mut **tx)
        .await?;
    Ok(true)
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

pub(super) fn read(row: &SqliteRow) -> Result<Link, StoreError> {
    Ok(Link {
        id: row::parsed(row, "id")?,
        appointment: row::parsed(row, "appointment_id")?,
        role: row::word(row, "role", Role::from_word)?,
        patient: row::optional_parsed(row, "patient_id")?,
        provider: row::optional_parsed(row, "provider_id")?,
        name: row::optional_name(row, "name")?,
        wrong_dates: row::number(row, "failures")?,
        locked_at: row::optional_moment(row, "locked_at")?,
        revoked_at: row::optional_moment(row, "revoked_at")?,
    })
}
