//! Servers that bots can meet: how a visit begins there, and how one takes a seat in it.

use std::fmt;
use std::future::Future;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde_json::Value;

use webrtc_dtls::crypto::Certificate;
use webrtc_dtls::extension::extension_use_srtp::SrtpProtectionProfile;

use crate::bot::Problem;
use crate::media::leg::Terms;
use crate::media::mix::STREAMS;

pub mod quartet;

/// A server under load. What every one of them gets is the same: bots, visits, mix.
pub trait Peer: Sync {
    type Visit: Send;

    /// Makes visit number `number` ready for its four people.
    fn open(&self, number: u32) -> impl Future<Output = Result<Self::Visit, Problem>> + Send;

    /// Takes a seat there, and connects: the legs that it is reached by.
    fn join(&self, visit: &mut Self::Visit, seat: u8) -> impl Future<Output = Result<Vec<Terms>, Problem>> + Send;

    /// All sit: the further legs of those who could not receive before the others were there.
    fn complete(&self, _visit: &mut Self::Visit) -> impl Future<Output = Result<Vec<Terms>, Problem>> + Send {
        async { Ok(Vec::new()) }
    }

    /// Gives the seat up.
    fn leave(&self, visit: &mut Self::Visit, seat: u8) -> impl Future<Output = Result<(), Problem>> + Send;

    /// Ends the visit.
    fn close(&self, visit: Self::Visit) -> impl Future<Output = Result<(), Problem>> + Send;
}

/// The server has no room for more.
#[derive(Debug)]
pub struct Full {
    /// When it may have, if it said so.
    pub retry_after: Option<Duration>,
}

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the server is full")
    }
}

impl std::error::Error for Full {}

/// A server of others, which the bench starts by itself. A file beside this one makes one, and [`Against`] names it.
pub trait Rival: Peer + Sized {
    /// What it is called on the command line and in figures.
    const NAME: &'static str;

    /// CPU µs per forwarded packet as they are known of it. Outside of them something else is measured than was meant.
    const EXPECTED_US: RangeInclusive<f64>;

    /// Starts it on these processors, and waits until it answers. It ends when this is dropped.
    fn start(processors: &[usize], bots: Bots) -> impl Future<Output = Result<Self, Problem>>;

    fn pid(&self) -> u32;

    /// Its version and what it is made of, as it says itself.
    fn about(&self) -> impl Future<Output = Result<Value, Problem>>;
}

/// Whom the server is compared with.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub enum Against {
    /// Janus 1.x, its video room.
    Janus,
}

/// Which protection bots offer; a server has no choice then, and what is measured is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub enum Profile {
    /// AEAD_AES_128_GCM, what current browsers and Quartet agree on.
    Gcm,
    /// AES128_CM_HMAC_SHA1_80, the classic one.
    AesCm,
}

impl Profile {
    pub fn offered(self) -> &'static [SrtpProtectionProfile] {
        match self {
            Profile::Gcm => &[SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm],
            Profile::AesCm => &[SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80],
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Profile::Gcm => "AEAD_AES_128_GCM",
            Profile::AesCm => "AES128_CM_HMAC_SHA1_80",
        }
    }
}

/// What all bots of a run have in common.
pub struct Bots {
    pub certificate: Certificate,
    pub fingerprint: String,
    pub profile: Profile,
}

impl Bots {
    pub fn new(profile: Profile) -> Result<Bots, Problem> {
        crate::bot::choose_provider();
        let certificate = Certificate::generate_self_signed(vec!["bot".to_owned()])?;
        let fingerprint = crate::bot::connection::fingerprint(&certificate.certificate[0]);
        Ok(Bots { certificate, fingerprint, profile })
    }
}

/// The SSRCs of what a bot sends: nobody else's in the same run.
pub fn ssrcs(visit: u32, seat: u8) -> [u32; STREAMS] {
    let first = 0x1000_0000 + (visit << 6 | u32::from(seat) << 4);
    std::array::from_fn(|stream| first + stream as u32)
}
