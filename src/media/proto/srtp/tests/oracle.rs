//! Against webrtc-srtp, which is not ours: what one seals the other opens.

use webrtc_srtp::context::Context;
use webrtc_srtp::protection_profile::ProtectionProfile;

use super::{PROFILES, master, rtp};
use crate::base::Seq64;
use crate::link::event::SrtpProfile;
use crate::link::terms::Ssrc;
use crate::media::proto::srtp::{MasterKey, Opener, Sealer};
use crate::media::wire::rtp::Header;

const SSRC: u32 = 0xfeed_0001;

/// The other implementation, with the same keys.
fn theirs(profile: SrtpProfile, master: &MasterKey) -> Context {
    let (profile, salt_len) = match profile {
        SrtpProfile::AeadAes128Gcm => (ProtectionProfile::AeadAes128Gcm, 12),
        SrtpProfile::Aes128CmSha1_80 => (ProtectionProfile::Aes128CmHmacSha1_80, 14),
    };
    Context::new(&master.key, &master.salt[..salt_len], profile, None, None).unwrap()
}

/// Packets of every shape: header length and bytes.
fn shapes(sequence: u16) -> Vec<(usize, Vec<u8>)> {
    let plain = rtp(SSRC, sequence, b"plain");
    let empty = rtp(SSRC, sequence, b"");
    let long = rtp(SSRC, sequence, &[7; 1_200]);

    let mut sources = rtp(SSRC, sequence, b"");
    sources[0] |= 2;
    sources.extend([1, 2, 3, 4, 5, 6, 7, 8]);
    sources.extend(b"behind two contributing sources");

    let mut extended = rtp(SSRC, sequence, b"");
    extended[0] |= 0x11;
    extended.extend([9, 9, 9, 9]);
    extended.extend([0xbe, 0xde, 0, 2, 0x10, 0x30, 0x22, 1, 2, 3, 0, 0]);
    let extended_len = extended.len();
    extended.extend(b"behind a source and an extension");

    vec![(12, plain), (12, empty), (12, long), (20, sources), (extended_len, extended)]
}

/// A sender report and a source description, compound.
fn reports() -> Vec<u8> {
    let mut packet = vec![0x80, 200, 0, 6];
    packet.extend(SSRC.to_be_bytes());
    packet.extend([0x11; 20]);
    packet.extend([0x81, 202, 0, 3]);
    packet.extend(SSRC.to_be_bytes());
    packet.extend([1, 4, b'n', b'o', b'n', b'e', 0, 0]);
    packet
}

fn seal(sealer: &mut Sealer, index: u64, header_len: usize, packet: &[u8]) -> Vec<u8> {
    let slot = sealer.register(Ssrc(SSRC)).unwrap();
    let mut buffer = packet.to_vec();
    buffer.resize(packet.len() + 64, 0);
    let len = sealer.seal_rtp(slot, Seq64(index), &mut buffer, header_len, packet.len()).unwrap();
    buffer.truncate(len);
    buffer
}

#[test]
fn what_we_seal_they_open() {
    for profile in PROFILES {
        let keys = master(profile, 1);
        let (mut ours, mut theirs) = (Sealer::new(profile, &keys), theirs(profile, &keys));
        let mut index = 65_500;
        while index < 65_600 {
            for _ in 0..shapes(0).len() {
                let sequence = Seq64(index).wrapped().0;
                let (header_len, plain) = shapes(sequence).swap_remove(usize::from(sequence) % 5);
                let sealed = seal(&mut ours, index, header_len, &plain);
                assert_eq!(theirs.decrypt_rtp(&sealed).unwrap(), plain, "{profile:?} {index}");
                index += 1;
            }
        }
    }
}

#[test]
fn what_they_seal_we_open() {
    for profile in PROFILES {
        let keys = master(profile, 2);
        let (mut ours, mut theirs) = (Opener::new(profile, &keys), theirs(profile, &keys));
        for index in 65_500..65_600 {
            let sequence = Seq64(index).wrapped().0;
            let (header_len, plain) = shapes(sequence).swap_remove(usize::from(sequence) % 5);
            let mut sealed = theirs.encrypt_rtp(&plain).unwrap().to_vec();
            let header = Header::parse(&sealed).unwrap();
            assert_eq!(header.len, header_len);
            let opened = ours.open_rtp(&mut sealed, &header).unwrap();
            assert_eq!(sealed[..opened.len], plain, "{profile:?} {index}");
            assert_eq!(opened.index, Seq64(index));
            assert_eq!(opened.slot.is_some(), index > 65_500);
            ours.admit(Ssrc(SSRC), opened.index).unwrap();
        }
    }
}

#[test]
fn packets_that_overtake_each_other_around_a_wrap_all_open() {
    for profile in PROFILES {
        let keys = master(profile, 3);
        let (mut opener, mut theirs) = (Opener::new(profile, &keys), theirs(profile, &keys));
        let mut sealed: Vec<_> = (65_436..65_636)
            .map(|index| (index, theirs.encrypt_rtp(&rtp(SSRC, Seq64(index).wrapped().0, b"late")).unwrap().to_vec()))
            .collect();
        // The first stays first: a stream that begins after its wrap could not be told from one that did not wrap.
        sealed[1..].chunks_mut(20).for_each(<[_]>::reverse);
        for (index, mut packet) in sealed {
            let header = Header::parse(&packet).unwrap();
            let opened = opener.open_rtp(&mut packet, &header).unwrap();
            assert_eq!((opened.index, &packet[12..opened.len]), (Seq64(index), &b"late"[..]), "{profile:?}");
            opener.admit(Ssrc(SSRC), opened.index).unwrap();
        }
    }
}

#[test]
fn reports_open_both_ways() {
    for profile in PROFILES {
        let keys = master(profile, 4);
        let (mut sealer, mut opener) = (Sealer::new(profile, &keys), Opener::new(profile, &keys));
        let mut theirs = theirs(profile, &keys);
        let plain = reports();
        for _ in 0..100 {
            let mut buffer = plain.clone();
            buffer.resize(plain.len() + 20, 0);
            let len = sealer.seal_rtcp(&mut buffer, plain.len()).unwrap();
            assert_eq!(theirs.decrypt_rtcp(&buffer[..len]).unwrap(), plain, "{profile:?}");

            let mut sealed = theirs.encrypt_rtcp(&plain).unwrap().to_vec();
            let len = opener.open_rtcp(&mut sealed).unwrap();
            assert_eq!(sealed[..len], plain, "{profile:?}");
        }
    }
}
