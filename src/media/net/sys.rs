//! Every `unsafe` that speaks to the kernel: thin wrappers with a safe face and no policy.
//!
//! What to bind, how to group, when to fall back, what an error means: all of that is decided by the
//! callers in this folder. Here a call is only made, with arrays that were allocated once and whose
//! pointers are made anew right before the kernel reads them.
#![expect(unsafe_code, reason = "the one place for system calls that no safe crate offers: batches, segments, epoll, affinity")]

use std::io;
use std::marker::PhantomData;
use std::mem::{offset_of, size_of};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;
use std::time::Duration;

use libc::{c_int, c_uint, c_void, cmsghdr, iovec, mmsghdr, msghdr};

// ---------------------------------------------------------------------------------------------- receive

/// Bytes of one received message. With UDP_GRO the kernel joins datagrams of one sender into up to 64 KiB;
/// a smaller slot would cut them.
const MESSAGE_BYTES: usize = 64 * 1024;

/// Room for the messages of one `recvmmsg`.
pub struct ReceiveArrays {
    bytes: Vec<u8>,
    names: Vec<RawAddress>,
    controls: Vec<Control>,
    vectors: Vec<iovec>,
    headers: Vec<mmsghdr>,
}

/// One message: a datagram, or several of one sender that the kernel joined.
pub struct Received<'a> {
    /// None if the kernel gave an address that is neither IPv4 nor IPv6.
    pub from: Option<SocketAddr>,
    /// The length of each joined datagram but the last; none if the message is one datagram.
    pub segment: Option<usize>,
    /// When the kernel got it, by the wall clock, since 1970; none if nobody asked it to [`stamp_on_receive`].
    pub stamp: Option<Duration>,
    pub bytes: &'a mut [u8],
}

impl ReceiveArrays {
    /// Room for `messages` messages of 64 KiB. The kernel gives pages only to slots that are ever used.
    pub fn new(messages: usize) -> ReceiveArrays {
        ReceiveArrays {
            bytes: vec![0; messages * MESSAGE_BYTES],
            names: vec![RawAddress::EMPTY; messages],
            controls: vec![Control::EMPTY; messages],
            vectors: vec![EMPTY_VECTOR; messages],
            headers: vec![EMPTY_HEADER; messages],
        }
    }

    /// Takes what waits at `socket`, without waiting: how many messages.
    pub fn receive(&mut self, socket: BorrowedFd<'_>) -> io::Result<usize> {
        let slots = self.bytes.chunks_exact_mut(MESSAGE_BYTES).zip(&mut self.names).zip(&mut self.controls);
        let headers = self.vectors.iter_mut().zip(&mut self.headers);
        for (((slot, name), control), (vector, header)) in slots.zip(headers) {
            *vector = iovec { iov_base: slot.as_mut_ptr().cast(), iov_len: slot.len() };
            *header = mmsghdr {
                msg_hdr: msghdr {
                    msg_name: ptr::from_mut(name).cast(),
                    msg_namelen: RawAddress::MAX,
                    msg_iov: vector,
                    msg_iovlen: 1,
                    msg_control: ptr::from_mut(control).cast(),
                    msg_controllen: size_of::<Control>(),
                    msg_flags: 0,
                },
                msg_len: 0,
            };
        }
        let count = c_uint::try_from(self.headers.len()).unwrap_or(c_uint::MAX);
        // SAFETY: the kernel writes through every pointer in `headers`. Each was just made from a unique borrow
        // of an element of an array of `self`, with that element's length; the arrays do not overlap, and `self`
        // is borrowed until the call returns. `count` is at most the length of `headers`. No timeout is passed.
        let received =
            unsafe { libc::recvmmsg(socket.as_raw_fd(), self.headers.as_mut_ptr(), count, libc::MSG_DONTWAIT, ptr::null_mut()) };
        usize::try_from(received).map_err(|_| io::Error::last_os_error())
    }

