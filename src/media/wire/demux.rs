//! Which protocol a datagram speaks, by its first bytes (RFC 7983 §7, RFC 5761 §4).

/// What shares our one port.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Protocol {
    Stun,
    Dtls,
    Rtp,
    Rtcp,
}

/// The header of a STUN message (RFC 8489 §5).
const STUN_MIN: usize = 20;
/// The header of a DTLS 1.2 record, or of a DTLS 1.3 record in plaintext (RFC 9147 §4).
const DTLS_RECORD_MIN: usize = 13;
/// The shortest DTLS 1.3 ciphertext: a flag byte, eight bits of sequence number, and the sixteen encrypted
/// bytes without which a receiver cannot read that number (RFC 9147 §4.2.3).
const DTLS_CIPHERTEXT_MIN: usize = 18;
/// The fixed header (RFC 3550 §5.1). The SRTP tag is not counted: it belongs to the keys, not to the port.
const RTP_MIN: usize = 12;
/// A header and the sender's SSRC (RFC 3550 §6.4).
const RTCP_MIN: usize = 8;

/// The protocol of this datagram, or none that is ours: another protocol's first byte, or too short to be
/// what its first byte says. What passes is still whatever a stranger sent.
///
/// ```text
///  first byte    0–3   STUN     16–19  ZRTP (none of ours)     64–79    TURN channels (none of ours)
///               20–63  DTLS                                    128–191  RTP, or RTCP by the second byte
/// ```
pub fn classify(datagram: &[u8]) -> Option<Protocol> {
    let (&[first, second], _) = datagram.split_first_chunk::<2>()?;
    let (protocol, shortest) = match (first, second) {
        (0..=3, _) => (Protocol::Stun, STUN_MIN),
        (20..=31, _) => (Protocol::Dtls, DTLS_RECORD_MIN),
        // RFC 9147 §4: a ciphertext record begins with the bits 001.
        (32..=63, _) => (Protocol::Dtls, DTLS_CIPHERTEXT_MIN),
        // RFC 5761 §4: RTCP packet types stand where RTP has its marker and payload type; 192 to 223 are RTCP's.
        (128..=191, 192..=223) => (Protocol::Rtcp, RTCP_MIN),
        (128..=191, _) => (Protocol::Rtp, RTP_MIN),
        _ => return None,
    };
    (datagram.len() >= shortest).then_some(protocol)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_two_bytes_decide() {
        for (first, second, expected) in [
            (0, 0, Some(Protocol::Stun)),
            (3, 255, Some(Protocol::Stun)),
            (4, 0, None),
            (16, 0, None),
            (19, 0, None),
            (20, 0, Some(Protocol::Dtls)),
            (31, 0, Some(Protocol::Dtls)),
            (32, 0, Some(Protocol::Dtls)),
            (63, 255, Some(Protocol::Dtls)),
            (64, 0, None),
            (127, 0, None),
            (128, 0, Some(Protocol::Rtp)),
            (128, 191, Some(Protocol::Rtp)),
            (128, 192, Some(Protocol::Rtcp)),
            (191, 223, Some(Protocol::Rtcp)),
            (191, 224, Some(Protocol::Rtp)),
            (191, 255, Some(Protocol::Rtp)),
            (192, 200, None),
            (255, 255, None),
        ] {
            let mut datagram = [0; 64];
            datagram[0] = first;
            datagram[1] = second;
            assert_eq!(classify(&datagram), expected, "{first} {second}");
        }
    }

    #[test]
    fn a_datagram_shorter_than_its_protocol_is_not_ours() {
        for (first, second, shortest) in [
            (0, 1, STUN_MIN),
            (22, 254, DTLS_RECORD_MIN),
            (0x2f, 0, DTLS_CIPHERTEXT_MIN),
            (128, 96, RTP_MIN),
            (128, 200, RTCP_MIN),
        ] {
            let mut datagram = [0; 1_500];
            datagram[0] = first;
            datagram[1] = second;
            for len in 0..=datagram.len() {
                assert_eq!(classify(&datagram[..len]).is_some(), len >= shortest, "{first} {second} {len}");
            }
        }
    }
}
