//! Patients.

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;

use super::{Store, StoreError, micros, row};
use crate::base::ids::PatientId;
use crate::control::words::{BirthDate, Name};

/// Someone who is seen.
#[derive(Clone, Debug)]
pub struct Patient {
    pub id: PatientId,
    pub name: Name,
    pub birth_date: BirthDate,
}

impl Store {
    pub async fn add_patient(&self, patient: &Patient, now: Timestamp) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO patients (id, name, folded, birth_date, created_at) VALUES ($1, $2, $3, $4, $5)")
            .bind(patient.id.to_string())
            .bind(patient.name.as_str())
            .bind(folded(patient.name.as_str()))
            .bind(patient.birth_date.as_str())
            .bind(micros(now))
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    pub async fn patient(&self, id: PatientId) -> Result<Option<Patient>, StoreError> {
        let found = sqlx::query("SELECT * FROM patients WHERE id = $1").bind(id.to_string()).fetch_optional(&self.readers);
        found.await?.as_ref().map(read).transpose()
    }

    /// The first `limit` patients whose name, or a word of it, begins with `typed`; all, when it is empty.
    pub async fn patients(&self, typed: &str, limit: u32) -> Result<Vec<Patient>, StoreError> {
        let begins = format!("{}%", literal(&folded(typed.trim())));
        let found = sqlx::query(
            "SELECT * FROM patients WHERE folded LIKE $1 ESCAPE '!' OR folded LIKE $2 ESCAPE '!'
             ORDER BY folded, id LIMIT $3",
        )
        .bind(&begins)
        .bind(format!("% {begins}"))
        .bind(limit)
        .fetch_all(&self.readers);
        found.await?.iter().map(read).collect()
    }

    /// The patients of an appointment, in the order they were named.
    pub async fn patients_of(&self, appointment: crate::base::ids::AppointmentId) -> Result<Vec<Patient>, StoreError> {
        let found = sqlx::query(
            "SELECT p.* FROM appointment_patients a JOIN patients p ON p.id = a.patient_id
             WHERE a.appointment_id = $1 ORDER BY a.place",
        )
        .bind(appointment.to_string())
        .fetch_all(&self.readers);
        found.await?.iter().map(read).collect()
    }
}

/// Names are looked for without regard to capitals.
fn folded(name: &str) -> String {
    name.to_lowercase()
}

/// What someone typed, with nothing in it that LIKE would take for a pattern.
fn literal(typed: &str) -> String {
    typed.chars().flat_map(|c| matches!(c, '%' | '_' | '!').then_some('!').into_iter().chain([c])).collect()
}

fn read(row: &SqliteRow) -> Result<Patient, StoreError> {
    Ok(Patient { id: row::parsed(row, "id")?, name: row::name(row, "name")?, birth_date: row::parsed(row, "birth_date")? })
}
