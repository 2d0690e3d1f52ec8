//! One connection of a bot: its socket, what it sends, what it receives.

use std::io::{IoSlice, IoSliceMut};
use std::net::UdpSocket;
use std::os::fd::AsRawFd;
use std::time::Duration;

use nix::cmsg_space;
use nix::errno::Errno;
use nix::sys::socket::sockopt::{RcvBuf, ReceiveTimestampns, UdpGroSegment};
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, SockaddrIn, recvmsg, sendmsg, setsockopt};
use nix::sys::time::TimeSpec;
use rtcp::receiver_report::ReceiverReport;
use rtcp::sender_report::SenderReport;
use webrtc_srtp::context::Context;

use crate::bot::Problem;
use crate::bot::connection::{Check, Keys};
use crate::media::clock::system_nanos;
use crate::media::mix::STREAMS;
use crate::media::offer::{ExtensionIds, Line};
use crate::media::receiver::{Receiver, Wish};
use crate::media::seal::Sealer;
use crate::media::sender::{RUN_BYTES_MAX, Run, Sender};
use crate::media::tally::Tally;

/// Messages of one leg that are taken before the next leg has its turn.
const MESSAGES_PER_TURN: usize = 32;

/// What the kernel may hold of one leg. A bot that sleeps a tenth of a second loses nothing by it.
const KERNEL_BUFFER_BYTES: usize = 1024 * 1024;

/// Seconds from the beginning of 1900, where NTP begins, to that of 1970.
const NTP_EPOCH: u64 = 2_208_988_800;

/// Whose connection it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    pub visit: u32,
    pub seat: u8,
}

/// What it takes to make a leg.
pub struct Terms {
    pub place: Place,
    pub socket: UdpSocket,
    pub keys: Keys,
    /// None where the server wants no checks.
    pub check: Option<Check>,
    /// The SSRCs of what it sends; none if it only receives.
    pub sends: Option<([u32; STREAMS], ExtensionIds)>,
    pub lines: Vec<Line>,
    /// The extension by which the server numbers packets to us, if it does: then it is told what arrived.
    pub transport_cc: Option<u8>,
    /// When the offer was posted, in nanoseconds of the system's clock, if others wait for its first packet.
    pub offered: Option<u64>,
}

/// A connection that is driven by the engine.
pub struct Leg {
    pub place: Place,
    pub socket: UdpSocket,
    control: Context,
    check: Option<Check>,
    sender: Option<Sender>,
    receiver: Receiver,
    /// Who signs its control packets.
    ssrc: u32,
}

/// Memory that all legs of an engine share: one is served at a time.
pub struct Room {
    receive: Vec<u8>,
    ancillary: Vec<u8>,
    send: Vec<u8>,
    control: Vec<u8>,
}

impl Room {
    /// With joined datagrams a message may be 64 KiB.
    pub fn new(joins: bool) -> Room {
        Room {
            receive: vec![0; if joins { 65_536 } else { 2_048 }],
            ancillary: cmsg_space!(TimeSpec, i32),
            send: vec![0; RUN_BYTES_MAX],
            control: Vec::with_capacity(1_500),
        }
    }
}

impl Leg {
    pub fn new(terms: Terms, joins: bool) -> Result<Leg, Problem> {
        let Terms { place, socket, keys, check, sends, lines, transport_cc, .. } = terms;
        socket.set_nonblocking(true)?;
        setsockopt(&socket, ReceiveTimestampns, &true)?;
        setsockopt(&socket, RcvBuf, &KERNEL_BUFFER_BYTES)?;
        if joins {
            setsockopt(&socket, UdpGroSegment, &true)?;
        }
        let ssrc = sends.map_or_else(|| lines.first().map_or(1, |line| !line.ssrc), |(ssrcs, _)| ssrcs[0]);
        let sender = match sends {
            Some((ssrcs, ids)) => Some(Sender::new(place.visit, place.seat, ssrcs, ids, Sealer::new(&keys)?)),
            None => None,
        };
        let receiver = Receiver::new(place.visit, keys.opening()?, lines, transport_cc);
        Ok(Leg { place, socket, control: keys.sealing()?, check, sender, receiver, ssrc })
    }

    /// Somebody took this seat of the same visit anew.
    pub fn await_seat(&mut self, seat: u8, offered: u64) {
        self.receiver.await_seat(seat, offered);
    }

    pub fn sends(&self) -> bool {
        self.sender.is_some()
    }

    pub fn send_sound(&mut self, room: &mut Room, tally: &mut Tally) -> Result<(), Problem> {
        let Some(sender) = &mut self.sender else { return Ok(()) };
        let run = sender.sound(system_nanos(), &mut room.send)?;
        self.send_run(&run, room, tally)
    }

    pub fn send_frame(&mut self, room: &mut Room, tally: &mut Tally) -> Result<(), Problem> {
        let Some(sender) = &mut self.sender else { return Ok(()) };
        let run = sender.frame(system_nanos(), &mut room.send)?;
        self.send_run(&run, room, tally)
    }

