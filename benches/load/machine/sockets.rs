//! Datagrams that the kernel threw away at a process's own sockets, because it did not read them in time.

use std::collections::BTreeSet;

use procfs::process::{FDTarget, Process};

use crate::bot::Problem;
use crate::machine::process::Server;

/// How many, at the UDP sockets that these processes have open now.
pub fn drops(of: &Server) -> Result<u64, Problem> {
    let mut own = BTreeSet::new();
    for &pid in of.pids() {
        for descriptor in Process::new(pid)?.fd()?.flatten() {
            if let FDTarget::Socket(inode) = descriptor.target {
                own.insert(inode);
            }
        }
    }
    let mut sum = 0;
    for table in ["/proc/net/udp", "/proc/net/udp6"] {
        // A machine without IPv6 has but one.
        let text = std::fs::read_to_string(table).unwrap_or_default();
        sum += sockets(&text).filter(|(inode, _)| own.contains(inode)).map(|(_, drops)| drops).sum::<u64>();
    }
    Ok(sum)
}

/// Inode and drops of each line of the kernel's table (proc_pid_net(5): the tenth column and the last).
fn sockets(table: &str) -> impl Iterator<Item = (u64, u64)> {
    table.lines().skip(1).filter_map(|line| {
        let columns: Vec<&str> = line.split_ascii_whitespace().collect();
        Some((columns.get(9)?.parse().ok()?, columns.last()?.parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str =
        "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  123: 0100007F:A3D0 0100007F:9C40 01 00000000:00000300 00:00000000 00000000     0        0 4711 2 0000000000000000 12
  124: 00000000:9C40 00000000:0000 07 00000000:00000000 00:00000000 00000000   998        0 4712 2 0000000000000000 0
";

    #[test]
    fn a_line_of_the_kernels_table_gives_inode_and_drops() {
        assert_eq!(sockets(TABLE).collect::<Vec<_>>(), [(4_711, 12), (4_712, 0)]);
    }

    #[test]
    fn a_socket_that_nobody_reads_drops() {
        let receiver = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        nix::sys::socket::setsockopt(&receiver, nix::sys::socket::sockopt::RcvBuf, &4_096).unwrap();
        let sender = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        sender.connect(receiver.local_addr().unwrap()).unwrap();
        let this = Server::this().unwrap();
        let before = drops(&this).unwrap();
        for _ in 0..100 {
            sender.send(&[0; 1_000]).unwrap();
        }
        assert!(drops(&this).unwrap() > before);
    }
}
