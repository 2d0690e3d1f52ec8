//! Staff and their programs: admin tokens.

use jiff::Timestamp;

use crate::base::ids::TokenId;
use crate::control::store::{AdminToken, Store, StoreError};
use crate::control::words::{Act, Actor, Name, Staff, Token, TokenKind, random};

/// Makes a token, at this machine: whoever can run the program there is the server as far as records go. What is
/// returned is shown once and kept nowhere.
pub async fn issue(store: &Store, name: Name, role: Staff, now: Timestamp) -> Result<(TokenId, Token), StoreError> {
    let token = Token::random(TokenKind::Admin);
    let record = AdminToken { id: TokenId::from_bits(random::bits()), name, role };
    store.add_token(&record, token.digest(), &act("token.new").to(record.id), now).await?;
    Ok((record.id, token))
}

/// The tokens in force.
pub async fn list(store: &Store, now: Timestamp) -> Result<Vec<AdminToken>, StoreError> {
    store.record(&act("token.list"), now).await?;
    store.tokens().await
}

/// Makes a token useless. False if it is not one in force.
pub async fn revoke(store: &Store, id: TokenId, now: Timestamp) -> Result<bool, StoreError> {
    store.revoke_token(id, &act("token.revoke").to(id), now).await
}

fn act(action: &'static str) -> Act {
    Act::done(Actor::System, action)
}
