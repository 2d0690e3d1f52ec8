//! What BoringSSL gets to see of a datagram: the records that can belong to this handshake.
//!
//! Before there are keys anybody on the path can forge a record, and BoringSSL takes an alert, an unknown
//! type or a broken fragment in the clear for the peer's and gives up.
//! RFC 6347 §4.1.2.7: "invalid records SHOULD be silently discarded, thus preserving the association".
//! So those end here. Records under a key pass: BoringSSL discards what does not authenticate, and once it has
//! keys, what comes in the clear.
//!
//! **A forged message that is well made in all but its meaning still ends a handshake** that has no keys yet, as
//! in every DTLS; it must come from the address that passed ICE.
#![forbid(unsafe_code)]

/// The longest handshake message that is taken. A browser's longest is its ClientHello with 1.5 kB; a chain
/// of RSA-4096 certificates would still fit. BoringSSL keeps up to seven messages in pieces: 56 kB in all.
const MESSAGE_MAX: usize = 8 * 1024;

/// RFC 6347 §4.1: type, version, epoch, sequence number, length.
const HEADER: usize = 13;
/// RFC 6347 §4.2.2: type, length, message sequence, fragment offset, fragment length.
const FRAGMENT_HEADER: usize = 12;

// RFC 6347 §4.1, RFC 8446 §5.1: content types in the clear.
const CHANGE_CIPHER_SPEC: u8 = 20;
const HANDSHAKE: u8 = 22;

/// Copies the records that BoringSSL shall see.
pub(super) fn sift(mut datagram: &[u8], out: &mut Vec<u8>) {
    while let Some((record, rest)) = Record::first(datagram) {
        if record.may_belong() {
            out.extend_from_slice(record.whole);
        }
        datagram = rest;
    }
}

/// One record of a datagram, by its header alone.
struct Record<'a> {
    whole: &'a [u8],
    /// What stands there to be forged; None if the record is under a key.
    clear: Option<InClear<'a>>,
}

struct InClear<'a> {
    kind: u8,
    body: &'a [u8],
}

impl<'a> Record<'a> {
    /// The first record and what follows it; None at the end, or when the rest is not made of records.
    fn first(datagram: &'a [u8]) -> Option<(Record<'a>, &'a [u8])> {
        let (&flags, _) = datagram.split_first()?;
        // RFC 9147 §4: the three leading bits 001 are a DTLS 1.3 ciphertext.
        if flags & 0b1110_0000 == 0b0010_0000 { Record::ciphertext(flags, datagram) } else { Record::classic(datagram) }
    }

    fn classic(datagram: &'a [u8]) -> Option<(Record<'a>, &'a [u8])> {
        let header = datagram.first_chunk::<HEADER>()?;
        let len = usize::from(u16::from_be_bytes([header[11], header[12]]));
        let (whole, rest) = datagram.split_at_checked(HEADER + len)?;
        let epoch = u16::from_be_bytes([header[3], header[4]]);
        let clear = (epoch == 0).then_some(InClear { kind: header[0], body: &whole[HEADER..] });
        Some((Record { whole, clear }, rest))
    }

    /// ```text
    /// 0 0 1 C S L E E   (connection id)   sequence, 1 or 2   (length, 2)   ciphertext       RFC 9147 §4
    /// ```
    fn ciphertext(flags: u8, datagram: &'a [u8]) -> Option<(Record<'a>, &'a [u8])> {
        // We negotiate no connection ids, so nobody can tell where this record ends.
        if flags & 0b1_0000 != 0 {
            return None;
        }
        let sequence = if flags & 0b1000 != 0 { 2 } else { 1 };
        let (whole, rest) = if flags & 0b100 != 0 {
            let (_, from_length) = datagram.split_at_checked(1 + sequence)?;
            let len = usize::from(u16::from_be_bytes(*from_length.first_chunk()?));
            datagram.split_at_checked(1 + sequence + 2 + len)?
        } else {
            (datagram, &[][..])
        };
        Some((Record { whole, clear: None }, rest))
    }

    fn may_belong(&self) -> bool {
        match self.clear {
            None => true,
            Some(InClear { kind: HANDSHAKE, body }) => fragments_add_up(body),
            // RFC 5246 §7.1: a single byte of value 1.
            Some(InClear { kind: CHANGE_CIPHER_SPEC, body }) => body == [1],
            // Alerts too: who gives up and cannot say so under a key is met by our deadline.
            Some(InClear { .. }) => false,
        }
    }
}

