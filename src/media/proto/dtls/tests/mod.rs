//! Two ends in memory, on injected time: ours, and another implementation or BoringSSL as a browser uses it.

mod abuse;
mod against_webrtc;
mod browser;
mod loss;
mod network;
mod outcomes;

use std::time::SystemTime;

use super::{BoringHandshaker, Handshake, HandshakeEvent, Handshaker, Identity};
use crate::base::Instant;
use crate::link::event::{DtlsVersion, LegEnd};
use crate::media::proto::srtp::SrtpKeys;

/// An epoch that is not zero, as no real one is.
const START: Instant = Instant::from_nanos(1_000_000_000_000);

fn identity() -> Identity {
    Identity::generate(SystemTime::now()).unwrap()
}

fn handshaker() -> BoringHandshaker {
    BoringHandshaker::new(&identity()).unwrap()
}

/// All that waits to be sent. None may be larger than what we promise.
fn sent(handshake: &mut dyn Handshake) -> Vec<Vec<u8>> {
    let mut buffer = [0; 2_000];
    let datagrams: Vec<_> =
        std::iter::from_fn(|| handshake.poll_transmit(&mut buffer).map(|len| buffer[..len].to_vec())).collect();
    assert!(datagrams.iter().all(|datagram| datagram.len() <= 1_200));
    datagrams
}

/// What a handshake has said so far.
#[derive(Default)]
struct Said {
    connected: Option<(DtlsVersion, SrtpKeys)>,
    ended: Option<LegEnd>,
}

impl Said {
    /// Hears what is new, and that it keeps the order that it promises.
    fn hear(&mut self, handshake: &mut dyn Handshake) {
        while let Some(event) = handshake.poll_event() {
            assert_eq!(self.ended, None, "nothing follows the end");
            match event {
                HandshakeEvent::Connected { version, keys } => {
                    assert!(self.connected.replace((version, keys)).is_none(), "connected is said once");
                }
                HandshakeEvent::Ended(why) => self.ended = Some(why),
            }
        }
    }
}
