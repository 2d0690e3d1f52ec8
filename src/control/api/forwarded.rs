//! Who asks, when somebody else brings the question: a proxy in front of this server.

use std::net::IpAddr;

use axum::http::HeaderMap;

use super::server::Limits;
use crate::control::words::Network;

const HEADER: &str = "x-forwarded-for";

/// The network of who asks. Each proxy adds on the right whom it was asked by, so that what stands left of the first
/// one that is not ours was said by a stranger and may be anything.
pub(super) fn asker(peer: IpAddr, headers: &HeaderMap, limits: &Limits) -> Network {
    let mut asker = peer;
    let said = headers.get_all(HEADER).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    let said: Vec<&str> = said.map(str::trim).collect();
    for said in said.iter().rev() {
        if !limits.trusts(asker) {
            break;
        }
        match said.parse() {
            Ok(address) => asker = address,
            // A proxy that says nothing we can read has asked for itself.
            Err(_) => break,
        }
    }
    Network::of(asker)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_proxy_of_ours_is_believed_and_only_about_whom_it_heard() {
        let limits =
            Limits { trusted_proxies: vec!["10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap()], ..Limits::default() };
        for (peer, said, asker) in [
            ("192.0.2.1", &[][..], "192.0.2.1"),
            ("192.0.2.1", &["203.0.113.9"], "192.0.2.1"),
            ("10.0.0.1", &["203.0.113.9"], "203.0.113.9"),
            ("::ffff:10.0.0.1", &["203.0.113.9"], "203.0.113.9"),
            ("10.0.0.1", &["198.51.100.1, 203.0.113.9"], "203.0.113.9"),
            ("10.0.0.1", &["198.51.100.1", "203.0.113.9, 10.0.0.2"], "203.0.113.9"),
            ("10.0.0.1", &["203.0.113.9, nonsense"], "10.0.0.1"),
            ("10.0.0.1", &[], "10.0.0.1"),
        ] {
            let mut headers = HeaderMap::new();
            for said in said {
                headers.append(HEADER, said.parse().unwrap());
            }
            let found = super::asker(peer.parse().unwrap(), &headers, &limits);
            assert!(found == Network::of(asker.parse().unwrap()), "{peer} {said:?}");
        }
    }
}
