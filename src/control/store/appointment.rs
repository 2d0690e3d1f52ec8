//! Appointments, and the visit that belongs to each.

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, Sqlite, Transaction};

use super::kept::{self, KeptAnswer};
use super::link::{self, NewLink};
use super::{Minutes, Store, StoreError, audit, micros, presence, row};
use crate::base::VisitId;
use crate::base::ids::{AppointmentId, PatientId, ProviderId};
use crate::control::words::person::word_enum;
use crate::control::words::{Act, Name};

word_enum! {
    /// How many patients an appointment is for.
    AppointmentKind {
        Single "single",
        Group "group",
    }
}

/// A planned meeting of one provider and one to three patients.
#[derive(Clone, Debug)]
pub struct Appointment {
    pub id: AppointmentId,
    pub visit: VisitId,
    pub kind: AppointmentKind,
    pub group_name: Option<Name>,
    pub provider: ProviderId,
    pub patients: Vec<PatientId>,
    pub start: Timestamp,
    /// The start as it was given, with its offset.
    pub start_text: String,
    pub duration_minutes: u32,
    pub cancelled_at: Option<Timestamp>,
    /// When its visit ended, if it has.
    pub ended_at: Option<Timestamp>,
}

/// All that one appointment brings with it; kept together or not at all.
#[derive(Clone, Debug)]
pub struct Booking {
    pub appointment: Appointment,
    pub links: Vec<NewLink>,
    /// The answer to keep for a repeated request.
    pub kept: Option<KeptAnswer>,
}

/// When an appointment takes place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Times {
    pub start: Timestamp,
    /// The start as it was given, with its offset.
    pub start_text: String,
    pub duration_minutes: u32,
}

/// Which appointments to list.
#[derive(Clone, Copy, Debug, Default)]
pub struct AppointmentFilter {
    /// Those that start at this moment or later.
    pub from: Option<Timestamp>,
    /// Those that start before this moment.
    pub to: Option<Timestamp>,
    pub provider: Option<ProviderId>,
}

const SELECT: &str = "SELECT a.*, v.id AS visit_id, v.ended_at AS ended_at FROM appointments a
     JOIN visits v ON v.appointment_id = a.id";

