//! Seconds that were measured, and what they cost the bots.

use super::limits::Strain;
use super::progress::Progress;
use super::seconds::{Second, measure};
use crate::bot::Problem;
use crate::machine::process::{Machine, Server, Usage};
use crate::machine::sockets;
use crate::media::engine::Engine;

pub struct Measured {
    pub seconds: Vec<Second>,
    /// What the bots' own process used.
    pub bots: Usage,
    pub strain: Strain,
}

impl Measured {
    /// Measures so many seconds, and the bots beside them.
    pub async fn of(engine: &Engine, seconds: u32, server: Option<&Server>, progress: &Progress) -> Result<Measured, Problem> {
        let this = Server::this()?;
        let (before, drops) = (this.usage()?, sockets::drops(&this)?);
        let seconds = measure(engine, seconds, server, &Machine, progress).await?;
        let bots = this.usage()?.since(&before);
        let strain = Strain::of(&seconds, bots, sockets::drops(&this)?.saturating_sub(drops));
        Ok(Measured { seconds, bots, strain })
    }
}
