//! SRTP as a whole: the RFCs' vectors, an implementation that is not ours, properties, abuse.

use crate::link::event::SrtpProfile;
use crate::media::proto::srtp::MasterKey;

mod abuse;
mod oracle;
mod properties;
mod vectors;

/// Both profiles, for tests that hold for each.
const PROFILES: [SrtpProfile; 2] = [SrtpProfile::AeadAes128Gcm, SrtpProfile::Aes128CmSha1_80];

/// Bytes from hexadecimal text.
pub(super) fn bytes<const LEN: usize>(hex: &str) -> [u8; LEN] {
    vec_of(hex).try_into().unwrap()
}

fn vec_of(hex: &str) -> Vec<u8> {
    data_encoding::HEXUPPER_PERMISSIVE.decode(hex.as_bytes()).unwrap()
}

/// A master key that differs for each `seed`.
fn master(profile: SrtpProfile, seed: u8) -> MasterKey {
    let mut salt = std::array::from_fn(|i| seed ^ 0xa0 ^ u8::try_from(i).unwrap());
    if profile == SrtpProfile::AeadAes128Gcm {
        salt[12..].fill(0);
    }
    MasterKey { key: std::array::from_fn(|i| seed.wrapping_mul(31) ^ u8::try_from(i * 7).unwrap()), salt }
}

/// The plainest RTP packet: no CSRCs, no extension, this payload.
fn rtp(ssrc: u32, sequence: u16, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x80, 96];
    packet.extend(sequence.to_be_bytes());
    packet.extend([0, 0, 0x12, 0x34]);
    packet.extend(ssrc.to_be_bytes());
    packet.extend(payload);
    packet
}
