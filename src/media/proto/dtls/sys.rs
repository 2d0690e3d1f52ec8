//! The calls of BoringSSL that `boring` does not wrap: its clock, its timers, and one question.
//!
//! Thin, safe to call, no policy.
#![expect(unsafe_code, reason = "BoringSSL's clock and DTLS timers have no safe wrapper")]

use std::cell::Cell;
use std::time::Duration;

use boring::ssl::{SslContextBuilder, SslRef};
use boring_sys::{SSL, timeval};
use foreign_types::ForeignTypeRef;

use crate::base::Instant;

thread_local! {
    /// What BoringSSL is told when it asks this thread for the time.
    static NOW: Cell<Instant> = const { Cell::new(Instant::ZERO) };
}

/// Sets the time for the calls into BoringSSL that this thread makes next.
///
/// BoringSSL asks for the time only from inside a call, on the caller's thread, and does not say for which
/// connection it asks. So a thread-local that is set before each call is exact, whichever thread holds the
/// connection, and two threads cannot disturb each other.
pub(super) fn set_now(now: Instant) {
    NOW.set(now);
}

/// Makes the context ask [`set_now`]'s clock and never the system's.
pub(super) fn inject_clock(context: &mut SslContextBuilder) {
    // SAFETY: the builder's pointer is a live SSL_CTX that nobody else uses yet, and `tell_now` is a function
    // of the signature that is asked for, which lives as long as the program.
    unsafe { boring_sys::SSL_CTX_set_current_time_cb(context.as_ptr(), Some(tell_now)) }
}

/// Called by BoringSSL. It cannot unwind: a thread that is being torn down tells the epoch.
unsafe extern "C" fn tell_now(_: *const SSL, out: *mut timeval) {
    let since = NOW.try_with(Cell::get).unwrap_or_default().since(Instant::ZERO);
    let seconds = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
    let now = timeval { tv_sec: seconds, tv_usec: i64::from(since.subsec_micros()) };
    // SAFETY: BoringSSL passes a timeval of its own to be written (ssl_ctx_get_current_time).
    unsafe { out.write(now) }
}

/// How long after the time that was last set BoringSSL wants [`handle_timeout`] to be called.
pub(super) fn timeout(ssl: &SslRef) -> Option<Duration> {
    let mut left = timeval { tv_sec: 0, tv_usec: 0 };
    // SAFETY: the reference is a live SSL, which the call only reads; `left` is ours to be written.
    let running = unsafe { boring_sys::DTLSv1_get_timeout(ssl.as_ptr(), &mut left) } == 1;
    let seconds = u64::try_from(left.tv_sec).unwrap_or(0);
    let micros = u64::try_from(left.tv_usec).unwrap_or(0);
    running.then(|| Duration::from_secs(seconds) + Duration::from_micros(micros))
}

/// Sends again whatever is due at the time that was last set.
pub(super) fn handle_timeout(ssl: &mut SslRef) {
    // SAFETY: the reference is a live SSL that is ours alone for the call; the BIO that it writes to belongs to it.
    let outcome = unsafe { boring_sys::DTLSv1_handle_timeout(ssl.as_ptr()) };
    // It fails only when the BIO does, and ours takes everything; what it may have queued must not be taken
    // for the error of a later call.
    if outcome < 0 {
        drop(boring::error::ErrorStack::get());
    }
}

/// Whether the master secret is bound to the handshake's transcript (RFC 7627); always so in DTLS 1.3.
pub(super) fn extended_master_secret(ssl: &SslRef) -> bool {
    // SAFETY: the reference is a live SSL, which the call only reads.
    unsafe { boring_sys::SSL_get_extms_support(ssl.as_ptr()) == 1 }
}