    /// Message `index` of those that the last [`ReceiveArrays::receive`] took.
    pub fn message(&mut self, index: usize) -> Option<Received<'_>> {
        let header = self.headers.get(index)?;
        let len = (header.msg_len as usize).min(MESSAGE_BYTES);
        let (mut segment, mut stamp) = (None, None);
        for piece in self.controls.get(index)?.pieces(header.msg_hdr.msg_controllen) {
            match piece {
                (libc::SOL_UDP, libc::UDP_GRO, value) => segment = segment_of(value),
                (libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS, value) => stamp = stamp_of(value),
                _ => {}
            }
        }
        Some(Received {
            from: self.names.get(index)?.decode(),
            segment,
            stamp,
            bytes: self.bytes.get_mut(index * MESSAGE_BYTES..index * MESSAGE_BYTES + len)?,
        })
    }
}

// ------------------------------------------------------------------------------------------------- send

/// Room for the messages of one `sendmmsg`.
pub struct SendArrays {
    names: Vec<RawAddress>,
    segments: Vec<Ancillary<u16>>,
    vectors: Vec<iovec>,
    messages: Vec<Message>,
    headers: Vec<mmsghdr>,
}

/// What of the arrays belongs to one message.
#[derive(Clone, Copy)]
struct Message {
    name_len: u32,
    datagrams: usize,
    segmented: bool,
}

impl SendArrays {
    /// Room for `datagrams` datagrams, each perhaps its own message.
    pub fn new(datagrams: usize) -> SendArrays {
        SendArrays {
            names: Vec::with_capacity(datagrams),
            segments: Vec::with_capacity(datagrams),
            vectors: Vec::with_capacity(datagrams),
            messages: Vec::with_capacity(datagrams),
            headers: Vec::with_capacity(datagrams),
        }
    }

    /// An empty batch of datagrams that stay where they are until it is gone.
    pub fn batch<'a>(&'a mut self) -> SendBatch<'a> {
        self.names.clear();
        self.segments.clear();
        self.vectors.clear();
        self.messages.clear();
        self.headers.clear();
        SendBatch { arrays: self, datagrams: PhantomData }
    }
}

/// Messages that point into someone's datagrams, for as long as it borrows them.
pub struct SendBatch<'a> {
    arrays: &'a mut SendArrays,
    datagrams: PhantomData<&'a [u8]>,
}

impl<'a> SendBatch<'a> {
    /// Adds one message. With `segment` the kernel cuts its bytes into datagrams of that length (UDP_SEGMENT).
    pub fn push(&mut self, to: SocketAddr, segment: Option<u16>, datagrams: impl Iterator<Item = &'a [u8]>) {
        let arrays = &mut *self.arrays;
        arrays.headers.clear();
        let (name, name_len) = RawAddress::encode(to);
        let before = arrays.vectors.len();
        // The kernel only reads what is sent; `iovec` has no const form.
        let vector = |bytes: &'a [u8]| iovec { iov_base: bytes.as_ptr().cast_mut().cast::<c_void>(), iov_len: bytes.len() };
        arrays.vectors.extend(datagrams.map(vector));
        arrays.names.push(name);
        arrays.segments.push(Ancillary::new(libc::SOL_UDP, libc::UDP_SEGMENT, segment.unwrap_or(0)));
        arrays.messages.push(Message { name_len, datagrams: arrays.vectors.len() - before, segmented: segment.is_some() });
    }

