//! Admin tokens: each has a name, so that what it did can be told from what others did.

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;

use super::{Store, StoreError, micros, row};
use crate::base::ids::TokenId;
use crate::control::words::{Digest, Name, Staff};

/// A token of the API.
#[derive(Clone, Debug)]
pub struct AdminToken {
    pub id: TokenId,
    pub name: Name,
    pub role: Staff,
}

impl Store {
    pub async fn add_token(&self, token: &AdminToken, digest: Digest, now: Timestamp) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO admin_tokens (id, name, role, token_sha256, created_at) VALUES ($1, $2, $3, $4, $5)")
            .bind(token.id.to_string())
            .bind(token.name.as_str())
            .bind(token.role.word())
            .bind(digest.hex())
            .bind(micros(now))
            .execute(&self.writer)
            .await?;
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
    pub async fn revoke_token(&self, id: TokenId, now: Timestamp) -> Result<bool, StoreError> {
        let revoked = sqlx::query("UPDATE admin_tokens SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL")
            .bind(micros(now))
            .bind(id.to_string())
            .execute(&self.writer)
            .await?;
        Ok(revoked.rows_affected() == 1)
    }
}

fn read(row: &SqliteRow) -> Result<AdminToken, StoreError> {
    Ok(AdminToken { id: row::parsed(row, "id")?, name: row::name(row, "name")?, role: row::word(row, "role", Staff::from_word)? })
}
