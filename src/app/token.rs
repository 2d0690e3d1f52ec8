//! `quartet token`: the tokens that admin programs show.

use clap::ValueEnum;
use jiff::Timestamp;

use super::{Failure, runtime};
use crate::base::ids::TokenId;
use crate::config::Config;
use crate::control::store::Store;
use crate::control::verify::staff;
use crate::control::words::{Name, Staff};

/// What a token may do.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum TokenRole {
    Admin,
    Scheduler,
    Monitor,
}

impl From<TokenRole> for Staff {
    fn from(role: TokenRole) -> Staff {
        match role {
            TokenRole::Admin => Staff::Admin,
            TokenRole::Scheduler => Staff::Scheduler,
            TokenRole::Monitor => Staff::Monitor,
        }
    }
}

/// Makes a token: returned to be shown once, kept only as a hash.
pub fn new_token(config: &Config, name: &str, role: TokenRole) -> Result<String, Failure> {
    let name =
        Name::new(name).map_err(|error| Failure::new(format!("the name: {error}"), "say whose token it is, like front-desk"))?;
    runtime()?.block_on(async {
        let store = open(config).await?;
        let (_, token) = staff::issue(&store, name, role.into(), Timestamp::now()).await.map_err(unusable)?;
        Ok(token.expose().to_owned())
    })
}

/// One line per token that still opens something.
pub fn list_tokens(config: &Config) -> Result<Vec<String>, Failure> {
    runtime()?.block_on(async {
        let tokens = staff::list(&open(config).await?, Timestamp::now()).await.map_err(unusable)?;
        Ok(tokens.iter().map(|token| format!("{}  {:<9}  {}", token.id, token.role.word(), token.name.as_str())).collect())
    })
}

/// Makes a token useless.
pub fn revoke_token(config: &Config, id: &str) -> Result<(), Failure> {
    let unknown = || Failure::new("no such token", "`quartet token list` shows the ids, tok-…");
    let id: TokenId = id.parse().map_err(|_| unknown())?;
    runtime()?.block_on(async {
        let revoked = staff::revoke(&open(config).await?, id, Timestamp::now()).await.map_err(unusable)?;
        if revoked { Ok(()) } else { Err(unknown()) }
    })
}

/// The store of a configuration, made if it is not there.
pub(super) async fn open(config: &Config) -> Result<Store, Failure> {
    Store::open(&config.store.path).await.map_err(|error| {
        Failure::new(
            format!("store.path: {}: {error}", config.store.path.display()),
            "see that this user may write the file and its directory, and that the disk has room",
        )
    })
}

pub(super) fn unusable(error: impl std::fmt::Display) -> Failure {
    Failure::new(format!("the store failed: {error}"), "see that the disk has room and that no other program holds the file")
}
