//! Simulcast (RFC 8853) by rid (RFC 8851): which encodings a peer sends, and which is the smallest.

use super::OfferError;
use crate::base::limits::LAYERS;
use crate::link::terms::Rid;

/// The longest rid that the one-byte header extension form carries (RFC 8285 §4.2).
const RID_MAX: usize = 16;

/// Names in one `a=simulcast:send`, alternatives included. Browsers write as many as encodings; eight thousand
/// would each be looked for among a thousand rids.
const NAMES_MAX: usize = 16;

/// `a=rid` and `a=simulcast` of one section.
#[derive(Default)]
pub(super) struct Simulcast<'a> {
    /// Of `a=rid:<id> send <restrictions>`.
    rids: Vec<(&'a str, &'a str)>,
    /// Of `a=simulcast:send <encodings>`.
    send: Option<&'a str>,
}

impl<'a> Simulcast<'a> {
    /// `a=rid:q send pt=96;max-width=320`
    pub(super) fn rid(&mut self, value: &'a str) {
        let mut words = value.splitn(3, ' ');
        if let (Some(id), Some("send")) = (words.next(), words.next()) {
            self.rids.push((id, words.next().unwrap_or_default()));
        }
    }

    /// `a=simulcast:send q;~h;f recv x`
    pub(super) fn simulcast(&mut self, value: &'a str) {
        let mut words = value.split_ascii_whitespace();
        while let (Some(direction), Some(encodings)) = (words.next(), words.next()) {
            if direction == "send" {
                self.send = Some(encodings);
            }
        }
    }

    /// The encodings with this payload type, in the order of the offer, each with its layer; none without
    /// simulcast.
    ///
    /// Which is the smallest? `max-width` says so where every encoding has its own. So do the names q, h and f
    /// (quarter, half, full). Otherwise the first is: RFC 8853 §5.2 has the preferred one first and says
    /// nothing of sizes, but a browser that is given no scale makes the first of n smallest (webrtc-pc,
    /// "addTransceiver": scaleResolutionDownBy is 2^(n−1−index)). An encoding that starts paused (`~`) counts
    /// like any other: it may start whenever its sender likes.
    pub(super) fn encodings(&self, payload_type: u8, line: usize) -> Result<Vec<Rid>, OfferError> {
        let send = self.send.unwrap_or_default();
        if send.split([';', ',']).count() > NAMES_MAX {
            return Err(OfferError::TooManyEncodings { line });
        }
        let mut chosen: Vec<(&str, &str)> = Vec::new();
        for encoding in send.split(';').filter(|encoding| !encoding.is_empty()) {
            if let Some(rid) = self.alternative(encoding, payload_type, line)? {
                if chosen.iter().any(|&(id, _)| id == rid.0) {
                    return Err(OfferError::BadSimulcast { line });
                }
                if chosen.len() == LAYERS {
                    return Err(OfferError::TooManyEncodings { line });
                }
                chosen.push(rid);
            }
        }
        let widths: Option<Vec<u32>> = chosen.iter().map(|&(_, restrictions)| max_width(restrictions)).collect();
        let names: Option<Vec<u32>> = chosen.iter().map(|&(id, _)| size_of(id)).collect();
        let sizes = widths.filter(|widths| distinct(widths)).or(names);
        let layer = |at: usize, order: u8| match &sizes {
            Some(sizes) => sizes.iter().filter(|&&other| other < sizes[at]).map(|_| 1).sum(),
            None => order,
        };
        let rids = (0u8..).zip(chosen.iter().enumerate());
        Ok(rids.map(|(order, (at, &(id, _)))| Rid { id: id.to_owned(), layer: layer(at, order) }).collect())
    }

    /// The first of an encoding's alternatives (`a,b`) that may have this payload type.
    fn alternative(&self, encoding: &str, payload_type: u8, line: usize) -> Result<Option<(&'a str, &'a str)>, OfferError> {
        for name in encoding.split(',') {
            let name = name.strip_prefix('~').unwrap_or(name);
            let mut known = self.rids.iter().filter(|&&(id, _)| id == name);
            let (Some(&rid), None) = (known.next(), known.next()) else { return Err(OfferError::BadSimulcast { line }) };
            // RFC 8851 §10: letters and digits; older offers also have '-' and '_'.
            let spelled = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
            if !spelled || name.len() > RID_MAX {
                return Err(OfferError::BadSimulcast { line });
            }
            if allows(rid.1, payload_type) {
                return Ok(Some(rid));
            }
        }
        Ok(None)
    }
}

