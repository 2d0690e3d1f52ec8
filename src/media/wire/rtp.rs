//! The RTP header (RFC 3550 §5.1).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |V=2|P|X|  CC   |M|     PT      |       sequence number         |
//! |                           timestamp                           |
//! |                             SSRC                              |
//! |                    CC contributing sources                    |
//! |     if X: extension profile   |     its length in words       |
//! |                        extension data                         |
//! |                           payload …       if P: padding, count|
//! ```

use super::ext::Outgoing;
use crate::base::Seq16;
use crate::link::terms::{ExtensionIds, Ssrc};

/// Bytes of the header before contributing sources and extensions.
pub const FIXED_LEN: usize = 12;

const VERSION: u8 = 2 << 6;
const VERSION_BITS: u8 = 0b1100_0000;
const PADDING_BIT: u8 = 0b0010_0000;
const EXTENSION_BIT: u8 = 0b0001_0000;
const CSRC_COUNT_BITS: u8 = 0b0000_1111;
const MARKER_BIT: u8 = 0b1000_0000;
const PAYLOAD_TYPE_BITS: u8 = 0b0111_1111;

/// A header, and where the rest begins. Made by [`Header::parse`], so its lengths fit the packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    pub marker: bool,
    pub payload_type: u8,
    pub sequence: Seq16,
    pub timestamp: u32,
    pub ssrc: Ssrc,
    /// Whether the last byte of the (decrypted) packet counts padding.
    pub padding: bool,
    /// Bytes before the payload: fixed header, CSRCs and extension block. SRTP leaves these in the clear.
    pub len: usize,
    /// The extension block's profile (0xBEDE, 0x100X) and where its data lies in the packet; start = end if none.
    pub extension_profile: u16,
    pub extension_start: usize,
    pub extension_end: usize,
}

impl Header {
    /// Reads the header of a whole packet. None for anything that is not RTP version 2 or is cut short.
    pub fn parse(packet: &[u8]) -> Option<Header> {
        let &[flags, marker_and_type, s0, s1, t0, t1, t2, t3, c0, c1, c2, c3] = packet.first_chunk::<FIXED_LEN>()?;
        if flags & VERSION_BITS != VERSION {
            return None;
        }
        let sources_end = FIXED_LEN + 4 * usize::from(flags & CSRC_COUNT_BITS);
        let mut header = Header {
            marker: marker_and_type & MARKER_BIT != 0,
            payload_type: marker_and_type & PAYLOAD_TYPE_BITS,
            sequence: Seq16(u16::from_be_bytes([s0, s1])),
            timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
            ssrc: Ssrc(u32::from_be_bytes([c0, c1, c2, c3])),
            padding: flags & PADDING_BIT != 0,
            len: sources_end,
            extension_profile: 0,
            extension_start: sources_end,
            extension_end: sources_end,
        };
        if flags & EXTENSION_BIT != 0 {
            let &[p0, p1, w0, w1] = packet.get(sources_end..)?.first_chunk::<4>()?;
            header.extension_profile = u16::from_be_bytes([p0, p1]);
            header.extension_start = sources_end + 4;
            header.extension_end = header.extension_start + 4 * usize::from(u16::from_be_bytes([w0, w1]));
            header.len = header.extension_end;
        }
        (header.len <= packet.len()).then_some(header)
    }

    /// The payload without its padding, of a packet that is in the clear. None if the padding count lies.
    pub fn payload<'a>(&self, packet: &'a [u8]) -> Option<&'a [u8]> {
        let payload = packet.get(self.len..)?;
        if !self.padding {
            return Some(payload);
        }
        // RFC 3550 §5.1: the last octet counts the padding, including itself.
        let count = usize::from(*payload.last()?);
        if count == 0 {
            return None;
        }
        payload.get(..payload.len().checked_sub(count)?)
    }
}

/// What a header of ours says. It has neither contributing sources nor padding.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HeaderFields {
    pub marker: bool,
    /// The low seven bits count.
    pub payload_type: u8,
    pub sequence: Seq16,
    pub timestamp: u32,
    pub ssrc: Ssrc,
}

