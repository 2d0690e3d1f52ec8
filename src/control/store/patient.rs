//! Patients.

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;

use super::{Store, StoreError, audit, micros, row};
use crate::base::ids::PatientId;
use crate::control::words::{Act, BirthDate, Name};

/// Someone who is seen.
#[derive(Clone, Debug)]
pub struct Patient {
    pub id: PatientId,
    pub name: Name,
    pub birth_date: BirthDate,
}

impl Store {
    pub async fn add_patient(&self, patient: &Patient, act: &Act, now: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.writing().await?;
        sqlx::query("INSERT INTO patients (id, name, folded, birth_date, created_at) VALUES ($1, $2, $3, $4, $5)")
            .bind(patient.id.to_string())
            .bind(patient.name.as_str())
            .bind(folded(patient.name.as_str()))
            .bind(patient.birth_date.as_str())
            .bind(micros(now))
            .execute(&mut *tx)
            .await?;
        audit::append(&mut tx, act, now).await?;
        tx.commit().await?;
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
}

/// Names are looked for without regard to capitals.
fn folded(name: &str) -> String {
    name.to_lowercase()
}

/// What someone typed, with nothing in it that LIKE would take for a pattern.
fn literal(typed: &str) -> String {
    typed.chars().flat_map(|c| matches!(c, '%' | '_' | '!').then_some('!').into_iter().chain([c])).collect()
}

pub(super) fn read(row: &SqliteRow) -> Result<Patient, StoreError> {
    Ok(Patient { id: row::parsed(row, "id")?, name: row::name(row, "name")?, birth_date: row::parsed(row, "birth_date")? })
}
