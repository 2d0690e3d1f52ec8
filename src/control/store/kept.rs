//! Answers kept for requests that are repeated with the same Idempotency-Key.

use jiff::Timestamp;
use sqlx::{Sqlite, Transaction};

use super::{Store, StoreError, micros, row};
use crate::base::ids::TokenId;
use crate::control::words::Digest;

/// An answer to keep.
#[derive(Clone, Debug)]
pub struct KeptAnswer {
    pub token: TokenId,
    pub key: Digest,
    pub request: Digest,
    /// The answer, encrypted: it holds links, which are never recorded in the clear.
    pub sealed: String,
}

/// How long an answer is kept. A program that repeats a request does so within minutes; a person who comes
/// back on Monday gets a new appointment and sees both.
const KEPT_FOR_US: i64 = 24 * 60 * 60 * 1_000_000;

impl Store {
    /// The request and the sealed answer that were kept under this key.
    pub async fn kept_answer(&self, token: TokenId, key: Digest) -> Result<Option<(String, String)>, StoreError> {
        let found = sqlx::query("SELECT request_sha256, sealed FROM idempotency_keys WHERE token_id = $1 AND key_sha256 = $2")
            .bind(token.to_string())
            .bind(key.hex())
            .fetch_optional(&self.readers)
            .await?;
        found.map(|row| Ok((row::text(&row, "request_sha256")?, row::text(&row, "sealed")?))).transpose()
    }
}

/// Keeps an answer, unless its key is taken. Old ones go.
pub(super) async fn insert(tx: &mut Transaction<'_, Sqlite>, kept: &KeptAnswer, now: Timestamp) -> Result<bool, StoreError> {
    sqlx::query("DELETE FROM idempotency_keys WHERE created_at < $1")
        .bind(micros(now).saturating_sub(KEPT_FOR_US))
        .execute(&mut **tx)
        .await?;
    let inserted = sqlx::query(
        "INSERT INTO idempotency_keys (token_id, key_sha256, request_sha256, sealed, created_at)
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (token_id, key_sha256) DO NOTHING",
    )
    .bind(kept.token.to_string())
    .bind(kept.key.hex())
    .bind(kept.request.hex())
    .bind(&kept.sealed)
    .bind(micros(now))
    .execute(&mut **tx)
    .await?;
    Ok(inserted.rows_affected() == 1)
}