impl Store {
    /// Records a booking. False if its answer's key was already used: then nothing is recorded.
    pub async fn book(&self, booking: &Booking, act: &Act, now: Timestamp) -> Result<bool, StoreError> {
        let Booking { appointment, links, kept } = booking;
        let id = appointment.id.to_string();
        let mut tx = self.writing().await?;
        if let Some(kept) = kept
            && !kept::insert(&mut tx, kept, now).await?
        {
            return Ok(false);
        }
        sqlx::query(
            "INSERT INTO appointments
             (id, kind, group_name, provider_id, start_at, start_text, duration_minutes, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(&id)
        .bind(appointment.kind.word())
        .bind(appointment.group_name.as_ref().map(Name::as_str))
        .bind(appointment.provider.to_string())
        .bind(micros(appointment.start))
        .bind(&appointment.start_text)
        .bind(i64::from(appointment.duration_minutes))
        .bind(micros(now))
        .execute(&mut *tx)
        .await?;
        for (place, patient) in (0i64..).zip(&appointment.patients) {
            sqlx::query("INSERT INTO appointment_patients (appointment_id, place, patient_id) VALUES ($1, $2, $3)")
                .bind(&id)
                .bind(place)
                .bind(patient.to_string())
                .execute(&mut *tx)
                .await?;
        }
        sqlx::query("INSERT INTO visits (id, appointment_id) VALUES ($1, $2)")
            .bind(appointment.visit.to_string())
            .bind(&id)
            .execute(&mut *tx)
            .await?;
        for new in links {
            link::insert(&mut tx, new, now).await?;
        }
        audit::append(&mut tx, act, now).await?;
        tx.commit().await?;
        Ok(true)
    }

    pub async fn appointment(&self, id: AppointmentId) -> Result<Option<Appointment>, StoreError> {
        let sql = sqlx::AssertSqlSafe(format!("{SELECT} WHERE a.id = $1"));
        let found = sqlx::query(sql).bind(id.to_string()).fetch_optional(&self.readers).await?;
        self.complete(found).await
    }

    /// The appointment whose visit this is.
    pub async fn appointment_of(&self, visit: VisitId) -> Result<Option<Appointment>, StoreError> {
        let sql = sqlx::AssertSqlSafe(format!("{SELECT} WHERE v.id = $1"));
        let found = sqlx::query(sql).bind(visit.to_string()).fetch_optional(&self.readers).await?;
        self.complete(found).await
    }

    /// The first `limit` appointments that pass `filter`, by start.
    pub async fn appointments(&self, filter: AppointmentFilter, limit: u32) -> Result<Vec<Appointment>, StoreError> {
        let sql = sqlx::AssertSqlSafe(format!(
            "{SELECT} WHERE a.start_at >= $1 AND a.start_at < $2 AND ($3 = '' OR a.provider_id = $3)
             ORDER BY a.start_at, a.id LIMIT $4"
        ));
        let rows = sqlx::query(sql)
            .bind(filter.from.map_or(i64::MIN, micros))
            .bind(filter.to.map_or(i64::MAX, micros))
            .bind(filter.provider.map_or_else(String::new, |provider| provider.to_string()))
            .bind(limit)
            .fetch_all(&self.readers)
            .await?;
        let mut appointments = Vec::with_capacity(rows.len());
        for row in rows {
            appointments.extend(self.complete(Some(row)).await?);
        }
        Ok(appointments)
    }

    /// Cancels an appointment and ends its visit. False if it had been cancelled, or ended, before.
    pub async fn cancel(&self, id: AppointmentId, minutes: &Minutes, now: Timestamp) -> Result<bool, StoreError> {
        let mut tx = self.writing().await?;
        let ended = sqlx::query("UPDATE visits SET ended_at = $1 WHERE appointment_id = $2 AND ended_at IS NULL")
            .bind(micros(now))
            .bind(id.to_string())
            .execute(&mut *tx)
            .await?;
        if ended.rows_affected() == 0 {
            return Ok(false);
        }
        sqlx::query("UPDATE appointments SET cancelled_at = $1 WHERE id = $2")
            .bind(micros(now))
            .bind(id.to_string())
            .execute(&mut *tx)
            .await?;
        presence::append(&mut tx, minutes, now).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Moves an appointment, if it still is as `known` says and not over. False otherwise.
    pub async fn move_appointment(&self, known: &Appointment, to: &Times, act: &Act, now: Timestamp) -> Result<bool, StoreError> {
        let mut tx = self.writing().await?;
        let moved = sqlx::query(
            "UPDATE appointments SET start_at = $1, start_text = $2, duration_minutes = $3
             WHERE id = $4 AND start_text = $5 AND duration_minutes = $6 AND cancelled_at IS NULL
               AND EXISTS (SELECT 1 FROM visits WHERE appointment_id = $4 AND ended_at IS NULL)",
        )
        .bind(micros(to.start))
        .bind(&to.start_text)
        .bind(i64::from(to.duration_minutes))
        .bind(known.id.to_string())
        .bind(&known.start_text)
        .bind(i64::from(known.duration_minutes))
        .execute(&mut *tx)
        .await?;
        if moved.rows_affected() == 0 {
            return Ok(false);
        }
        audit::append(&mut tx, act, now).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn complete(&self, row: Option<SqliteRow>) -> Result<Option<Appointment>, StoreError> {
        let Some(row) = row else { return Ok(None) };
        let id: AppointmentId = row::parsed(&row, "id")?;
        let patients = sqlx::query("SELECT patient_id FROM appointment_patients WHERE appointment_id = $1 ORDER BY place")
            .bind(id.to_string())
            .fetch_all(&self.readers)
            .await?;
        let patients = patients.iter().map(|row| row::parsed(row, "patient_id")).collect::<Result<_, _>>()?;
        read(&row, patients).map(Some)
    }
}

/// The row of an appointment, as a transaction sees it; of none, the question is asked all the same.
pub(super) async fn find(tx: &mut Transaction<'_, Sqlite>, id: Option<AppointmentId>) -> Result<Option<SqliteRow>, StoreError> {
    let sql = sqlx::AssertSqlSafe(format!("{SELECT} WHERE a.id = $1"));
    Ok(sqlx::query(sql).bind(id.map_or_else(String::new, |id| id.to_string())).fetch_optional(&mut **tx).await?)
}

pub(super) fn read(row: &SqliteRow, patients: Vec<PatientId>) -> Result<Appointment, StoreError> {
    Ok(Appointment {
        id: row::parsed(row, "id")?,
        visit: row::parsed(row, "visit_id")?,
        kind: row::word(row, "kind", AppointmentKind::from_word)?,
        group_name: row::optional_name(row, "group_name")?,
        provider: row::parsed(row, "provider_id")?,
        patients,
        start: row::moment(row, "start_at")?,
        start_text: row.try_get("start_text")?,
        duration_minutes: row::number(row, "duration_minutes")?,
        cancelled_at: row::optional_moment(row, "cancelled_at")?,
        ended_at: row::optional_moment(row, "ended_at")?,
    })
}
