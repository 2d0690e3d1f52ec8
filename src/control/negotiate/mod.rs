//! SDP text ↔ terms: one offer of a browser or bot in, one answer and the worker's [`LegTerms`] out.
//!
//! A seat is negotiated once (RFC 9429 offers, the shape of WHIP, RFC 9725). Everything is pure: the offer,
//! the seat, our addresses and randomness go in. In reading order:
//!
//! - `text`: bytes to lines to sections, with every bound.
//! - `line`: one section as typed values; `codec`, `extension` and `simulcast` are its parts.
//! - `plan`: what becomes of each line: received, sent, kept quiet or rejected; the rules of BUNDLE.
//! - `mint`: what we make up: credentials, CNAME, SSRCs.
//! - `write`: the answer as text.
//! - `fragment`: the one change of a leg that needs words again, a restart of ICE.
//! - `error`: what the client should change.
//! - `check`: what must hold of every answer.
//!
//! The parser is our own. Of the two crates that parse SDP, `sdp` (webrtc-rs) hands out attributes as plain
//! strings, so that msid, rid, simulcast, extmap and ssrc-group, the very things that matter here, would be
//! ours to parse anyhow; `webrtc-sdp` (Mozilla) types them, but refuses a whole offer for one attribute value
//! that it does not know and brings the `url` crate and its Unicode tables. Neither bounds lines, attributes
//! or sections. Reading only what an answer needs is less code than guarding either.

mod check;
mod codec;
mod error;
mod extension;
mod fragment;
mod line;
mod mint;
mod plan;
mod simulcast;
mod text;
mod write;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;

#[doc(hidden)]
pub use check::sdp;
pub use error::OfferError;
pub use fragment::{Restarted, restart};
use mint::Mint;
use plan::Plan;
use text::Description;

use crate::base::Seat;
use crate::link::{Fingerprint, LegTerms};

/// What this node shows to every peer: the certificate and the addresses of one worker. Without `Debug`, as
/// it holds addresses.
#[derive(Clone)]
pub struct LocalMedia {
    pub fingerprint: Fingerprint,
    /// Best first; at most [`LocalMedia::CANDIDATES_MAX`] are announced.
    pub candidates: Vec<SocketAddr>,
}

impl LocalMedia {
    /// Each candidate is one more pair that a browser checks, at 50 ms a check: more would slow a join, fewer
    /// would refuse machines with eight addresses in both families.
    pub const CANDIDATES_MAX: usize = 16;
}

/// An answer and what it means. Without `Debug`, as the answer holds the password.
pub struct Negotiated {
    /// The SDP answer.
    pub answer: String,
    /// What the worker needs.
    pub terms: LegTerms,
}

/// Answers an offer for `seat`. `random` fills its argument with random bytes.
pub fn answer(offer: &str, seat: Seat, local: &LocalMedia, random: &mut dyn FnMut(&mut [u8])) -> Result<Negotiated, OfferError> {
    let description = Description::parse(offer)?;
    let mut mint = Mint::new(random);
    let plan = Plan::of(&description, &mut mint)?;
    let answer = write::answer(&plan, seat, local, mint.session_id());
    Ok(Negotiated { answer, terms: plan.terms })
}
