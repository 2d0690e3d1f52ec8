//! What must hold of every answer, whatever the offer: the body of the fuzz target and of the property tests.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use super::line::{Direction, Line, Session};
use super::text::Description;
use super::{LocalMedia, Negotiated, answer, restart};
use crate::base::Seat;
use crate::link::Fingerprint;
use crate::link::terms::Ssrc;

/// Whatever the bytes, taken for an offer and for a fragment: an error, or an answer that agrees with it and its terms.
pub fn sdp(data: &[u8]) {
    let Ok(offer) = std::str::from_utf8(data) else { return };
    let local = LocalMedia { fingerprint: Fingerprint([7; 32]), candidates: vec![SocketAddr::from(([192, 0, 2, 1], 5004))] };
    let mut next = 0u8;
    let mut random = |bytes: &mut [u8]| bytes.fill_with(|| (next = next.wrapping_mul(37).wrapping_add(11), next).1);
    if let Ok(negotiated) = answer(offer, Seat::PROVIDER, &local, &mut random) {
        agrees(offer, &negotiated);
    }
    if let Ok(restarted) = restart(offer, &local, &mut random) {
        let read = restart(&restarted.answer, &local, &mut random).expect("an answered fragment is one");
        assert_eq!(read.remote, restarted.local, "and says what we take checks with");
    }
}

/// Panics unless the answer can be read by our own parser and says what the terms say.
fn agrees(offer: &str, negotiated: &Negotiated) {
    let (offer, answer) = (read(offer), read(&negotiated.answer));
    let terms = &negotiated.terms;
    assert_eq!(offer.lines.len(), answer.lines.len(), "every line has its answer");

    let (mut inbound, mut outbound) = (terms.inbound.iter(), terms.outbound.iter());
    let mut bundled = Vec::new();
    for (asked, said) in offer.lines.iter().zip(&answer.lines) {
        assert_eq!(asked.mid, said.mid);
        assert_eq!((asked.heading.kind, asked.heading.protocol), (said.heading.kind, said.heading.protocol));
        let Some(rtp) = &said.rtp else { continue };
        bundled.push(said.mid.as_str());
        assert_eq!(said.transport.setup, Some("passive"));
        assert_eq!(said.transport.ufrag, Some(terms.local.ufrag.as_str()));
        let asked = asked.rtp.as_ref().expect("only what was offered is taken");
        let chosen = || rtp.codecs.vp8(said.number).ok().flatten().or(rtp.codecs.opus()).expect("a taken line has a codec");
        match rtp.direction {
            Direction::RecvOnly => {
                assert!(matches!(asked.direction, Direction::SendOnly | Direction::SendRecv));
                let line = inbound.next().expect("a line that we receive is in the terms");
                assert_eq!(
                    (&line.mid, line.payload_type, line.rtx_payload_type, line.red_payload_type),
                    (&said.mid, chosen().payload_type, chosen().rtx, chosen().red)
                );
                assert!(line.rids.iter().enumerate().all(|(at, rid)| usize::from(rid.layer) == at), "smallest first");
            }
            Direction::SendOnly => {
                assert_eq!(asked.direction, Direction::RecvOnly);
                let line = outbound.next().expect("a line that we send is in the terms");
                assert_eq!(
                    (&line.mid, line.payload_type, line.rtx_payload_type, line.red_payload_type),
                    (&said.mid, chosen().payload_type, chosen().rtx, chosen().red)
                );
                let ours: Vec<Ssrc> = [Some(line.ssrc), line.rtx_ssrc].into_iter().flatten().collect();
                assert_eq!(rtp.ssrcs, ours);
            }
            Direction::Inactive => assert_eq!(asked.direction, Direction::Inactive),
            Direction::SendRecv => panic!("no line does both"),
        }
    }
    assert!(inbound.next().is_none() && outbound.next().is_none(), "the terms hold nothing that was not answered");
    assert_eq!(answer.bundle.unwrap_or_default().split_ascii_whitespace().collect::<Vec<_>>(), bundled);

    let offered: BTreeSet<u32> = offer.ssrcs().collect();
    let ours: Vec<u32> = answer.ssrcs().collect();
    assert_eq!(ours.iter().collect::<BTreeSet<_>>().len(), ours.len(), "our SSRCs are distinct");
    assert!(ours.iter().all(|ssrc| !offered.contains(ssrc)), "and none is the offer's");
    let message = postcard::to_stdvec(terms).expect("terms have a wire form");
    assert!(message.len() < crate::base::limits::LINK_MESSAGE_MAX / 2, "terms fit the link");
}

/// A description as lines.
struct Read<'a> {
    lines: Vec<Line<'a>>,
    bundle: Option<&'a str>,
}

impl Read<'_> {
    fn ssrcs(&self) -> impl Iterator<Item = u32> {
        self.lines.iter().filter_map(|line| line.rtp.as_ref()).flat_map(|rtp| rtp.ssrcs.iter().map(|ssrc| ssrc.0))
    }
}

fn read(text: &str) -> Read<'_> {
    let description = Description::parse(text).expect("an answered offer and its answer are SDP");
    let session = Session::read(&description.session);
    let lines = (1..).zip(&description.media).map(|(number, section)| Line::read(section, number, &session));
    Read { bundle: session.bundle, lines: lines.collect::<Result<_, _>>().expect("and so are their lines") }
}
