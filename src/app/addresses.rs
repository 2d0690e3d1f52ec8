//! Which addresses media is received on, and which ones browsers are told.

use std::net::{IpAddr, SocketAddr};

use super::Failure;
use crate::config::{Advertise, Media};

/// More would make offers long without helping anybody.
const ADDRESSES_MAX: usize = 8;

/// What the configuration names, or all that others can reach.
pub(super) fn to_listen_on(media: &Media) -> Result<Vec<IpAddr>, Failure> {
    match media.addresses.as_slice() {
        [] => of_this_machine(Loopback::Excluded),
        named => Ok(named.to_vec()),
    }
}

/// The addresses of this machine's interfaces that others can reach; with loopback ones too if `loopback` says so.
pub(super) fn of_this_machine(loopback: Loopback) -> Result<Vec<IpAddr>, Failure> {
    let interfaces = if_addrs::get_if_addrs().map_err(|error| {
        Failure::new(format!("the addresses of this machine cannot be listed: {error}"), "name them in media.addresses")
    })?;
    let mut addresses: Vec<IpAddr> = interfaces
        .iter()
        .map(if_addrs::Interface::ip)
        .filter(|address| !is_link_local(*address) && (loopback == Loopback::Included || !address.is_loopback()))
        .collect();
    addresses.sort();
    addresses.dedup();
    addresses.truncate(ADDRESSES_MAX);
    if addresses.is_empty() {
        return Err(Failure::new("this machine has no address but loopback ones", "name one in media.addresses"));
    }
    Ok(addresses)
}

/// Whether browsers on this very machine are to be served.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Loopback {
    Included,
    Excluded,
}

fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    }
}

/// The candidates of worker `worker`: what it listens on, or what stands in front of it.
pub(super) fn candidates(worker: u16, listening: &[SocketAddr], advertise: &[Advertise]) -> Vec<SocketAddr> {
    let Some(inside) = listening.first() else { return Vec::new() };
    if advertise.is_empty() {
        return listening.to_vec();
    }
    advertise
        .iter()
        .map(|outside| {
            SocketAddr::new(outside.address, outside.first_port.map_or(inside.port(), |first| first.saturating_add(worker)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_front_replaces_what_is_listened_on() {
        let inside: SocketAddr = "192.0.2.10:40001".parse().unwrap();
        let outside: IpAddr = "203.0.113.7".parse().unwrap();
        for (advertise, expected) in [
            (vec![], "192.0.2.10:40001"),
            (vec![Advertise { address: outside, first_port: None }], "203.0.113.7:40001"),
            (vec![Advertise { address: outside, first_port: Some(50_000) }], "203.0.113.7:50001"),
        ] {
            assert_eq!(candidates(1, &[inside], &advertise), [expected.parse::<SocketAddr>().unwrap()]);
        }
    }

    #[test]
    fn loopback_is_told_only_when_asked_for() {
        assert!(of_this_machine(Loopback::Included).unwrap().iter().any(IpAddr::is_loopback));
        if let Ok(addresses) = of_this_machine(Loopback::Excluded) {
            assert!(!addresses.iter().any(IpAddr::is_loopback));
        }
    }
}
