//! Nothing is sealed twice, whatever is asked for in whatever order.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{PROFILES, master, rtp};
use crate::base::Seq64;
use crate::link::terms::Ssrc;
use crate::media::proto::srtp::cipher::Cipher;
use crate::media::proto::srtp::{NotSealed, Opener, OutboundSlot, Sealer};
use crate::media::wire::rtp::Header;

/// One thing that may be asked of a sealer.
#[derive(Clone, Copy, Debug)]
enum Ask {
    /// Register this SSRC (again).
    Register(u32),
    /// Seal on the slot that was registered n-th, so far from where it last was.
    Near(usize, i64),
    /// Seal there with this very index.
    At(usize, u64),
    /// Seal a report of this sender.
    Report(u32),
}

fn ask() -> impl Strategy<Value = Ask> {
    prop_oneof![
        1 => (0..4_u32).prop_map(Ask::Register),
        6 => (0..4_usize, -3..=3_i64).prop_map(|(slot, step)| Ask::Near(slot, step)),
        3 => (0..4_usize, -2_100..=2_100_i64).prop_map(|(slot, step)| Ask::Near(slot, step)),
        1 => (0..4_usize, prop_oneof![0..3_000_u64, Just(65_535), Just(65_536), Seq64::LIMIT - 2..Seq64::LIMIT + 2])
            .prop_map(|(slot, index)| Ask::At(slot, index)),
        2 => (0..4_u32).prop_map(Ask::Report),
    ]
}

proptest! {
    #[test]
    fn no_ssrc_and_index_is_ever_sealed_twice(asks in prop::collection::vec(ask(), 1..300), profile in 0..PROFILES.len()) {
        let profile = PROFILES[profile];
        let keys = master(profile, 5);
        // Tells from a sealed packet itself which nonce it was sealed with.
        let witness = Cipher::new(profile, &keys);
        let mut sealer = Sealer::new(profile, &keys);
        let mut slots: Vec<(OutboundSlot, u32, u64)> = Vec::new();
        let mut sealed = BTreeSet::new();
        let mut sealed_reports = BTreeSet::new();
        for ask in asks {
            let (place, index) = match ask {
                Ask::Register(ssrc) => {
                    let slot = sealer.register(Ssrc(ssrc)).unwrap();
                    prop_assert!(slots.iter().all(|(known, of, _)| (*known == slot) == (*of == ssrc)));
                    slots.push((slot, ssrc, 0));
                    continue;
                }
                Ask::Report(ssrc) => {
                    let mut buffer = [0x80, 201, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
                    buffer[4..8].copy_from_slice(&ssrc.to_be_bytes());
                    let len = sealer.seal_rtcp(&mut buffer, 8).unwrap();
                    let (sender, word) = witness.rtcp_claims(&buffer[..len]).unwrap();
                    prop_assert!(witness.open_rtcp(sender, word, &mut buffer[..len]));
                    prop_assert!(sealed_reports.insert((sender.0, word.index())));
                    continue;
                }
                Ask::Near(place, _) | Ask::At(place, _) if place >= slots.len() => continue,
                Ask::Near(place, step) => (place, slots[place].2.saturating_add_signed(step)),
                Ask::At(place, index) => (place, index),
            };
            let (slot, ssrc, _) = slots[place];
            let mut buffer = rtp(ssrc, Seq64(index).wrapped().0, b"four");
            buffer.resize(32, 0);
            match sealer.seal_rtp(slot, Seq64(index), &mut buffer, 12, 16) {
                Ok(len) => {
                    prop_assert!(witness.open_rtp(Ssrc(ssrc), Seq64(index), &mut buffer[..len], 12));
                    prop_assert!(sealed.insert((ssrc, index)), "sealed twice: {ssrc} {index}");
                    slots[place].2 = index;
                }
                Err(NotSealed::Exhausted) => prop_assert!(index >= Seq64::LIMIT),
                Err(why) => {
                    prop_assert_eq!(why, NotSealed::Reused);
                    let newest = sealed.range((ssrc, 0)..=(ssrc, u64::MAX)).next_back().map(|(_, index)| *index);
                    prop_assert!(sealed.contains(&(ssrc, index)) || newest.is_some_and(|newest| index + 1_024 <= newest));
                }
            }
        }
    }

    /// The tag covers every byte, and a packet under another index, key or SSRC is another packet.
    #[test]
    fn any_changed_bit_is_refused(payload in prop::collection::vec(any::<u8>(), 0..64), bit in any::<prop::sample::Index>(), profile in 0..PROFILES.len()) {
        let profile = PROFILES[profile];
        let keys = master(profile, 6);
        let mut sealer = Sealer::new(profile, &keys);
        let slot = sealer.register(Ssrc(9)).unwrap();
        let mut packet = rtp(9, 77, &payload);
        let len = packet.len();
        packet.resize(len + 16, 0);
        let sealed = sealer.seal_rtp(slot, Seq64(77), &mut packet, 12, len).unwrap();
        packet.truncate(sealed);
        let bit = bit.index(sealed * 8);
        packet[bit / 8] ^= 1 << (bit % 8);
        let mut opener = Opener::new(profile, &keys);
        let opened = Header::parse(&packet).map(|header| opener.open_rtp(&mut packet, &header));
        prop_assert!(opened.is_none_or(|opened| opened.is_err()));
    }
}
