//! What the kernel says of a server's processes and of the machine.

use std::time::Duration;

use procfs::process::Process;
use procfs::{Current, CurrentSI, KernelStats};

use crate::bot::Problem;

/// A server's processes: the one that was started, and its children.
pub struct Server {
    pids: Vec<i32>,
}

/// Time of processors since the processes began, and what they hold now.
#[derive(Clone, Copy, Default, Debug)]
pub struct Usage {
    /// On a processor, by the scheduler's own clock.
    pub running: Duration,
    /// By ticks of a hundredth of a second: good over many seconds, and then only as a share.
    pub user: Duration,
    pub system: Duration,
    pub resident_bytes: u64,
    pub descriptors: u64,
    pub tasks: u64,
}

impl Usage {
    /// What was used since `before`; what is held is as it is now.
    pub fn since(&self, before: &Usage) -> Usage {
        Usage {
            running: self.running.saturating_sub(before.running),
            user: self.user.saturating_sub(before.user),
            system: self.system.saturating_sub(before.system),
            ..*self
        }
    }
}

impl Server {
    /// This process alone.
    pub fn this() -> Result<Server, Problem> {
        Ok(Server { pids: vec![i32::try_from(std::process::id())?] })
    }

    /// These processes.
    pub fn these(pids: &[i32]) -> Server {
        Server { pids: pids.to_vec() }
    }

    /// The process and those that it has started so far.
    pub fn of(pid: u32) -> Result<Server, Problem> {
        let first = i32::try_from(pid)?;
        let mut pids = vec![first];
        let all: Vec<(i32, i32)> = procfs::process::all_processes()?
            .filter_map(|process| process.ok()?.stat().ok())
            .map(|stat| (stat.pid, stat.ppid))
            .collect();
        let mut next = 0;
        while let Some(&parent) = pids.get(next) {
            pids.extend(all.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| *pid));
            next += 1;
        }
        Ok(Server { pids })
    }

    pub fn usage(&self) -> Result<Usage, Problem> {
        let mut sum = Usage::default();
        for &pid in &self.pids {
            let process = Process::new(pid)?;
            let stat = process.stat()?;
            let tick = |ticks: u64| Duration::from_secs_f64(ticks as f64 / procfs::ticks_per_second() as f64);
            sum.user += tick(stat.utime);
            sum.system += tick(stat.stime);
            sum.resident_bytes += stat.rss * procfs::page_size();
            sum.descriptors += process.fd_count()? as u64;
            for task in process.tasks()?.flatten() {
                // A thread that ends meanwhile takes its time along; those of a server stay.
                if let Ok(schedule) = task.schedstat() {
                    sum.running += Duration::from_nanos(schedule.sum_exec_runtime);
                    sum.tasks += 1;
                }
            }
        }
        Ok(sum)
    }

    pub fn pids(&self) -> &[i32] {
        &self.pids
    }
}

/// This machine.
pub struct Machine;

impl Machine {
    /// What the hypervisor has taken from all processors so far.
    pub fn stolen(&self) -> Result<Duration, Problem> {
        let ticks = KernelStats::current()?.total.steal.unwrap_or(0);
        Ok(Duration::from_secs_f64(ticks as f64 / procfs::ticks_per_second() as f64))
    }

    /// Its processor's name and their number, for whoever reads the figures later.
    pub fn name(&self) -> String {
        let described = procfs::CpuInfo::current().ok();
        let model = described.as_ref().and_then(|info| info.model_name(0)).unwrap_or("an unknown processor").to_owned();
        format!("{} × {model}", described.map_or(1, |info| info.num_cores()))
    }
}
