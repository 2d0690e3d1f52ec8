//! Control steps back behind media: where both want a processor, whoever looks at a list waits, and not those who are in a visit.
//!
//! A process begins with the priority of the thread that starts it, and nobody may raise it again without a privilege. So media
//! processes are started by one thread that has not stepped back.

use std::io;
use std::sync::mpsc;
use std::thread;

use tokio::process::{Child, Command as Program};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// How far control steps back (nice(2)): a tenth of the share that a media worker has. Less, and the few threads of control
/// together would still take half of a processor from those in visits; more would leave too little for opening the door to the
/// next ones on a machine that is full.
const BEHIND: i32 = 10;

/// The thread that starts media processes. It ends with the last of these.
#[derive(Clone, Debug)]
pub struct Launcher(mpsc::Sender<Order>);

struct Order {
    program: Program,
    /// Whose signals tell of the end of children.
    runtime: Handle,
    started: oneshot::Sender<io::Result<Child>>,
}

impl Launcher {
    /// Starts it with the priority of this thread.
    pub fn start() -> io::Result<Launcher> {
        let (orders, ordered) = mpsc::channel::<Order>();
        thread::Builder::new().name("launcher".into()).spawn(move || {
            for Order { mut program, runtime, started } in ordered {
                let _here = runtime.enter();
                if let Err(Ok(mut unwanted)) = started.send(program.spawn()) {
                    // It may have ended by itself.
                    drop(unwanted.start_kill());
                }
            }
        })?;
        Ok(Launcher(orders))
    }

    pub(super) async fn spawn(&self, program: Program) -> io::Result<Child> {
        let (started, child) = oneshot::channel();
        let order = Order { program, runtime: Handle::current(), started };
        self.0.send(order).map_err(|_| io::ErrorKind::BrokenPipe)?;
        child.await.map_err(|_| io::ErrorKind::BrokenPipe)?
    }
}

/// This thread steps back, and with it every thread that it starts from now on. The [`Launcher`] comes before.
pub fn step_back() -> io::Result<()> {
    rustix::process::nice(BEHIND)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;

    use tokio::runtime::Builder;

    use super::*;

    /// The priority that `/proc/…/stat` tells of (proc(5), field 19).
    fn nice(stat: &str) -> i32 {
        let (_, fields) = stat.rsplit_once(") ").unwrap();
        fields.split(' ').nth(16).unwrap().parse().unwrap()
    }

    #[test]
    fn what_is_launched_keeps_the_priority_that_everybody_else_gives_up() {
        let own = || nice(&std::fs::read_to_string("/proc/thread-self/stat").unwrap());
        let before = own();
        let launcher = Launcher::start().unwrap();
        // A thread of the test's own steps back: the others are other tests'.
        let seen = thread::spawn(move || {
            step_back().unwrap();
            let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
            runtime.block_on(async {
                let mut program = Program::new("cat");
                program.arg("/proc/self/stat").stdout(Stdio::piped());
                let child = launcher.spawn(program).await.unwrap().wait_with_output().await.unwrap();
                let worker = tokio::spawn(async move { own() }).await.unwrap();
                let helper = tokio::task::spawn_blocking(own).await.unwrap();
                (nice(std::str::from_utf8(&child.stdout).unwrap()), own(), worker, helper)
            })
        });
        let behind = (before + BEHIND).min(19);
        assert_eq!(seen.join().unwrap(), (before, behind, behind, behind));
    }
}
