//! Providers.

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;

use super::{Store, StoreError, audit, micros, row};
use crate::base::ids::ProviderId;
use crate::control::words::{Act, Name};

/// Someone who sees patients.
#[derive(Clone, Debug)]
pub struct Provider {
    pub id: ProviderId,
    pub name: Name,
    /// Whether visits may be made with them.
    pub telehealth_enabled: bool,
}

impl Store {
    pub async fn add_provider(&self, provider: &Provider, act: &Act, now: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.writing().await?;
        sqlx::query("INSERT INTO providers (id, name, telehealth_enabled, created_at) VALUES ($1, $2, $3, $4)")
            .bind(provider.id.to_string())
            .bind(provider.name.as_str())
            .bind(i64::from(provider.telehealth_enabled))
            .bind(micros(now))
            .execute(&mut *tx)
            .await?;
        audit::append(&mut tx, act, now).await?;
        tx.commit().await?;
        Ok(())
    }

    pub async fn provider(&self, id: ProviderId) -> Result<Option<Provider>, StoreError> {
        let found = sqlx::query("SELECT * FROM providers WHERE id = $1").bind(id.to_string()).fetch_optional(&self.readers);
        found.await?.as_ref().map(read).transpose()
    }

    /// The first `limit` providers by name.
    pub async fn providers(&self, limit: u32) -> Result<Vec<Provider>, StoreError> {
        let found = sqlx::query("SELECT * FROM providers ORDER BY name, id LIMIT $1").bind(limit).fetch_all(&self.readers);
        found.await?.iter().map(read).collect()
    }
}

fn read(row: &SqliteRow) -> Result<Provider, StoreError> {
    Ok(Provider {
        id: row::parsed(row, "id")?,
        name: row::name(row, "name")?,
        telehealth_enabled: row::flag(row, "telehealth_enabled")?,
    })
}