    /// How many messages there are.
    pub fn len(&self) -> usize {
        self.arrays.messages.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Sends the messages from number `first` on, without waiting: how many the kernel took. It stops before the
    /// first that it refuses, and says why only if that is number `first`.
    pub fn send(&mut self, socket: BorrowedFd<'_>, first: usize) -> io::Result<usize> {
        self.point();
        let Some(headers) = self.arrays.headers.get_mut(first..) else { return Ok(0) };
        let count = c_uint::try_from(headers.len()).unwrap_or(c_uint::MAX);
        // SAFETY: the kernel reads through every pointer in `headers`. `point` made them from elements of the arrays,
        // which nothing has touched since (`push` empties `headers`), and the vectors point into slices that were
        // borrowed for 'a, which this batch has not outlived. `count` is the length of `headers`, whose `msg_len`
        // fields alone are written.
        let sent =
            unsafe { libc::sendmmsg(socket.as_raw_fd(), headers.as_mut_ptr(), count, libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL) };
        usize::try_from(sent).map_err(|_| io::Error::last_os_error())
    }

    /// Makes the headers of all messages, if that is not done yet.
    fn point(&mut self) {
        let SendArrays { names, segments, vectors, messages, headers } = &mut *self.arrays;
        if headers.len() == messages.len() {
            return;
        }
        let mut rest = vectors.as_mut_slice();
        for ((message, name), segment) in messages.iter().zip(names).zip(segments) {
            let (own, others) = rest.split_at_mut(message.datagrams);
            rest = others;
            let msg_control = if message.segmented { ptr::from_mut(segment).cast() } else { ptr::null_mut() };
            headers.push(mmsghdr {
                msg_hdr: msghdr {
                    msg_name: ptr::from_mut(name).cast(),
                    msg_namelen: message.name_len,
                    msg_iov: own.as_mut_ptr(),
                    msg_iovlen: own.len(),
                    msg_control,
                    msg_controllen: if message.segmented { size_of::<Ancillary<u16>>() } else { 0 },
                    msg_flags: 0,
                },
                msg_len: 0,
            });
        }
    }
}

// ------------------------------------------------------------------------- what both directions are made of

const EMPTY_VECTOR: iovec = iovec { iov_base: ptr::null_mut(), iov_len: 0 };

const EMPTY_HEADER: mmsghdr = mmsghdr {
    msg_hdr: msghdr {
        msg_name: ptr::null_mut(),
        msg_namelen: 0,
        msg_iov: ptr::null_mut(),
        msg_iovlen: 0,
        msg_control: ptr::null_mut(),
        msg_controllen: 0,
        msg_flags: 0,
    },
    msg_len: 0,
};

/// One piece of ancillary data, laid out as cmsg(3) wants it: a header, then the value.
#[derive(Clone, Copy)]
#[repr(C)]
struct Ancillary<T> {
    header: cmsghdr,
    value: T,
}

impl<T> Ancillary<T> {
    const fn new(level: c_int, kind: c_int, value: T) -> Ancillary<T> {
        let header = cmsghdr { cmsg_len: size_of::<cmsghdr>() + size_of::<T>(), cmsg_level: level, cmsg_type: kind };
        Ancillary { header, value }
    }
}

// SAFETY: CMSG_LEN only computes with its argument.
const _: () = assert!(offset_of!(Ancillary<u16>, value) == unsafe { libc::CMSG_LEN(0) } as usize);
// SAFETY: CMSG_SPACE only computes with its argument.
const _: () = assert!(size_of::<Ancillary<u16>>() == unsafe { libc::CMSG_SPACE(2) } as usize);

/// Room for what the kernel says beside a received message: where it was joined, and when it came.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
struct Control([u8; Control::BYTES]);

// SAFETY: CMSG_SPACE only computes with its argument.
const _: () = assert!(Control::BYTES == unsafe { libc::CMSG_SPACE(4) + libc::CMSG_SPACE(16) } as usize);
const _: () = assert!(size_of::<cmsghdr>() == Control::HEADER && align_of::<cmsghdr>() == Control::ALIGN);
const _: () = assert!(offset_of!(cmsghdr, cmsg_level) == 8 && offset_of!(cmsghdr, cmsg_type) == 12);

impl Control {
    const HEADER: usize = 16;
    const ALIGN: usize = 8;
    const BYTES: usize = 56;
    const EMPTY: Control = Control([0; Control::BYTES]);

