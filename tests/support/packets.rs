//! Datagrams as browsers write them.

use aws_lc_rs::hmac;

/// A connectivity check (RFC 8445 §7.2.4): a binding request, signed with the server's password.
pub(crate) fn check(username: &str, password: &str, transaction: [u8; 12], nominate: bool) -> Vec<u8> {
    const COOKIE: u32 = 0x2112_a442;
    let mut request = vec![0, 1, 0, 0];
    request.extend(COOKIE.to_be_bytes());
    request.extend(transaction);
    let mut attribute = |kind: u16, value: &[u8]| {
        request.extend(kind.to_be_bytes());
        request.extend((value.len() as u16).to_be_bytes());
        request.extend(value);
        request.resize(request.len().next_multiple_of(4), 0);
    };
    attribute(0x0006, username.as_bytes());
    attribute(0x802a, &[7; 8]);
    if nominate {
        attribute(0x0025, &[]);
    }
    attribute(0x0024, &[0x6e, 0, 0x1e, 0xff]);

    let set_len = |request: &mut Vec<u8>, more: usize| {
        let len = (request.len() - 20 + more) as u16;
        request[2..4].copy_from_slice(&len.to_be_bytes());
    };
    set_len(&mut request, 24);
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes());
    let tag = hmac::sign(&key, &request);
    request.extend([0, 8, 0, 20]);
    request.extend(tag.as_ref());
    set_len(&mut request, 8);
    let crc = crc32fast::hash(&request) ^ 0x5354_554e;
    request.extend([0x80, 0x28, 0, 4]);
    request.extend(crc.to_be_bytes());
    request
}

/// What a packet says outside its payload.
pub(crate) struct Rtp<'a> {
    pub(crate) marker: bool,
    pub(crate) payload_type: u8,
    pub(crate) sequence: u16,
    pub(crate) timestamp: u32,
    pub(crate) ssrc: u32,
    /// Header extensions: id and value.
    pub(crate) extensions: &'a [(u8, &'a [u8])],
    /// Bytes of padding, the count included.
    pub(crate) padding: u8,
}

/// A packet in the clear, and how long its header is.
pub(crate) fn rtp(packet: &Rtp<'_>, payload: &[u8]) -> (Vec<u8>, usize) {
    let flags = 0x80 | u8::from(packet.padding > 0) << 5 | u8::from(!packet.extensions.is_empty()) << 4;
    let mut bytes = vec![flags, u8::from(packet.marker) << 7 | packet.payload_type];
    bytes.extend(packet.sequence.to_be_bytes());
    bytes.extend(packet.timestamp.to_be_bytes());
    bytes.extend(packet.ssrc.to_be_bytes());
    if !packet.extensions.is_empty() {
        let mut block = Vec::new();
        for (id, value) in packet.extensions {
            block.push(id << 4 | (value.len() as u8 - 1));
            block.extend(*value);
        }
        block.resize(block.len().next_multiple_of(4), 0);
        bytes.extend([0xbe, 0xde]);
        bytes.extend((block.len() as u16 / 4).to_be_bytes());
        bytes.extend(block);
    }
    let header_len = bytes.len();
    bytes.extend(payload);
    if packet.padding > 0 {
        bytes.resize(bytes.len() + usize::from(packet.padding) - 1, 0);
        bytes.push(packet.padding);
    }
    (bytes, header_len)
}

/// A VP8 payload (RFC 7741 §4.2) with all its counters, before what the test puts there.
pub(crate) fn vp8(starts: bool, keyframe: bool, picture_id: u16, tl0: u8, key_index: u8, rest: &[u8]) -> Vec<u8> {
    let [high, low] = (picture_id | 0x8000).to_be_bytes();
    let mut payload = vec![0x80 | u8::from(starts) << 4, 0xf0, high, low, tl0, key_index & 0x1f];
    payload.push(u8::from(!keyframe));
    payload.extend(rest);
    payload
}
