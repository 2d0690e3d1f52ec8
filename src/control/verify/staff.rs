//! Staff and their programs: admin tokens.

use jiff::Timestamp;

use crate::base::ids::TokenId;
use crate::control::store::{AdminToken, Store, StoreError};
use crate::control::words::{Name, Staff, Token, TokenKind, random};

/// Makes a token. What is returned is shown once and kept nowhere.
pub async fn issue(store: &Store, name: Name, role: Staff, now: Timestamp) -> Result<(TokenId, Token), StoreError> {
    let token = Token::random(TokenKind::Admin);
    let record = AdminToken { id: TokenId::from_bits(random::bits()), name, role };
    store.add_token(&record, token.digest(), now).await?;
    Ok((record.id, token))
}
