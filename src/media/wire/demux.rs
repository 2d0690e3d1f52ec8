//! Which protocol a datagram speaks, by its first bytes (RFC 7983 §7, RFC 5761 §4).

/// What shares our one port.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Protocol {
    Stun,
    Dtls,
    Rtp,
    Rtcp,
}

/// The protocol of this datagram, or none that is ours.
pub fn classify(datagram: &[u8]) -> Option<Protocol> {
    let _ = datagram;
    todo!()
}
