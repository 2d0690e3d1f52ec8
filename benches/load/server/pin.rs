//! On which processors a process begins.

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

use crate::bot::Problem;

/// This thread, on some processors until it is dropped. What it starts meanwhile stays there.
pub struct Pinned {
    before: CpuSet,
}

impl Pinned {
    pub fn to(processors: &[usize]) -> Result<Pinned, Problem> {
        let this = Pid::from_raw(0);
        let before = sched_getaffinity(this)?;
        let mut set = CpuSet::new();
        for &processor in processors {
            set.set(processor)?;
        }
        if !processors.is_empty() {
            sched_setaffinity(this, &set)?;
        }
        Ok(Pinned { before })
    }

    /// Stays there for good.
    pub fn forget(self) {
        std::mem::forget(self);
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        let _ = sched_setaffinity(Pid::from_raw(0), &self.before);
    }
}

/// The processors that this process may run on.
pub fn allowed() -> Result<Vec<usize>, Problem> {
    let set = sched_getaffinity(Pid::from_raw(0))?;
    Ok((0..CpuSet::count()).filter(|&processor| set.is_set(processor).unwrap_or(false)).collect())
}