    /// Each piece of the first `len` bytes, as cmsg(3) lays them out: level, type, value.
    fn pieces(&self, len: usize) -> impl Iterator<Item = (c_int, c_int, &[u8])> {
        let mut rest = self.0.get(..len).unwrap_or(&self.0);
        std::iter::from_fn(move || {
            let (header, _) = rest.split_first_chunk::<{ Control::HEADER }>()?;
            let word = |at: usize| c_int::from_ne_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
            let (whole, _) = header.split_first_chunk::<{ size_of::<usize>() }>()?;
            let whole = usize::from_ne_bytes(*whole);
            let value = rest.get(Control::HEADER..whole)?;
            rest = rest.get(whole.next_multiple_of(Control::ALIGN)..).unwrap_or_default();
            Some((word(8), word(12), value))
        })
    }
}

/// The length of joined datagrams, as UDP_GRO tells it.
fn segment_of(value: &[u8]) -> Option<usize> {
    let value = c_int::from_ne_bytes(value.try_into().ok()?);
    usize::try_from(value).ok().filter(|&size| size > 0)
}

/// A `timespec`: seconds, then nanoseconds.
fn stamp_of(value: &[u8]) -> Option<Duration> {
    let (seconds, nanos) = value.split_first_chunk::<8>()?;
    let seconds = u64::try_from(i64::from_ne_bytes(*seconds)).ok()?;
    let nanos = u64::try_from(i64::from_ne_bytes(nanos.try_into().ok()?)).ok()?;
    Duration::from_secs(seconds).checked_add(Duration::from_nanos(nanos))
}

/// A `sockaddr_in` or `sockaddr_in6` as bytes, so that reading it needs no cast.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
struct RawAddress([u8; RawAddress::MAX as usize]);

const _: () = assert!(size_of::<libc::sockaddr_in>() == 16 && size_of::<libc::sockaddr_in6>() == RawAddress::MAX as usize);
const _: () = assert!(offset_of!(libc::sockaddr_in, sin_port) == 2 && offset_of!(libc::sockaddr_in, sin_addr) == 4);
const _: () = assert!(offset_of!(libc::sockaddr_in6, sin6_port) == 2 && offset_of!(libc::sockaddr_in6, sin6_flowinfo) == 4);
const _: () = assert!(offset_of!(libc::sockaddr_in6, sin6_addr) == 8 && offset_of!(libc::sockaddr_in6, sin6_scope_id) == 24);

const _: () = assert!(RawAddress::IPV4 as c_int == libc::AF_INET && RawAddress::IPV6 as c_int == libc::AF_INET6);

impl RawAddress {
    /// Bytes of a `sockaddr_in6`, the longer one.
    const MAX: u32 = 28;
    const EMPTY: RawAddress = RawAddress([0; RawAddress::MAX as usize]);
    const IPV4: libc::sa_family_t = 2;
    const IPV6: libc::sa_family_t = 10;

    /// The address and how many bytes of it count.
    fn encode(address: SocketAddr) -> (RawAddress, u32) {
        let mut raw = RawAddress::EMPTY;
        let bytes = &mut raw.0;
        bytes[2..4].copy_from_slice(&address.port().to_be_bytes());
        match address {
            SocketAddr::V4(v4) => {
                bytes[0..2].copy_from_slice(&RawAddress::IPV4.to_ne_bytes());
                bytes[4..8].copy_from_slice(&v4.ip().octets());
                (raw, 16)
            }
            SocketAddr::V6(v6) => {
                bytes[0..2].copy_from_slice(&RawAddress::IPV6.to_ne_bytes());
                bytes[4..8].copy_from_slice(&v6.flowinfo().to_be_bytes());
                bytes[8..24].copy_from_slice(&v6.ip().octets());
                bytes[24..28].copy_from_slice(&v6.scope_id().to_ne_bytes());
                (raw, RawAddress::MAX)
            }
        }
    }

    fn decode(&self) -> Option<SocketAddr> {
        let bytes = &self.0;
        let word = |at: usize| [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
        let port = u16::from_be_bytes([bytes[2], bytes[3]]);
        match u16::from_ne_bytes([bytes[0], bytes[1]]) {
            RawAddress::IPV4 => Some(SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::from(word(4)), port))),
            RawAddress::IPV6 => {
                let mut octets = [0; 16];
                octets.copy_from_slice(&bytes[8..24]);
                let (flow, scope) = (u32::from_be_bytes(word(4)), u32::from_ne_bytes(word(24)));
                Some(SocketAddr::V6(SocketAddrV6::new(Ipv6Addr::from(octets), port, flow, scope)))
            }
            _ => None,
        }
    }
}

/// Lets the kernel join datagrams of one sender on receive, and say where they were joined (UDP_GRO).
pub(super) fn join_on_receive(socket: BorrowedFd<'_>) -> io::Result<()> {
    turn_on(socket, libc::SOL_UDP, libc::UDP_GRO)
}

/// Lets the kernel say of each message when it got it (SO_TIMESTAMPNS).
pub(super) fn stamp_on_receive(socket: BorrowedFd<'_>) -> io::Result<()> {
    turn_on(socket, libc::SOL_SOCKET, libc::SO_TIMESTAMPNS)
}