/// Writes a header with its extensions to the start of `buffer` and says how many bytes it took; the payload
/// goes right behind. None if it does not fit: then the buffer's content is of no use.
pub fn write_header(buffer: &mut [u8], fields: &HeaderFields, extensions: &Outgoing<'_>, ids: &ExtensionIds) -> Option<usize> {
    let (fixed, rest) = buffer.split_first_chunk_mut::<FIXED_LEN>()?;
    let extension_len = extensions.write(rest, ids)?;
    let [s0, s1] = fields.sequence.0.to_be_bytes();
    let [t0, t1, t2, t3] = fields.timestamp.to_be_bytes();
    let [c0, c1, c2, c3] = fields.ssrc.0.to_be_bytes();
    let flags = if extension_len == 0 { VERSION } else { VERSION | EXTENSION_BIT };
    let marker = if fields.marker { MARKER_BIT } else { 0 };
    let marker_and_type = marker | fields.payload_type & PAYLOAD_TYPE_BITS;
    *fixed = [flags, marker_and_type, s0, s1, t0, t1, t2, t3, c0, c1, c2, c3];
    Some(FIXED_LEN + extension_len)
}

/// Makes a packet of a header and nothing but padding (RFC 3550 §5.1: the last octet counts it); says how long it is. None
/// if it does not fit, or there is no padding at all.
pub fn set_padding(buffer: &mut [u8], header_len: usize, padding: u8) -> Option<usize> {
    let len = header_len + usize::from(padding);
    let (last, rest) = buffer.get_mut(header_len..len)?.split_last_mut()?;
    rest.fill(0);
    *last = padding;
    *buffer.first_mut()? |= PADDING_BIT;
    Some(len)
}

#[cfg(test)]
mod tests {
    use ::rtp::header::Header as OracleHeader;
    use bytes::Bytes;
    use proptest::prelude::*;
    use webrtc_util::marshal::{Marshal, Unmarshal};

    use super::*;
    use crate::media::wire::ext::{AudioLevel, Extensions};

    const FIXED: [u8; FIXED_LEN] = [0x80, 0xe0, 0x12, 0x34, 1, 2, 3, 4, 5, 6, 7, 8];

    /// The fixed header with other flags, and what follows it.
    fn packet(flags: u8, rest: &[u8]) -> Vec<u8> {
        let mut packet = FIXED.to_vec();
        packet[0] = flags;
        packet.extend_from_slice(rest);
        packet
    }

    #[test]
    fn the_fixed_header_is_read_field_by_field() {
        let header = Header::parse(&packet(0x80, &[9])).unwrap();
        assert_eq!(
            header,
            Header {
                marker: true,
                payload_type: 96,
                sequence: Seq16(0x1234),
                timestamp: 0x0102_0304,
                ssrc: Ssrc(0x0506_0708),
                padding: false,
                len: 12,
                extension_profile: 0,
                extension_start: 12,
                extension_end: 12,
            }
        );
        assert_eq!(header.payload(&packet(0x80, &[9])), Some(&[9][..]));
    }

    #[test]
    fn a_packet_that_is_cut_short_or_of_another_version_is_none() {
        // (packet, the length of its header: every shorter cut of it is refused)
        for (whole, header_len) in [
            (packet(0x80, &[]), 12),
            (packet(0x8f, &[0; 60]), 72),
            (packet(0x90, &[0xbe, 0xde, 0, 0]), 16),
            (packet(0x90, &[0xbe, 0xde, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0]), 24),
            (packet(0x91, &[0, 0, 0, 9, 0xbe, 0xde, 0, 1, 0, 0, 0, 0]), 24),
        ] {
            for cut in 0..header_len {
                assert_eq!(Header::parse(&whole[..cut]), None, "{whole:?} {cut}");
            }
            assert_eq!(Header::parse(&whole).map(|header| header.len), Some(header_len), "{whole:?}");
        }
        for flags in [0x00, 0x40, 0xc0] {
            assert_eq!(Header::parse(&packet(flags, &[0; 64])), None);
        }
        assert_eq!(Header::parse(&packet(0x90, &[0xbe, 0xde, 0xff, 0xff, 0, 0, 0, 0])), None);
    }

    #[test]
    fn a_packet_of_padding_is_read_as_one_without_payload() {
        let mut buffer = [7; 300];
        buffer[..FIXED_LEN].copy_from_slice(&FIXED);
        let len = set_padding(&mut buffer, FIXED_LEN, 255).unwrap();
        assert_eq!(len, FIXED_LEN + 255);
        assert_eq!(Header::parse(&buffer[..len]).unwrap().payload(&buffer[..len]), Some(&[][..]));
        assert_eq!(set_padding(&mut buffer, FIXED_LEN, 0), None);
        assert_eq!(set_padding(&mut buffer, 100, 255), None);
    }

