//! A visit whose people leave and come back.

use std::ops::Range;
use std::time::Duration;

use crate::bot::Problem;
use crate::media::engine::Engine;
use crate::media::leg::{Place, Terms};
use crate::media::mix::SEATS;
use crate::media::tally::Tally;
use crate::peer::Peer;

/// How often is looked whether a packet has come. It does not blur when it came: that is the kernel's word.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Such a visit, with bots in some of its seats.
pub struct Moving<P: Peer> {
    pub visit: P::Visit,
    places: [Option<Place>; SEATS as usize],
}

impl<P: Peer> Moving<P> {
    /// Opens visit `number`, and takes these seats.
    pub async fn open(peer: &P, engine: &Engine, number: u32, seats: Range<u8>) -> Result<Moving<P>, Problem> {
        let mut moving = Moving { visit: peer.open(number).await?, places: [None; SEATS as usize] };
        for seat in seats {
            moving.join(peer, engine, seat).await?;
        }
        Ok(moving)
    }

    /// Takes the seat, and sends.
    pub async fn join(&mut self, peer: &P, engine: &Engine, seat: u8) -> Result<(), Problem> {
        let legs = peer.join(&mut self.visit, seat).await?;
        self.sit(engine, seat, legs)
    }

    /// Takes the seat, and is silent: it only listens.
    pub async fn listen(&mut self, peer: &P, engine: &Engine, seat: u8) -> Result<(), Problem> {
        let mut legs = peer.join(&mut self.visit, seat).await?;
        for terms in &mut legs {
            (terms.sends, terms.offered) = (None, None);
        }
        self.sit(engine, seat, legs)
    }

    fn sit(&mut self, engine: &Engine, seat: u8, legs: Vec<Terms>) -> Result<(), Problem> {
        self.places[usize::from(seat)] = legs.first().map(|terms| terms.place);
        engine.add(legs)
    }

    /// Gives the seat up.
    pub async fn leave(&mut self, peer: &P, engine: &Engine, seat: u8) -> Result<(), Problem> {
        if let Some(place) = self.places[usize::from(seat)].take() {
            engine.remove(place)?;
        }
        peer.leave(&mut self.visit, seat).await
    }

    /// Ends the visit; what fails is of no consequence any more.
    pub async fn close(self, peer: &P, engine: &Engine) -> Result<(), Problem> {
        for place in self.places.into_iter().flatten() {
            engine.remove(place)?;
        }
        let _ = peer.close(self.visit).await;
        Ok(())
    }
}

/// Waits until somebody receives the first packet of who joined last. What was counted meanwhile; none if none came in time.
pub async fn first_packet(engine: &Engine, within: Duration) -> Result<Option<Tally>, Problem> {
    let mut all = Tally::default();
    for _ in 0..within.as_micros() / LOOK_EVERY.as_micros() {
        all.add(&engine.tally()?);
        if !all.joins.is_empty() {
            return Ok(Some(all));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Ok(None)
}
