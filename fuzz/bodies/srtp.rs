//! Whatever is sealed and delivered in whatever order: nothing is sealed twice, nothing forged is opened, and
//! nothing is opened twice.

use std::collections::BTreeSet;

use quartet::base::Seq64;
use quartet::link::event::SrtpProfile;
use quartet::link::terms::Ssrc;
use quartet::media::proto::srtp::{MasterKey, NotSealed, Opener, Sealer};
use quartet::media::wire::rtp::Header;

/// What was sealed and may be delivered, once or often.
struct Sealed {
    ssrc: u32,
    index: u64,
    plain: Vec<u8>,
    packet: Vec<u8>,
}

/// Takes the first byte for the profile, then each four bytes for one thing to do.
pub(crate) fn run(input: &[u8]) {
    let Some((first, script)) = input.split_first() else { return };
    let profile = if first & 1 == 0 { SrtpProfile::AeadAes128Gcm } else { SrtpProfile::Aes128CmSha1_80 };
    let master = MasterKey { key: [0x17; 16], salt: [0x2a; 14] };
    let (mut sealer, mut opener) = (Sealer::new(profile, &master), Opener::new(profile, &master));
    let mut stock: Vec<Sealed> = Vec::new();
    let mut reports: Vec<Vec<u8>> = Vec::new();
    let mut used = BTreeSet::new();
    let (mut opened, mut admitted, mut opened_reports) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());

    for step in script.chunks_exact(4).take(256) {
        let [what, a, b, c] = *step.first_chunk().expect("a chunk of four");
        let number = usize::from(u16::from_be_bytes([b, c]));
        match what % 6 {
            0 => {
                let ssrc = u32::from(a % 40);
                let rounds = u64::from(what / 6) << 15;
                let index = rounds + u64::from(u16::from_be_bytes([b, c]));
                let Some(slot) = sealer.register(Ssrc(ssrc)) else { continue };
                let plain = packet(ssrc, index);
                let mut buffer = plain.clone();
                buffer.resize(plain.len() + 16, 0);
                match sealer.seal_rtp(slot, Seq64(index), &mut buffer, 12, plain.len()) {
                    Ok(len) => {
                        assert!(used.insert((ssrc, index)), "sealed twice");
                        buffer.truncate(len);
                        stock.push(Sealed { ssrc, index, plain, packet: buffer });
                    }
                    Err(why) => assert_eq!(why, NotSealed::Reused),
                }
            }
            1 | 2 if !stock.is_empty() => {
                let sealed = &stock[number % stock.len()];
                let mut packet = sealed.packet.clone();
                let header = Header::parse(&packet).expect("what we seal is RTP");
                let Ok(got) = opener.open_rtp(&mut packet, &header) else { continue };
                assert_eq!((got.index.0, &packet[..got.len]), (sealed.index, &sealed.plain[..]));
                assert_eq!(got.slot.is_some(), admitted.contains(&sealed.ssrc));
                if got.slot.is_none() && a & 1 == 0 {
                    let slot = opener.admit(Ssrc(sealed.ssrc), got.index);
                    assert_eq!(slot.is_some(), admitted.len() < 32);
                    admitted.extend(slot.map(|_| sealed.ssrc));
                }
                if admitted.contains(&sealed.ssrc) {
                    assert!(opened.insert((sealed.ssrc, sealed.index)), "opened twice");
                }
            }
            3 if !stock.is_empty() => {
                let mut packet = stock[usize::from(a) % stock.len()].packet.clone();
                let bit = number % (8 * packet.len());
                packet[bit / 8] ^= 1 << (bit % 8);
                let Some(header) = Header::parse(&packet) else { continue };
                assert!(opener.open_rtp(&mut packet, &header).is_err(), "a forgery opened");
            }
            4 => {
                let mut buffer = [0x80, 201, 0, 1, 0, 0, 0, a % 40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
                let len = sealer.seal_rtcp(&mut buffer, 8).expect("far from the last index");
                reports.push(buffer[..len].to_vec());
            }
            5 if !reports.is_empty() => {
                let place = number % reports.len();
                let mut report = reports[place].clone();
                let forged = a & 1 == 1;
                if forged {
                    let bit = usize::from(a) % (8 * report.len());
                    report[bit / 8] ^= 1 << (bit % 8);
                }
                if let Ok(len) = opener.open_rtcp(&mut report) {
                    assert!(!forged && opened_reports.insert(place), "a forgery opened, or one report twice");
                    assert_eq!(report[..len], [0x80, 201, 0, 1, 0, 0, 0, report[7]]);
                }
            }
            _ => {
                let mut garbage = script.to_vec();
                assert!(opener.open_rtcp(&mut garbage).is_err());
                if let Some(header) = Header::parse(script) {
                    assert!(opener.open_rtp(&mut script.to_vec(), &header).is_err());
                }
            }
        }
    }
}

/// A packet in the clear, whose payload says which it is.
fn packet(ssrc: u32, index: u64) -> Vec<u8> {
    let mut packet = vec![0x80, 96];
    packet.extend(Seq64(index).wrapped().0.to_be_bytes());
    packet.extend([0; 4]);
    packet.extend(ssrc.to_be_bytes());
    packet.extend(index.to_be_bytes());
    packet
}