fn turn_on(socket: BorrowedFd<'_>, level: c_int, option: c_int) -> io::Result<()> {
    let on: c_int = 1;
    const LEN: libc::socklen_t = 4;
    const { assert!(size_of::<c_int>() == LEN as usize) };
    // SAFETY: both options have one int for a value; the pointer and the length name `on`, which outlives the call.
    done(unsafe { libc::setsockopt(socket.as_raw_fd(), level, option, ptr::from_ref(&on).cast(), LEN) })
}

// ------------------------------------------------------------------------------------------------ epoll

/// An epoll instance.
pub(super) struct Epoll(OwnedFd);

/// What a descriptor is watched for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Interest {
    Readable,
    ReadableAndWritable,
}

/// The token of a descriptor that has become ready.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(super) struct Ready(libc::epoll_event);

impl Ready {
    pub(super) const EMPTY: Ready = Ready(libc::epoll_event { events: 0, u64: 0 });

    pub(super) fn token(&self) -> u64 {
        self.0.u64
    }
}

impl Epoll {
    pub(super) fn new() -> io::Result<Epoll> {
        // SAFETY: no pointer is passed.
        let descriptor = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
        done(descriptor)?;
        // SAFETY: the kernel has just given this descriptor to us, and nobody else knows it.
        Ok(Epoll(unsafe { OwnedFd::from_raw_fd(descriptor) }))
    }

    /// Watches a descriptor. It stops being watched when its last copy is closed.
    pub(super) fn add(&self, descriptor: BorrowedFd<'_>, token: u64, interest: Interest) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_ADD, descriptor, token, interest)
    }

    /// Watches a descriptor that is watched already, for something else.
    pub(super) fn modify(&self, descriptor: BorrowedFd<'_>, token: u64, interest: Interest) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_MOD, descriptor, token, interest)
    }

    fn control(&self, operation: c_int, descriptor: BorrowedFd<'_>, token: u64, interest: Interest) -> io::Result<()> {
        let events = match interest {
            Interest::Readable => libc::EPOLLIN,
            Interest::ReadableAndWritable => libc::EPOLLIN | libc::EPOLLOUT,
        };
        let mut event = libc::epoll_event { events: events as u32, u64: token };
        // SAFETY: both descriptors are open, and the kernel copies `event` before the call returns.
        done(unsafe { libc::epoll_ctl(self.0.as_raw_fd(), operation, descriptor.as_raw_fd(), &raw mut event) })
    }

    /// Waits until a descriptor is ready or the time is over; without a time, until a descriptor is ready.
    /// How many of `ready` were filled.
    pub(super) fn wait(&self, ready: &mut [Ready], timeout: Option<Duration>) -> io::Result<usize> {
        let time = timeout.map(|timeout| libc::timespec {
            tv_sec: libc::time_t::try_from(timeout.as_secs()).unwrap_or(libc::time_t::MAX),
            tv_nsec: timeout.subsec_nanos().into(),
        });
        let time = time.as_ref().map_or(ptr::null(), ptr::from_ref);
        let room = c_int::try_from(ready.len()).unwrap_or(c_int::MAX);
        // SAFETY: `Ready` is a transparent `epoll_event`, so the kernel writes at
        // most `room` of them into a slice that has as many; `time` is null or names a value that outlives the call; a
        // null signal mask leaves signals as they are.
        let count = unsafe { libc::epoll_pwait2(self.0.as_raw_fd(), ready.as_mut_ptr().cast(), room, time, ptr::null()) };
        usize::try_from(count).map_err(|_| io::Error::last_os_error())
    }
}

// --------------------------------------------------------------------------------------------- affinity

/// The processors that this thread may run on.
pub(super) fn allowed_processors() -> io::Result<Vec<usize>> {
    // SAFETY: a processor set is an array of integers, for which zero is a value.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer and the length name `set`; 0 means this thread.
    done(unsafe { libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &raw mut set) })?;
    let limit = usize::try_from(libc::CPU_SETSIZE).unwrap_or(0);
    // SAFETY: `processor` is below CPU_SETSIZE, so the bit lies within the set.
    Ok((0..limit).filter(|&processor| unsafe { libc::CPU_ISSET(processor, &set) }).collect())
}