fn restriction<'a>(restrictions: &'a str, name: &str) -> Option<&'a str> {
    restrictions.split(';').find_map(|one| one.trim().strip_prefix(name)?.strip_prefix('='))
}

fn allows(restrictions: &str, payload_type: u8) -> bool {
    restriction(restrictions, "pt").is_none_or(|list| list.split(',').any(|one| one.parse() == Ok(payload_type)))
}

/// What the names of our own page say.
fn size_of(id: &str) -> Option<u32> {
    match id {
        "q" => Some(0),
        "h" => Some(1),
        "f" => Some(2),
        _ => None,
    }
}

fn max_width(restrictions: &str) -> Option<u32> {
    restriction(restrictions, "max-width")?.parse().ok()
}

fn distinct(sizes: &[u32]) -> bool {
    sizes.iter().enumerate().all(|(at, size)| !sizes[..at].contains(size))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encodings(rids: &[&str], simulcast: &str) -> Result<Vec<(String, u8)>, OfferError> {
        let mut offered = Simulcast::default();
        for rid in rids {
            offered.rid(rid);
        }
        offered.simulcast(simulcast);
        Ok(offered.encodings(96, 4)?.into_iter().map(|rid| (rid.id, rid.layer)).collect())
    }

    fn layers(rids: &[&str], simulcast: &str) -> Vec<(String, u8)> {
        encodings(rids, simulcast).unwrap()
    }

    fn named(expected: &[(&str, u8)]) -> Vec<(String, u8)> {
        expected.iter().map(|&(id, layer)| (id.to_owned(), layer)).collect()
    }

    #[test]
    fn layer_0_is_the_smallest_by_width_then_by_name_then_by_order() {
        let qhf = ["q send", "h send", "f send"];
        for (rids, simulcast, expected) in [
            (&qhf, "send q;h;f", &[("q", 0), ("h", 1), ("f", 2)][..]),
            (&qhf, "send f;h;q", &[("f", 2), ("h", 1), ("q", 0)]),
            (&qhf, "send h;f", &[("h", 0), ("f", 1)]),
            (&qhf, "recv q send ~f;q", &[("f", 1), ("q", 0)]),
            (&["a send", "b send", "c send"], "send c;a;b", &[("c", 0), ("a", 1), ("b", 2)]),
            (
                &["a send max-width=640", "b send max-width=320", "c send max-width=1280"],
                "send a;b;c",
                &[("a", 1), ("b", 0), ("c", 2)],
            ),
            (&["q send max-width=640", "h send max-width=320", "f send"], "send q;h;f", &[("q", 0), ("h", 1), ("f", 2)]),
            (&["a send pt=97", "b send pt=96,97", "c send"], "send a,b;c", &[("b", 0), ("c", 1)]),
            (&["a send pt=97", "b send", "c send"], "send a;c", &[("c", 0)]),
        ] {
            assert_eq!(layers(rids, simulcast), named(expected), "{simulcast}");
        }
    }

    #[test]
    fn no_simulcast_is_no_encodings() {
        for simulcast in ["", "recv q", "send", "q;h;f"] {
            assert_eq!(layers(&["q send"], simulcast), [], "{simulcast}");
        }
    }

    #[test]
    fn encodings_that_are_unknown_repeated_or_too_many_are_refused() {
        let bad = Err(OfferError::BadSimulcast { line: 4 });
        let long = format!("{} send", "x".repeat(17));
        for (rids, simulcast) in [
            (&["q send"][..], "send q;h"),
            (&["q send"], "send q;q"),
            (&["q recv"], "send q"),
            (&["q send", "q send"], "send q"),
            (&["q! send"], "send q!"),
            (&[&long], &format!("send {}", "x".repeat(17))),
        ] {
            assert_eq!(encodings(rids, simulcast), bad, "{simulcast}");
        }
        assert_eq!(
            encodings(&["a send", "b send", "c send", "d send"], "send a;b;c;d"),
            Err(OfferError::TooManyEncodings { line: 4 })
        );
    }
}