    fn send_run(&self, run: &Run, room: &Room, tally: &mut Tally) -> Result<(), Problem> {
        let cut = [ControlMessage::UdpGsoSegments(&run.segment)];
        let ancillary = if run.packets > 1 { &cut[..] } else { &[] };
        let bytes = [IoSlice::new(&room.send[..run.bytes])];
        match sendmsg::<SockaddrIn>(self.socket.as_raw_fd(), &bytes, ancillary, MsgFlags::MSG_DONTWAIT, None) {
            Ok(_) => tally.sent += run.packets,
            // The server has gone, or the kernel is full: the packets are lost, and missed by who counts them.
            Err(Errno::ECONNREFUSED | Errno::EAGAIN | Errno::ENOBUFS) => {}
            Err(error) => return Err(format!("sending: {error}").into()),
        }
        Ok(())
    }

    /// Keeps consent fresh (RFC 7675).
    pub fn send_check(&mut self) -> Result<(), Problem> {
        if let Some(check) = &self.check {
            // What cannot be sent now is sent the next time.
            let _ = self.socket.send(&check.request()?);
        }
        Ok(())
    }

    /// Tells what arrived.
    pub fn send_arrivals(&mut self, room: &mut Room) -> Result<(), Problem> {
        let media = self.receiver.any_ssrc();
        if self.receiver.arrivals.write(self.ssrc, media, &mut room.control).is_some() {
            let sealed = self.control.encrypt_rtcp(&room.control)?;
            let _ = self.socket.send(&sealed);
        }
        Ok(())
    }

    /// Sender and receiver reports.
    pub fn send_reports(&mut self) -> Result<(), Problem> {
        let now = system_nanos();
        let blocks = self.receiver.reports(now);
        let mut packets: Vec<Box<dyn rtcp::packet::Packet + Send + Sync>> = Vec::new();
        let ntp_time = ((now / 1_000_000_000 + NTP_EPOCH) << 32) | (((now % 1_000_000_000) << 32) / 1_000_000_000);
        for (number, sent) in self.sender.iter().flat_map(Sender::reports).enumerate() {
            let reports = if number == 0 { blocks.clone() } else { Vec::new() };
            packets.push(Box::new(SenderReport {
                ssrc: sent.ssrc,
                ntp_time,
                rtp_time: sent.timestamp,
                packet_count: sent.packets,
                octet_count: sent.octets,
                reports,
                ..SenderReport::default()
            }));
        }
        if packets.is_empty() {
            packets.push(Box::new(ReceiverReport { ssrc: self.ssrc, reports: blocks, ..ReceiverReport::default() }));
        }
        let sealed = self.control.encrypt_rtcp(&rtcp::packet::marshal(&packets)?)?;
        let _ = self.socket.send(&sealed);
        Ok(())
    }

    /// Takes some of what waits at its socket.
    pub fn receive(&mut self, room: &mut Room, tally: &mut Tally) -> Result<(), Problem> {
        for _ in 0..MESSAGES_PER_TURN {
            let mut bytes = [IoSliceMut::new(&mut room.receive)];
            let received =
                recvmsg::<SockaddrIn>(self.socket.as_raw_fd(), &mut bytes, Some(&mut room.ancillary), MsgFlags::MSG_DONTWAIT);
            let (len, mut at, mut segment) = match received {
                Err(Errno::EAGAIN) => break,
                // An ICMP answer to something that was sent.
                Err(Errno::ECONNREFUSED) => continue,
                Err(error) => return Err(format!("receiving: {error}").into()),
                Ok(message) => {
                    let (mut at, mut segment) = (0, 0);
                    for ancillary in message.cmsgs()? {
                        if let ControlMessageOwned::ScmTimestampns(time) = ancillary {
                            at = Duration::from(time).as_nanos() as u64;
                        } else if let ControlMessageOwned::UdpGroSegments(size) = ancillary {
                            segment = usize::try_from(size).unwrap_or(0);
                        }
                    }
                    (message.bytes, at, segment)
                }
            };
            if at == 0 {
                at = system_nanos();
            }
            if segment == 0 {
                segment = len.max(1);
            }
            for datagram in room.receive[..len].chunks(segment) {
                self.take(datagram, at, tally);
            }
        }
        Ok(())
    }

    fn take(&mut self, datagram: &[u8], at: u64, tally: &mut Tally) {
        let [first, second, ..] = datagram else { return };
        // RFC 7983 §7, RFC 5761 §4.
        match (first, second & 0x7f) {
            (128..=191, 64..=95) => self.receiver.rtcp(datagram, at, |Wish::Keyframe(ssrc)| {
                let own = self.sender.as_mut().is_some_and(|sender| sender.keyframe_wanted(ssrc));
                tally.keyframes_asked += u64::from(own);
            }),
            (128..=191, _) => self.receiver.rtp(datagram, at, tally),
            _ => {}
        }
    }
}