    #[test]
    fn padding_is_cut_off_and_a_lying_count_is_none() {
        for (rest, expected) in [
            (&[7, 7, 7, 1][..], Some(&[7, 7, 7][..])),
            (&[7, 0, 0, 3], Some(&[7])),
            (&[0, 0, 0, 4], Some(&[])),
            (&[0, 0, 0, 5], None),
            (&[0, 0, 0, 255], None),
            (&[0, 0, 0, 0], None),
            (&[], None),
        ] {
            let packet = packet(0xa0, rest);
            assert_eq!(Header::parse(&packet).unwrap().payload(&packet), expected, "{rest:?}");
        }
    }

    #[test]
    fn a_header_that_does_not_fit_is_none() {
        let fields = HeaderFields { marker: false, payload_type: 111, sequence: Seq16(1), timestamp: 2, ssrc: Ssrc(3) };
        let extensions = Outgoing { mid: Some(b"12"), transport_cc: Some(5), ..Outgoing::default() };
        let ids = ExtensionIds { mid: 1, transport_cc: 2, ..ExtensionIds::default() };
        for room in 0..64 {
            let len = write_header(&mut vec![0; room], &fields, &extensions, &ids);
            assert_eq!(len, (room >= 24).then_some(24), "{room}");
            let bare = write_header(&mut vec![0; room], &fields, &Outgoing::default(), &ids);
            assert_eq!(bare, (room >= 12).then_some(12), "{room}");
        }
    }

    /// Every length of every first byte, filled with each of a few bytes: what is read lies in the packet.
    #[test]
    fn garbage_of_every_length_and_first_byte_is_total() {
        let ids = ExtensionIds { mid: 1, rid: 2, repaired_rid: 3, transport_cc: 4, abs_send_time: 5, ..ExtensionIds::default() };
        for fill in [0x00, 0x01, 0x10, 0xff] {
            let mut bytes = [fill; 1_500];
            for first in 0..=255 {
                bytes[0] = first;
                for len in 0..=bytes.len() {
                    let packet = &bytes[..len];
                    let Some(header) = Header::parse(packet) else { continue };
                    assert!(header.extension_start <= header.extension_end && header.extension_end <= header.len);
                    assert!(header.len <= len && first >> 6 == 2);
                    header.payload(packet);
                    header.payload(&[]);
                    // The block is the same whatever follows it.
                    if len == header.len {
                        Extensions::parse(packet, &header, &ids);
                    }
                }
            }
        }
    }

    prop_compose! {
        fn fields()(marker: bool, payload_type in 0..128_u8, sequence: u16, timestamp: u32, ssrc: u32) -> HeaderFields {
            HeaderFields { marker, payload_type, sequence: Seq16(sequence), timestamp, ssrc: Ssrc(ssrc) }
        }
    }

    prop_compose! {
        /// Ids that differ, each of them maybe not negotiated.
        fn ids()(order in Just((1..=14_u8).collect::<Vec<_>>()).prop_shuffle(), absent in proptest::array::uniform5(any::<bool>())) -> ExtensionIds {
            let id = |n: usize| if absent[n] { 0 } else { order[n] };
            ExtensionIds {
                mid: id(0),
                transport_cc: id(1),
                audio_level: id(2),
                video_orientation: id(3),
                playout_delay: id(4),
                ..ExtensionIds::default()
            }
        }
    }

    type Said = (Option<Vec<u8>>, Option<u16>, Option<(bool, u8)>, Option<u8>, Option<[u8; 3]>);

    fn said() -> impl Strategy<Value = Said> {
        let mid = proptest::option::of(proptest::collection::vec(any::<u8>(), 1..=16));
        (
            mid,
            any::<Option<u16>>(),
            proptest::option::of((any::<bool>(), 0..128_u8)),
            any::<Option<u8>>(),
            any::<Option<[u8; 3]>>(),
        )
    }

