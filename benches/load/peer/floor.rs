//! The bare loop of `benches/floor`, with the same bots: nobody shakes hands, keys are handed over.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::process::{Child, Command, Stdio};

use webrtc_dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use webrtc_srtp::protection_profile::ProtectionProfile;

use crate::bot::Problem;
use crate::bot::connection::Keys;
use crate::media::leg::{Place, Terms};
use crate::media::mix::{SEATS, TOP};
use crate::media::offer::{IDS, Kind, Line};
use crate::peer::ssrcs;
use crate::server::pin::Pinned;

/// The argument by which this program is the loop.
pub const ARGUMENT: &str = "--floor-loop";

/// The loop as a process.
pub struct Floor {
    child: Child,
}

impl Floor {
    /// Starts it on these processors with so many visits, and the bots' legs to it.
    pub fn start(visits: u32, processors: &[usize]) -> Result<(Floor, Vec<Terms>), Problem> {
        let pinned = Pinned::to(processors)?;
        let mut child =
            Command::new(std::env::current_exe()?).arg(ARGUMENT).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        drop(pinned);
        let (mut orders, said) = (child.stdin.take().ok_or("no stdin")?, child.stdout.take().ok_or("no stdout")?);
        let mut port = String::new();
        BufReader::new(said).read_line(&mut port)?;
        let server = SocketAddr::from((Ipv4Addr::LOCALHOST, port.trim().parse()?));

        let mut legs = Vec::new();
        for visit in 0..visits {
            for seat in 0..SEATS {
                let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
                socket.connect(server)?;
                let keys = Keys {
                    profile: SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm,
                    cipher: ProtectionProfile::AeadAes128Gcm,
                    ours: secrets()?,
                    theirs: secrets()?,
                };
                let hex = |bytes: &[u8]| data_encoding::HEXLOWER.encode(bytes);
                let secrets = [&keys.ours.0, &keys.ours.1, &keys.theirs.0, &keys.theirs.1].map(|bytes| hex(bytes));
                writeln!(orders, "seat {} {}", socket.local_addr()?, secrets.join(" "))?;
                let lines = (0..SEATS).filter(|&from| from != seat).flat_map(|from| {
                    let ssrcs = ssrcs(visit, from);
                    [Line { ssrc: ssrcs[0], kind: Kind::Audio, from }, Line { ssrc: ssrcs[1 + TOP], kind: Kind::Video, from }]
                });
                legs.push(Terms {
                    place: Place { visit, seat },
                    socket,
                    keys,
                    check: None,
                    sends: Some((ssrcs(visit, seat), IDS)),
                    lines: lines.collect(),
                    transport_cc: None,
                    offered: None,
                });
            }
        }
        writeln!(orders, "go")?;
        child.stdin = Some(orders);
        Ok((Floor { child }, legs))
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

fn secrets() -> Result<(Vec<u8>, Vec<u8>), Problem> {
    let (mut key, mut salt) = (vec![0; 16], vec![0; 12]);
    getrandom::fill(&mut key)?;
    getrandom::fill(&mut salt)?;
    Ok((key, salt))
}

impl Drop for Floor {
    fn drop(&mut self) {
        // It ends when nobody can tell it anything any more.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
