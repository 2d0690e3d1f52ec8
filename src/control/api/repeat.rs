//! Requests that may be repeated: an `Idempotency-Key` gets the answer that the first request got.
//!
//! That answer shows links, which are never recorded in the clear. It is kept encrypted, with a key derived
//! from the caller's token: the record alone opens nothing, and whoever repeats the request has the token.

use aws_lc_rs::aead::{AES_256_GCM, Aad, RandomizedNonceKey};
use aws_lc_rs::hmac;
use axum::http::HeaderMap;
use data_encoding::BASE64;
use serde::{Deserialize, Serialize};

use super::problem::Problem;
use crate::base::ids::TokenId;
use crate::control::store::{AdminToken, KeptAnswer, Store};
use crate::control::words::{Digest, Token};

/// An answer that is kept.
#[derive(Serialize, Deserialize)]
pub(super) struct Repeat {
    pub(super) location: String,
    pub(super) tag: String,
    pub(super) body: String,
}

/// A request's key.
pub(super) struct Key {
    token: TokenId,
    key: Digest,
    request: Digest,
    seal: RandomizedNonceKey,
}

const HEADER: &str = "idempotency-key";
const LENGTH_MAX: usize = 128;
/// GCM's nonce and tag stand around what is sealed.
const NONCE: usize = 12;

impl Key {
    /// The key of a request, if it has one.
    pub(super) fn of(headers: &HeaderMap, staff: &AdminToken, secret: &Token, body: &[u8]) -> Result<Option<Key>, Problem> {
        let Some(value) = headers.get(HEADER) else { return Ok(None) };
        let text = value.as_bytes();
        if text.is_empty() || text.len() > LENGTH_MAX || !text.iter().all(u8::is_ascii_graphic) {
            return Err(Problem::bad_key());
        }
        let mac = hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
        let derived = hmac::sign(&mac, &[b"kept answer\0", text].concat());
        let seal = RandomizedNonceKey::new(&AES_256_GCM, derived.as_ref()).map_err(|_| Problem::internal())?;
        Ok(Some(Key { token: staff.id, key: Digest::of(text), request: Digest::of(body), seal }))
    }

    /// The answer kept for this key, if there is one; refused if it was for another request.
    pub(super) async fn kept(&self, store: &Store) -> Result<Option<Repeat>, Problem> {
        let Some((request, sealed)) = store.kept_answer(self.token, self.key).await? else { return Ok(None) };
        if request != self.request.hex() {
            return Err(Problem::key_reused());
        }
        self.open(&sealed).map(Some).ok_or_else(Problem::internal)
    }

    /// The answer, sealed.
    pub(super) fn keep(&self, answer: &Repeat) -> Result<KeptAnswer, Problem> {
        let mut bytes = serde_json::to_vec(answer).map_err(|_| Problem::internal())?;
        let nonce = self.seal.seal_in_place_append_tag(Aad::from(b""), &mut bytes).map_err(|_| Problem::internal())?;
        let sealed = BASE64.encode(&[nonce.as_ref().as_slice(), &bytes].concat());
        Ok(KeptAnswer { token: self.token, key: self.key, request: self.request, sealed })
    }

    fn open(&self, sealed: &str) -> Option<Repeat> {
        let bytes = BASE64.decode(sealed.as_bytes()).ok()?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE)?;
        let nonce = aws_lc_rs::aead::Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut sealed = sealed.to_vec();
        let opened = self.seal.open_in_place(nonce, Aad::from(b""), &mut sealed).ok()?;
        serde_json::from_slice(opened).ok()
    }
}