    proptest! {
        #[test]
        fn what_we_write_is_read_alike_by_us_and_by_the_rtp_crate(fields in fields(), ids in ids(), said in said(), payload: Vec<u8>) {
            let (mid, transport_cc, level, video_orientation, playout_delay) = said;
            let outgoing = Outgoing {
                mid: mid.as_deref(),
                transport_cc,
                audio_level: level.map(|(voice, level)| AudioLevel { voice, level }),
                video_orientation,
                playout_delay,
            };
            let mut packet = vec![0xaa; 64];
            let len = write_header(&mut packet, &fields, &outgoing, &ids).unwrap();
            packet.truncate(len);
            packet.extend_from_slice(&payload);

            let header = Header::parse(&packet).unwrap();
            prop_assert_eq!(
                HeaderFields {
                    marker: header.marker,
                    payload_type: header.payload_type,
                    sequence: header.sequence,
                    timestamp: header.timestamp,
                    ssrc: header.ssrc,
                },
                fields
            );
            prop_assert_eq!(header.payload(&packet), Some(&payload[..]));
            let read = Extensions::parse(&packet, &header, &ids);
            prop_assert_eq!(read.mid, outgoing.mid.filter(|_| ids.mid != 0));
            prop_assert_eq!(read.transport_cc, transport_cc.filter(|_| ids.transport_cc != 0));
            prop_assert_eq!(read.audio_level, outgoing.audio_level.filter(|_| ids.audio_level != 0));
            prop_assert_eq!(read.video_orientation, video_orientation.filter(|_| ids.video_orientation != 0));
            prop_assert_eq!(read.playout_delay, playout_delay.filter(|_| ids.playout_delay != 0));

            let theirs = OracleHeader::unmarshal(&mut &packet[..]).unwrap();
            prop_assert_eq!(
                (theirs.marker, theirs.payload_type, theirs.sequence_number, theirs.timestamp, theirs.ssrc),
                (fields.marker, fields.payload_type, fields.sequence.0, fields.timestamp, fields.ssrc.0)
            );
            let theirs = |id: u8| theirs.get_extension(id).filter(|_| id != 0);
            prop_assert_eq!(theirs(ids.mid).map(|data| data.to_vec()), read.mid.map(<[u8]>::to_vec));
            prop_assert_eq!(theirs(ids.transport_cc).map(|data| data.to_vec()), read.transport_cc.map(|number| number.to_be_bytes().to_vec()));
            prop_assert_eq!(theirs(ids.video_orientation).map(|data| data.to_vec()), read.video_orientation.map(|byte| vec![byte]));
            prop_assert_eq!(theirs(ids.playout_delay).map(|data| data.to_vec()), read.playout_delay.map(|delay| delay.to_vec()));
        }

        #[test]
        fn what_the_rtp_crate_writes_we_read(
            fields in fields(),
            sources in proptest::collection::vec(any::<u32>(), 0..16),
            two_byte: bool,
            mid in proptest::collection::vec(any::<u8>(), 1..=16),
            number: u16,
            payload: Vec<u8>,
        ) {
            let theirs = OracleHeader {
                version: 2,
                extension: true,
                marker: fields.marker,
                payload_type: fields.payload_type,
                sequence_number: fields.sequence.0,
                timestamp: fields.timestamp,
                ssrc: fields.ssrc.0,
                csrc: sources.clone(),
                extension_profile: if two_byte { 0x1000 } else { 0xbede },
                extensions: vec![
                    ::rtp::header::Extension { id: 4, payload: Bytes::from(mid.clone()) },
                    ::rtp::header::Extension { id: 9, payload: Bytes::copy_from_slice(&number.to_be_bytes()) },
                ],
                ..OracleHeader::default()
            };
            let mut packet = theirs.marshal().unwrap().to_vec();
            let header_len = packet.len();
            packet.extend_from_slice(&payload);

            let header = Header::parse(&packet).unwrap();
            prop_assert_eq!(header.len, header_len);
            prop_assert_eq!((header.sequence, header.timestamp, header.ssrc), (fields.sequence, fields.timestamp, fields.ssrc));
            prop_assert_eq!((header.marker, header.payload_type), (fields.marker, fields.payload_type));
            let ids = ExtensionIds { mid: 4, transport_cc: 9, ..ExtensionIds::default() };
            let read = Extensions::parse(&packet, &header, &ids);
            prop_assert_eq!((read.mid, read.transport_cc), (Some(&mid[..]), Some(number)));
        }
    }
}
