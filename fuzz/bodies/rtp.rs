//! A packet is read within its bounds, and what we write of it is read the same again.

use quartet::link::terms::ExtensionIds;
use quartet::media::wire::ext::{Extensions, Outgoing};
use quartet::media::wire::payload::vp8::{Descriptor, PictureId};
use quartet::media::wire::rtp::{Header, HeaderFields, write_header};

/// The ids that Chromium offers, or near enough.
const IDS: ExtensionIds = ExtensionIds {
    mid: 4,
    rid: 10,
    repaired_rid: 11,
    transport_cc: 3,
    abs_send_time: 2,
    audio_level: 1,
    video_orientation: 13,
    playout_delay: 5,
    layers_allocation: 9,
};

pub(crate) fn run(input: &[u8]) {
    let Some(header) = Header::parse(input) else { return };
    let extensions = Extensions::parse(input, &header, &IDS);
    write_again(&header, &extensions);
    if let Some(payload) = header.payload(input) {
        rewrite(payload);
    }
}

fn write_again(header: &Header, extensions: &Extensions<'_>) {
    let fields = HeaderFields {
        marker: header.marker,
        payload_type: header.payload_type,
        sequence: header.sequence,
        timestamp: header.timestamp,
        ssrc: header.ssrc,
    };
    // The two-byte form may have brought a mid that the one-byte form cannot carry.
    let mid = extensions.mid.filter(|mid| (1..=16).contains(&mid.len()));
    let outgoing = Outgoing { mid, transport_cc: extensions.transport_cc, ..extensions.forwarded() };
    let mut buffer = [0xaa; 64];
    let len = write_header(&mut buffer, &fields, &outgoing, &IDS).expect("twelve bytes and five extensions fit");

    let written = &buffer[..len];
    let again = Header::parse(written).expect("what we write is RTP");
    assert_eq!(again.len, len);
    assert_eq!(
        (again.marker, again.payload_type, again.sequence, again.timestamp, again.ssrc),
        (header.marker, header.payload_type, header.sequence, header.timestamp, header.ssrc)
    );
    let read = Extensions::parse(written, &again, &IDS);
    assert_eq!((read.mid, read.transport_cc), (outgoing.mid, outgoing.transport_cc));
    assert_eq!(read.forwarded(), extensions.forwarded());
}

fn rewrite(payload: &[u8]) {
    let Some(before) = Descriptor::parse(payload) else { return };
    before.frame_size(payload);
    let mut rewritten = payload.to_vec();
    before.rewrite(&mut rewritten, 0x1234, 0x56, 0x78);
    let expected = Descriptor {
        picture_id: before.picture_id.map(|id| match id {
            PictureId::Seven(_) => PictureId::Seven(0x34),
            PictureId::Fifteen(_) => PictureId::Fifteen(0x1234),
        }),
        tl0_picture_index: before.tl0_picture_index.map(|_| 0x56),
        key_index: before.key_index.map(|_| 0x18),
        ..before
    };
    assert_eq!(Descriptor::parse(&rewritten), Some(expected));
    assert_eq!(rewritten[before.len..], payload[before.len..]);
}