/// Whether these are fragments, at least one, each inside its message.
fn fragments_add_up(mut body: &[u8]) -> bool {
    while let Some(header) = body.first_chunk::<FRAGMENT_HEADER>() {
        let u24 = |at: usize| usize::from(header[at]) << 16 | usize::from(header[at + 1]) << 8 | usize::from(header[at + 2]);
        let (message, offset, len) = (u24(1), u24(6), u24(9));
        if message > MESSAGE_MAX || offset + len > message {
            return false;
        }
        match body.split_at_checked(FRAGMENT_HEADER + len) {
            Some((_, [])) => return true,
            Some((_, rest)) => body = rest,
            None => return false,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: u8, epoch: u8, body: &[u8]) -> Vec<u8> {
        let len = u16::try_from(body.len()).unwrap().to_be_bytes();
        [&[kind, 254, 253, 0, epoch, 0, 0, 0, 0, 0, 0, len[0], len[1]], body].concat()
    }

    fn fragment(message: u16, offset: u16, len: u16, body: &[u8]) -> Vec<u8> {
        let [m, o, l] = [message, offset, len].map(u16::to_be_bytes);
        [&[1, 0, m[0], m[1], 0, 0, 0, o[0], o[1], 0, l[0], l[1]], body].concat()
    }

    fn sifted(datagram: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        sift(datagram, &mut out);
        out
    }

    #[test]
    fn in_the_clear_only_what_a_handshake_says_passes() {
        let whole = fragment(3, 0, 3, b"abc");
        for (kind, body, passes) in [
            (22, whole.clone(), true),
            (22, [whole.clone(), fragment(9, 4, 2, b"de")].concat(), true),
            (22, fragment(0, 0, 0, b""), true),
            (22, vec![], false),
            (22, b"short".to_vec(), false),
            (22, [whole.clone(), vec![0]].concat(), false),
            (22, fragment(3, 1, 3, b"abc"), false),
            (22, fragment(3, 0, 3, b"ab"), false),
            (22, fragment(8_192, 0, 3, b"abc"), true),
            (22, fragment(8_193, 0, 3, b"abc"), false),
            (20, vec![1], true),
            (20, vec![2], false),
            (20, vec![1, 1], false),
            (21, vec![1, 0], false),
            (21, vec![2, 40], false),
            (23, b"hello".to_vec(), false),
            (26, vec![0, 0], false),
            (99, b"?".to_vec(), false),
        ] {
            let record = record(kind, 0, &body);
            let expected = if passes { &record[..] } else { &[] };
            assert_eq!(sifted(&record), expected, "{kind} {body:?}");
        }
    }

    #[test]
    fn what_is_under_a_key_passes() {
        for datagram in [record(21, 1, b"sealed"), record(99, 7, b""), vec![0x2e, 1, 2, 0, 3, 9, 9, 9], vec![0x22, 1, 9, 9]] {
            assert_eq!(sifted(&datagram), datagram);
        }
    }

    #[test]
    fn a_forged_record_does_not_take_its_neighbours_along() {
        let alert = record(21, 0, &[2, 40]);
        let sealed = record(22, 1, b"finished");
        let unified = vec![0x2e, 1, 2, 0, 3, 9, 9, 9];
        let datagram = [&alert[..], &sealed, &alert, &unified, &alert].concat();
        assert_eq!(sifted(&datagram), [sealed, unified].concat());
    }

    #[test]
    fn what_is_cut_short_ends_the_datagram() {
        let sealed = record(22, 1, b"finished");
        let unified = [0x2e, 1, 2, 0, 3, 9, 9, 9];
        for cut in 1..sealed.len() {
            assert_eq!(sifted(&[&sealed[..], &sealed[..cut]].concat()), sealed);
        }
        for cut in 1..unified.len() {
            assert_eq!(sifted(&[&sealed[..], &unified[..cut]].concat()), sealed);
        }
        // With a connection id.
        assert_eq!(sifted(&[&sealed[..], &[0x3e, 1, 2, 0, 0]].concat()), sealed);
    }
}
