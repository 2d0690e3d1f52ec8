//! What a stranger, or a peer gone wrong, may send.

use super::{PROFILES, master, rtp};
use crate::base::limits::STREAMS_PER_LEG;
use crate::base::{DropReason, Seq64};
use crate::link::event::SrtpProfile;
use crate::link::terms::Ssrc;
use crate::media::crypto::HmacSha1;
use crate::media::proto::srtp::kdf::{Kdf, Label};
use crate::media::proto::srtp::{Opened, Opener, Sealer};
use crate::media::wire::rtp::Header;

/// A sealer and the opener at its other end.
fn pair(profile: SrtpProfile) -> (Sealer, Opener) {
    let keys = master(profile, 7);
    (Sealer::new(profile, &keys), Opener::new(profile, &keys))
}

fn seal(sealer: &mut Sealer, ssrc: u32, index: u64) -> Vec<u8> {
    let slot = sealer.register(Ssrc(ssrc)).unwrap();
    let mut packet = rtp(ssrc, Seq64(index).wrapped().0, b"genuine");
    let len = packet.len();
    packet.resize(len + 16, 0);
    let sealed = sealer.seal_rtp(slot, Seq64(index), &mut packet, 12, len).unwrap();
    packet.truncate(sealed);
    packet
}

fn seal_report(sealer: &mut Sealer, ssrc: u32) -> Vec<u8> {
    let mut packet = vec![0x80, 201, 0, 1];
    packet.extend(ssrc.to_be_bytes());
    packet.resize(8 + 20, 0);
    let sealed = sealer.seal_rtcp(&mut packet, 8).unwrap();
    packet.truncate(sealed);
    packet
}

fn open(opener: &mut Opener, packet: &[u8]) -> Result<Opened, DropReason> {
    let mut packet = packet.to_vec();
    let header = Header::parse(&packet).unwrap();
    opener.open_rtp(&mut packet, &header)
}

fn open_report(opener: &mut Opener, packet: &[u8]) -> Result<usize, DropReason> {
    opener.open_rtcp(&mut packet.to_vec())
}

#[test]
fn a_forged_packet_far_ahead_does_not_disturb_the_next_genuine_one() {
    for profile in PROFILES {
        let (mut sealer, mut opener) = pair(profile);
        let first = open(&mut opener, &seal(&mut sealer, 1, 100)).unwrap();
        opener.admit(Ssrc(1), first.index).unwrap();
        let mut forged = rtp(1, 20_101, b"forged");
        forged.extend([0; 16]);
        assert_eq!(open(&mut opener, &forged), Err(DropReason::Unauthenticated));
        assert_eq!(open(&mut opener, &seal(&mut sealer, 1, 101)).unwrap().index, Seq64(101));
    }
}

#[test]
fn a_replayed_packet_is_refused_at_once_and_after_a_wrap() {
    for profile in PROFILES {
        let (mut sealer, mut opener) = pair(profile);
        let old: Vec<_> = (0..50).map(|index| seal(&mut sealer, 1, index)).collect();
        for packet in &old {
            let opened = open(&mut opener, packet).unwrap();
            opener.admit(Ssrc(1), opened.index).unwrap();
        }
        for packet in &old {
            assert_eq!(open(&mut opener, packet), Err(DropReason::Replayed));
        }
        for index in (50..70_000).step_by(997) {
            open(&mut opener, &seal(&mut sealer, 1, index)).unwrap();
        }
        for packet in &old {
            assert!(open(&mut opener, packet).is_err());
        }
    }
}

#[test]
fn a_late_packet_is_taken_within_the_window_and_refused_behind_it() {
    for profile in PROFILES {
        let (mut sealer, mut opener) = pair(profile);
        let (behind, within) = (seal(&mut sealer, 1, 76), seal(&mut sealer, 1, 77));
        opener.admit(Ssrc(1), Seq64(1_100)).unwrap();
        assert_eq!(open(&mut opener, &within).unwrap().index, Seq64(77));
        assert_eq!(open(&mut opener, &behind), Err(DropReason::Replayed));
    }
}

#[test]
fn a_replayed_report_is_refused_for_each_sender_by_itself() {
    for profile in PROFILES {
        let (mut sealer, mut opener) = pair(profile);
        let reports: Vec<_> = [1, 2, 1, 2, 2, 1].map(|ssrc| seal_report(&mut sealer, ssrc)).into();
        for report in reports.iter().rev() {
            assert_eq!(open_report(&mut opener, report), Ok(8));
        }
        for report in &reports {
            assert_eq!(open_report(&mut opener, report), Err(DropReason::Replayed));
        }
    }
}

