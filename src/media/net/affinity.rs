//! Which processor a worker keeps to, and how punctually it wakes there.
#![forbid(unsafe_code)]

use std::io;
use std::time::Duration;

use super::sys;

/// Keeps this thread on one of the processors that it may use, so that its caches stay warm and the kernel
/// delivers to the core that owns the visit. Workers take turns where there are fewer processors than workers.
///
/// An error means that the thread goes on unpinned: a sandbox may forbid the call, and nothing depends on it.
pub fn pin(worker: u16) -> io::Result<usize> {
    let allowed = sys::allowed_processors()?;
    let place = usize::from(worker).checked_rem(allowed.len()).ok_or(io::ErrorKind::NotFound)?;
    let processor = allowed[place];
    sys::pin_to(processor)?;
    Ok(processor)
}

/// Has the kernel wake this thread when it is to be woken, and not up to 50 microseconds later so that others wake with it.
///
/// An error means that it goes on waking late.
pub fn wake_on_time() -> io::Result<()> {
    sys::set_timer_slack(Duration::from_nanos(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pinned_thread_has_one_processor_and_more_workers_than_processors_share() {
        let allowed = sys::allowed_processors().unwrap();
        for worker in [0, 1, u16::try_from(allowed.len()).unwrap()] {
            let expected = allowed[usize::from(worker) % allowed.len()];
            let pinned = std::thread::spawn(move || (pin(worker).unwrap(), sys::allowed_processors().unwrap())).join().unwrap();
            assert_eq!(pinned, (expected, vec![expected]));
        }
    }

    #[test]
    fn a_processor_that_no_machine_has_is_an_error() {
        assert!(sys::pin_to(usize::MAX).is_err());
    }

    #[test]
    fn a_thread_that_wakes_on_time_does_so_alone() {
        let slack = std::thread::spawn(|| wake_on_time().and_then(|()| sys::timer_slack())).join().unwrap().unwrap();
        assert_eq!(slack, Duration::from_nanos(1));
        assert!(sys::timer_slack().unwrap() > slack, "other threads save the machine's wakings");
    }
}
