//! Admin tokens: each has a name, so that what it did can be told from what others did.

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;

use super::{Store, StoreError, audit, micros, row};
use crate::base::ids::TokenId;
use crate::control::words::{Act, Digest, Name, Staff};

/// A token of the API.
#[derive(Clone, Debug)]
pub struct AdminToken {
    pub id: TokenId,
    pub name: Name,
    pub role: Staff,
}

impl Store {
    pub async fn add_token(&self, token: &AdminToken, digest: Digest, act: &Act, now: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.writing().await?;
        sqlx::query("INSERT INTO admin_tokens (id, name, role, token_sha256, created_at) VALUES ($1, $2, $3, $4, $5)")
            .bind(token.id.to_string())
            .bind(token.name.as_str())
            .bind(token.role.word())
            .bind(digest.hex())
            .bind(micros(now))
            .execute(&mut *tx)
            .await?;
        audit::append(&mut tx, act, now).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The living token with this digest.
    pub async fn token(&self, digest: Digest) -> Result<Option<AdminToken>, StoreError> {
        let found = sqlx::query("SELECT * FROM admin_tokens WHERE token_sha256 = $1 AND revoked_at IS NULL")
            .bind(digest.hex())
            .fetch_optional(&self.readers);
        found.await?.as_ref().map(read).transpose()
    }

    /// Every living token, oldest first.
    pub async fn tokens(&self) -> Result<Vec<AdminToken>, StoreError> {
        let found =
            sqlx::query("SELECT * FROM admin_tokens WHERE revoked_at IS NULL ORDER BY created_at, id").fetch_all(&self.readers);
        found.await?.iter().map(read).collect()
    }

    /// Revokes a token. False if it is not a living one.
    pub async fn revoke_token(&self, id: TokenId, act: &Act, now: Timestamp) -> Result<bool, StoreError> {
        let mut tx = self.writing().await?;
        let revoked = sqlx::query("UPDATE admin_tokens SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL")
            .bind(micros(now))
            .bind(id.to_string())
            .execute(&mut *tx)
            .await?;
        if revoked.rows_affected() == 0 {
            return Ok(false);
        }
        audit::append(&mut tx, act, now).await?;
        tx.commit().await?;
        Ok(true)
    }
}

fn read(row: &SqliteRow) -> Result<AdminToken, StoreError> {
    Ok(AdminToken { id: row::parsed(row, "id")?, name: row::name(row, "name")?, role: row::word(row, "role", Staff::from_word)? })
}
