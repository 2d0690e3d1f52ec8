//! How long this thread has run: on a busy machine, time that passes says little about work that is done.
#![expect(unsafe_code, reason = "the standard library knows only time that passes")]

use std::time::Duration;

/// What `work` takes of this thread's own time.
pub(crate) fn time<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let before = thread_time();
    let done = work();
    (thread_time() - before, done)
}

fn thread_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a timespec that lives through the call, which only writes it.
    let result = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    assert_eq!(result, 0, "every Linux has this clock");
    Duration::new(time.tv_sec.cast_unsigned(), time.tv_nsec as u32)
}