/// Keeps this thread on one processor.
pub(super) fn pin_to(processor: usize) -> io::Result<()> {
    if processor >= usize::try_from(libc::CPU_SETSIZE).unwrap_or(0) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // SAFETY: a processor set is an array of integers, for which zero is a value.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: `processor` is below CPU_SETSIZE, so the bit lies within the set.
    unsafe { libc::CPU_SET(processor, &mut set) };
    // SAFETY: the pointer and the length name `set`, which the kernel only reads; 0 means this thread.
    done(unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set) })
}

/// By how much the kernel may be late when it wakes this thread (prctl(2), PR_SET_TIMERSLACK).
pub(super) fn set_timer_slack(slack: Duration) -> io::Result<()> {
    let nanos = libc::c_ulong::try_from(slack.as_nanos()).map_err(|_| io::ErrorKind::InvalidInput)?;
    // SAFETY: the call takes a number and touches no memory of ours.
    done(unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, nanos) })
}

/// How late it may be now.
#[cfg(test)]
pub(super) fn timer_slack() -> io::Result<Duration> {
    // SAFETY: the call takes nothing and touches no memory of ours.
    let nanos = unsafe { libc::prctl(libc::PR_GET_TIMERSLACK) };
    done(nanos)?;
    Ok(Duration::from_nanos(u64::from(nanos.unsigned_abs())))
}

/// The error of a call that answered −1.
fn done(result: c_int) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_survives_the_kernels_form() {
        for text in ["0.0.0.0:0", "127.0.0.1:1", "203.0.113.9:65535", "[::1]:443", "[2001:db8::7]:9", "[fe80::1%3]:5000"] {
            let address: SocketAddr = text.parse().unwrap();
            let (raw, len) = RawAddress::encode(address);
            assert_eq!(raw.decode(), Some(address), "{text}");
            assert_eq!(len, if address.is_ipv4() { 16 } else { 28 });
        }
        assert_eq!(RawAddress::EMPTY.decode(), None);
    }

    #[test]
    fn what_is_said_beside_a_message_is_read_as_far_as_it_is_whole() {
        let piece = |level: c_int, kind: c_int, value: &[u8]| {
            let mut bytes = (Control::HEADER + value.len()).to_ne_bytes().to_vec();
            bytes.extend(level.to_ne_bytes());
            bytes.extend(kind.to_ne_bytes());
            bytes.extend(value);
            bytes.resize(bytes.len().next_multiple_of(Control::ALIGN), 0);
            bytes
        };
        let mut control = Control::EMPTY;
        let said = [piece(libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS, &[7; 16]), piece(libc::SOL_UDP, libc::UDP_GRO, &[1, 0, 0, 0])];
        control.0.copy_from_slice(&said.concat());
        let read = |control: &Control, len| control.pieces(len).map(|(_, kind, value)| (kind, value.len())).collect::<Vec<_>>();
        let (stamp, segment) = ((libc::SCM_TIMESTAMPNS, 16), (libc::UDP_GRO, 4));
        for (len, pieces) in
            [(0, &[][..]), (16, &[]), (31, &[]), (32, &[stamp]), (51, &[stamp]), (52, &[stamp, segment]), (99, &[stamp, segment])]
        {
            assert_eq!(read(&control, len), pieces, "{len}");
        }
        for whole in [0, 15, 33, usize::MAX] {
            control.0[32..40].copy_from_slice(&whole.to_ne_bytes());
            assert_eq!(read(&control, Control::BYTES), [stamp], "{whole}");
        }
    }

    #[test]
    fn a_value_that_is_none_is_not_believed() {
        assert_eq!(segment_of(&1_200_i32.to_ne_bytes()), Some(1_200));
        for value in [&0_i32.to_ne_bytes()[..], &(-1_i32).to_ne_bytes(), &[1, 0, 0]] {
            assert_eq!(segment_of(value), None);
        }
        let timespec = |seconds: i64, nanos: i64| [seconds.to_ne_bytes(), nanos.to_ne_bytes()].concat();
        assert_eq!(stamp_of(&timespec(3, 5)), Some(Duration::new(3, 5)));
        for value in [timespec(-1, 0), timespec(0, -1), vec![0; 15], vec![0; 17]] {
            assert_eq!(stamp_of(&value), None);
        }
    }
}