#[test]
fn an_unknown_stream_opens_but_leaves_nothing_until_it_is_admitted() {
    for profile in PROFILES {
        let (mut sealer, mut opener) = pair(profile);
        let packet = seal(&mut sealer, 1, 5);
        for _ in 0..3 {
            assert_eq!(open(&mut opener, &packet).unwrap().slot, None);
        }
        let slot = opener.admit(Ssrc(1), Seq64(5)).unwrap();
        assert_eq!(open(&mut opener, &packet), Err(DropReason::Replayed));
        assert_eq!(open(&mut opener, &seal(&mut sealer, 1, 6)).unwrap().slot, Some(slot));
    }
}

#[test]
fn forged_sources_take_no_place() {
    for profile in PROFILES {
        let (mut sealer, mut opener) = pair(profile);
        for ssrc in 0..20_000 {
            let mut packet = rtp(ssrc, 1, b"forged");
            packet.extend([0; 16]);
            assert_eq!(open(&mut opener, &packet), Err(DropReason::Unauthenticated));
            packet[1] = 201;
            packet.extend([0x80; 20]);
            assert_eq!(open_report(&mut opener, &packet), Err(DropReason::Unauthenticated));
        }
        let places = u32::try_from(STREAMS_PER_LEG).unwrap();
        for ssrc in 0..places {
            assert!(opener.admit(Ssrc(ssrc), Seq64(0)).is_some());
            assert_eq!(open_report(&mut opener, &seal_report(&mut sealer, ssrc)), Ok(8));
        }
        assert_eq!(opener.admit(Ssrc(places), Seq64(0)), None);
        assert_eq!(open_report(&mut opener, &seal_report(&mut sealer, places)), Err(DropReason::UnknownStream));
        assert!(opener.admit(Ssrc(0), Seq64(1)).is_some(), "a known one keeps its place");
    }
}

#[test]
fn a_stream_ends_where_its_index_does() {
    for profile in PROFILES {
        let (mut sealer, mut opener) = pair(profile);
        let last = seal(&mut sealer, 1, Seq64::LIMIT - 1);
        opener.admit(Ssrc(1), Seq64(Seq64::LIMIT - 2)).unwrap();
        assert_eq!(open(&mut opener, &last).unwrap().index, Seq64(Seq64::LIMIT - 1));
        let mut beyond = rtp(1, 0, b"the key is used up");
        beyond.extend([0; 16]);
        assert_eq!(open(&mut opener, &beyond), Err(DropReason::Replayed));
    }
}

#[test]
fn a_report_in_the_clear_is_refused_though_its_tag_is_right() {
    let profile = SrtpProfile::Aes128CmSha1_80;
    let (_, mut opener) = pair(profile);
    let key = Kdf::new(&master(profile, 7)).derive::<20>(Label::RtcpAuthentication);
    let mut packet = vec![0x80, 201, 0, 1, 0, 0, 0, 1, 0, 0, 0, 5];
    let tag = HmacSha1::new(key.as_slice()).tag(&[&packet]);
    packet.extend(&tag[..10]);
    assert_eq!(open_report(&mut opener, &packet), Err(DropReason::Unauthenticated));
}

#[test]
fn no_length_and_no_first_byte_is_accepted() {
    for profile in PROFILES {
        let (_, mut opener) = pair(profile);
        let mut garbage = [0xa5; 1_500];
        let parsed = Header::parse(&rtp(1, 1, b"")).unwrap();
        for len in 0..=garbage.len() {
            for first in 0..=255 {
                garbage[0] = first;
                let told = Header { len: 12 + 4 * usize::from(first & 15), ..parsed };
                assert!(opener.open_rtp(&mut garbage[..len], &told).is_err(), "{len} {first}");
                assert!(opener.open_rtcp(&mut garbage[..len]).is_err(), "{len} {first}");
            }
        }
    }
}

#[test]
fn a_header_that_is_longer_than_its_packet_is_refused() {
    for profile in PROFILES {
        let (mut sealer, mut opener) = pair(profile);
        let packet = seal(&mut sealer, 1, 5);
        let parsed = Header::parse(&packet).unwrap();
        for len in (packet.len() - 9..packet.len() + 2).chain([usize::MAX]) {
            let told = Header { len, ..parsed };
            assert_eq!(opener.open_rtp(&mut packet.clone(), &told), Err(DropReason::RtpMalformed));
        }
    }
}
