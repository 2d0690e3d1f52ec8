//! A worker's sockets: one per address, so that an answer leaves from the address that was asked.
#![forbid(unsafe_code)]

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::AsFd;

use socket2::{Domain, Protocol, Socket, Type};

use super::sys;

/// Bytes that the kernel may hold for us in each direction. At 150 visits this is some ten milliseconds of
/// packets: less would lose bursts while a turn is busy, more would only deliver them too late to be of use.
/// The kernel grants at most net.core.rmem_max and wmem_max.
const KERNEL_BUFFER_BYTES: usize = 4 * 1024 * 1024;

/// How often a port that the system chose is given back because another address has it in use.
const PORT_TRIES: usize = 16;

/// One socket per address, all on `port`. With port 0 the system chooses, one port for all addresses where
/// one is free on all of them, else one for each.
pub fn bind(addresses: &[IpAddr], port: u16) -> io::Result<Vec<UdpSocket>> {
    let all_on = |port: u16| addresses.iter().map(|&address| open(SocketAddr::new(address, port))).collect();
    let Some((&first, others)) = addresses.split_first() else { return Err(io::ErrorKind::InvalidInput.into()) };
    if port != 0 || others.is_empty() {
        return all_on(port);
    }
    for _ in 0..PORT_TRIES {
        let socket = open(SocketAddr::new(first, 0))?;
        let port = socket.local_addr()?.port();
        let rest: io::Result<Vec<UdpSocket>> = others.iter().map(|&address| open(SocketAddr::new(address, port))).collect();
        match rest {
            Ok(rest) => return Ok(std::iter::once(socket).chain(rest).collect()),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            Err(error) => return Err(error),
        }
    }
    all_on(0)
}

/// One socket: it never waits, takes joined datagrams and knows when they came, and an IPv6 one takes IPv6 only.
fn open(address: SocketAddr) -> io::Result<UdpSocket> {
    // Answers from a wildcard address leave from whichever address the route prefers, which ICE would refuse.
    if address.ip().is_unspecified() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "a media address must be one of this machine's own, not a wildcard",
        ));
    }
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM.nonblocking().cloexec(), Some(Protocol::UDP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_recv_buffer_size(KERNEL_BUFFER_BYTES)?;
    socket.set_send_buffer_size(KERNEL_BUFFER_BYTES)?;
    sys::join_on_receive(socket.as_fd())?;
    sys::stamp_on_receive(socket.as_fd())?;
    socket.bind(&address.into())?;
    // The kernel counts its own overhead, and so answers with twice what it granted.
    let granted = socket.recv_buffer_size()? / 2;
    if granted < KERNEL_BUFFER_BYTES {
        tracing::warn!(
            granted,
            wanted = KERNEL_BUFFER_BYTES,
            "small receive buffer: raise net.core.rmem_max, or bursts will be lost under load"
        );
    }
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    #[test]
    fn all_addresses_share_one_port_that_the_system_chose() {
        let addresses = [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv4Addr::new(127, 0, 0, 2).into(), Ipv6Addr::LOCALHOST.into()];
        let sockets = bind(&addresses, 0).unwrap();
        let bound: Vec<SocketAddr> = sockets.iter().map(|socket| socket.local_addr().unwrap()).collect();
        assert_eq!(bound.iter().map(SocketAddr::ip).collect::<Vec<_>>(), addresses);
        assert!(bound.iter().all(|address| address.port() == bound[0].port() && address.port() != 0));
    }

    #[test]
    fn a_port_that_is_taken_is_an_error_and_not_another_port() {
        let first = bind(&[Ipv4Addr::LOCALHOST.into()], 0).unwrap();
        let port = first[0].local_addr().unwrap().port();
        let error = bind(&[Ipv4Addr::LOCALHOST.into()], port).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    }

    #[test]
    fn wildcards_and_no_address_at_all_are_refused() {
        for addresses in [&[][..], &[Ipv4Addr::UNSPECIFIED.into()], &[Ipv4Addr::LOCALHOST.into(), Ipv6Addr::UNSPECIFIED.into()]] {
            assert_eq!(bind(addresses, 0).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        }
    }
}
