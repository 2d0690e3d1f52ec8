//! Whose a connectivity check is.

/// The asker's own ufrag, if this is a binding request that names it: RFC 8445 §7.2.2, USERNAME is "theirs:ours" to who sends it.
pub(super) fn client_ufrag(datagram: &[u8]) -> Option<&str> {
    const BINDING_REQUEST: [u8; 2] = [0, 1];
    const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
    const USERNAME: [u8; 2] = [0, 6];
    let (header, mut attributes) = datagram.split_at_checked(20)?;
    if header[..2] != BINDING_REQUEST || header[4..8] != COOKIE {
        return None;
    }
    loop {
        let (head, rest) = attributes.split_at_checked(4)?;
        let len = usize::from(u16::from_be_bytes([head[2], head[3]]));
        let value = rest.get(..len)?;
        if head[..2] == USERNAME {
            let (_, ufrag) = std::str::from_utf8(value).ok()?.split_once(':')?;
            return Some(ufrag);
        }
        attributes = rest.get(len.next_multiple_of(4)..)?;
    }
}
