//! From no media process to one whose workers are ready: found alive, or started.

use std::future::pending;
use std::io;
use std::os::fd::AsFd;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tokio::process::{Child, Command as Program};
use tokio::time::{sleep, timeout};

use super::connection::Connection;
use super::launcher::Launcher;
use super::life::{ENDING, Life, Ready, say_stop};
use super::listener::{Expected, Listener};
use super::{Found, Launch, MediaConfig, MediaError, WorkerInfo};
use crate::base::limits::{ADDRESSES_MAX, LINK_MESSAGE_MAX};
use crate::link::lock::{self, Alive};
use crate::link::process::VERSION;
use crate::link::socket::{LinkError, RECEIVE_BYTES};
use crate::link::{Event, Greeting, Order, Setup};

/// What the media process may see of our environment: how to log. Whatever else is set for us is not for it.
const ENVIRONMENT: [&str; 3] = ["RUST_LOG", "RUST_BACKTRACE", "NO_COLOR"];

/// How glibc lays out the memory of a media process (GLIBC_TUNABLES): in pages of two megabytes where the kernel has them, and
/// all of it in one heap, so that there are few. Every packet touches a hundred places of a visit, most of them long out of the
/// caches, and in pages of four kilobytes each of them would be looked up in the page table, too. Another libc ignores it.
const TUNABLES: &str = "glibc.malloc.hugetlb=1:glibc.malloc.arena_max=1:glibc.malloc.mmap_threshold=33554432\
                        :glibc.malloc.trim_threshold=67108864";

/// How often a lock is looked at that is held. Once per start, for some seconds at most.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Visits of one worker that are believed. A core carries some hundreds; one that claims more is broken.
const VISITS_MAX: u32 = 65_536;

/// What becomes of a media process that runs as we would start it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Running {
    /// Its visits go on.
    Adopted,
    /// Its visits have been given up already.
    Stopped,
}

/// Who a process says that it is.
enum Comer {
    /// It waits to be told what to do.
    Fresh,
    /// It does what we would tell it.
    Running,
    /// It is of no use, for this reason.
    Useless(&'static str),
}

/// What has come of a process so far.
#[derive(Default)]
struct Gathered {
    /// By number.
    workers: Vec<Ready>,
    found: Found,
}

/// Finds a media process, or starts one, or waits for one, until all its workers are ready; and what they carry.
pub(super) async fn begin(config: &MediaConfig, listener: &Listener, running: Running) -> Result<(Life, Found), MediaError> {
    match &config.launch {
        Launch::Child { launcher, program, options } => match adopt(config, listener, running).await? {
            Some(adopted) => Ok(adopted),
            None => Ok((launch(config, listener, launcher, Program::new(program), options).await?, Found::new())),
        },
        Launch::Elsewhere { user } => await_elsewhere(config, listener, Expected { user: *user, process: None }, running).await,
    }
}

/// Takes over the media process that a control before us has left, if there is one. One that is of no use is ended.
async fn adopt(config: &MediaConfig, listener: &Listener, running: Running) -> Result<Option<(Life, Found)>, MediaError> {
    let lock = |error| MediaError::Listen { path: lock::place(listener.path()), error };
    if !Alive::is_held(listener.path()).map_err(lock)? {
        return Ok(None);
    }
    tracing::info!("a media process is alive: it is waited for");
    let stuck = || MediaError::Stuck { lock: lock::place(listener.path()) };
    let process = tokio::select! {
        process = timeout(config.patience, listener.accept(Expected { user: None, process: None })) => process.map_err(|_| stuck())?,
        () = ended(listener) => return Ok(None),
    };
    // Its workers come from the same process.
    let process_id = process.peer().ok().and_then(|peer| u32::try_from(peer.pid()?).ok());
    let expected = Expected { user: None, process: process_id };
    let mut gathered = Gathered::default();
    let taken = timeout(config.patience, async {
        match greeted(&process, &config.setup).await {
            Comer::Fresh => gather(&process, config, listener, expected, &mut gathered).await.map_err(|_| "it does not start"),
            Comer::Running if running == Running::Adopted => {
                gather(&process, config, listener, expected, &mut gathered).await.map_err(|_| "it does not show what it carries")
            }
            Comer::Running => Err("its visits have been given up"),
            Comer::Useless(why) => Err(why),
        }
    });
    match taken.await.unwrap_or(Err("it does not show in time what it carries")) {
        Ok(()) => {
            let Gathered { workers, found } = gathered;
            tracing::info!(visits = found.len(), "the media process that was alive goes on");
            Ok(Some((Life::new(None, expected, process, workers), found)))
        }
        Err(why) => {
            tracing::warn!(
                why,
                "the media process that was alive cannot be used: it is ended with its visits, and another one started"
            );
            drop(gathered);
            say_stop(&process).await;
            timeout(config.patience, ended(listener)).await.map_err(|_| stuck())?;
            Ok(None)
        }
    }
}

/// Starts a media process of our own.
async fn launch(
    config: &MediaConfig,
    listener: &Listener,
    launcher: &Launcher,
    program: Program,
    options: &[String],
) -> Result<Life, MediaError> {
    let mut starting = Starting(Some(spawn(launcher, program, listener, options).await.map_err(MediaError::Spawn)?));
    let expected = Expected { user: None, process: starting.0.as_ref().and_then(Child::id) };
    let mut gathered = Gathered::default();
    let arriving = timeout(config.patience, async {
        tokio::select! {
            process = arrive(config, listener, expected, &mut gathered) => process.map_err(MediaError::Link),
            status = exited(&mut starting.0) => Err(status.map_or_else(MediaError::Spawn, MediaError::Exited)),
        }
    });
    match arriving.await {
        Ok(Ok(process)) => Ok(Life::new(starting.0.take(), expected, process, gathered.workers)),
        // It closes its connections the moment before it exits; its status says more than they do.
        Ok(Err(MediaError::Link(LinkError::Closed))) => match timeout(ENDING, exited(&mut starting.0)).await {
            Ok(status) => Err(status.map_or_else(MediaError::Spawn, MediaError::Exited)),
            Err(_) => Err(MediaError::Link(LinkError::Closed)),
        },
        Ok(Err(error)) => Err(error),
        Err(_) => Err(MediaError::NotReady { ready: gathered.workers.len(), workers: config.setup.workers }),
    }
}

/// Accepts a process that has been started just now, with its workers.
async fn arrive(
    config: &MediaConfig,
    listener: &Listener,
    expected: Expected,
    gathered: &mut Gathered,
) -> Result<Connection, LinkError> {
    let process = listener.accept(expected).await;
    match greeted(&process, &config.setup).await {
        Comer::Fresh => gather(&process, config, listener, expected, gathered).await?,
        Comer::Running => return Err(LinkError::Malformed),
        Comer::Useless(why) => {
            tracing::error!(why, "the media process cannot be used");
            return Err(LinkError::Malformed);
        }
    }
    Ok(process)
}

/// Waits for a process that someone else starts. Those that are of no use are told to end until one comes that is.
async fn await_elsewhere(
    config: &MediaConfig,
    listener: &Listener,
    expected: Expected,
    running: Running,
) -> Result<(Life, Found), MediaError> {
    let mut gathered = Gathered::default();
    let arriving = timeout(config.patience, async {
        loop {
            let process = listener.accept(expected).await;
            let why = match greeted(&process, &config.setup).await {
                Comer::Running if running == Running::Stopped => "its visits have been given up",
                Comer::Useless(why) => why,
                Comer::Fresh | Comer::Running => {
                    let outcome = gather(&process, config, listener, expected, &mut gathered).await;
                    if outcome.is_err() {
                        say_stop(&process).await;
                    }
                    return outcome.map(|()| process);
                }
            };
            tracing::warn!(why, "a media process cannot be used: it is told to end, and another one waited for");
            say_stop(&process).await;
        }
    });
    match arriving.await {
        Ok(Ok(process)) => Ok((Life::new(None, expected, process, gathered.workers), gathered.found)),
        Ok(Err(error)) => Err(MediaError::Link(error)),
        Err(_) => Err(MediaError::NotReady { ready: gathered.workers.len(), workers: config.setup.workers }),
    }
}

/// Hears who has come.
async fn greeted(process: &Connection, setup: &Setup) -> Comer {
    let mut buffer = vec![0; RECEIVE_BYTES];
    match process.receive::<Greeting>(&mut buffer).await {
        Ok(Greeting { version, .. }) if version != VERSION => Comer::Useless("it is of another version of quartet"),
        Ok(Greeting { running: None, .. }) => Comer::Fresh,
        Ok(Greeting { running: Some(running), .. }) if running == *setup => Comer::Running,
        Ok(_) => Comer::Useless("its addresses, ports or number of workers are not those of the configuration"),
        Err(LinkError::Closed) => Comer::Useless("it has gone"),
        Err(LinkError::TooLong | LinkError::Malformed | LinkError::Io(_)) => Comer::Useless("it cannot be understood"),
    }
}

/// Says what to do, and takes in the connections of all workers and what they carry.
async fn gather(
    process: &Connection,
    config: &MediaConfig,
    listener: &Listener,
    expected: Expected,
    gathered: &mut Gathered,
) -> Result<(), LinkError> {
    let setup = &config.setup;
    let mut buffer = vec![0; RECEIVE_BYTES];
    process.send(&Order::Setup(setup.clone()), &mut buffer[..LINK_MESSAGE_MAX]).await?;
    let mut said = vec![0; RECEIVE_BYTES];
    let all = async {
        while gathered.workers.len() < usize::from(setup.workers) {
            let connection = listener.accept(expected).await;
            let (info, visits) = introduced(setup, connection.receive(&mut buffer).await?)?;
            let place = match gathered.workers.binary_search_by_key(&info.worker, |ready| ready.info.worker) {
                Ok(_) => return Err(LinkError::Malformed),
                Err(place) => place,
            };
            let mut left = usize::try_from(visits).unwrap_or(usize::MAX);
            while left > 0 {
                let Event::Carried(some) = connection.receive(&mut buffer).await? else { return Err(LinkError::Malformed) };
                if some.is_empty() || some.len() > left {
                    return Err(LinkError::Malformed);
                }
                left -= some.len();
                gathered.found.extend(some.into_iter().map(|snapshot| (info.worker, snapshot)));
            }
            gathered.workers.insert(place, Ready { info, connection: Arc::new(connection) });
        }
        Ok(())
    };
    tokio::select! {
        ready = all => ready,
        said = process.receive::<Event>(&mut said) => Err(said.err().unwrap_or(LinkError::Malformed)),
    }
}

/// What a worker says first, and how many visits it is going to show.
fn introduced(setup: &Setup, event: Event) -> Result<(WorkerInfo, u32), LinkError> {
    let Event::WorkerReady { worker, addresses, fingerprint, visits } = event else { return Err(LinkError::Malformed) };
    if worker >= setup.workers || !(1..=ADDRESSES_MAX).contains(&addresses.len()) || visits > VISITS_MAX {
        return Err(LinkError::Malformed);
    }
    Ok((WorkerInfo { worker, addresses, fingerprint }, visits))
}

/// Waits until no media process is alive.
pub(super) async fn ended(listener: &Listener) {
    // A file that cannot be looked at any more is locked by nobody whom we could find.
    while Alive::is_held(listener.path()).unwrap_or(false) {
        sleep(LOOK_EVERY).await;
    }
}

/// A process of ours that carries nothing yet: if it is not wanted after all, it is not left behind.
struct Starting(Option<Child>);

impl Drop for Starting {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            // It may have ended by itself.
            drop(child.start_kill());
        }
    }
}

/// Starts the program as our media process. It lives on when we die.
async fn spawn(launcher: &Launcher, mut program: Program, listener: &Listener, options: &[String]) -> io::Result<Child> {
    program.arg("media").arg("--socket").arg(listener.path()).args(options);
    program.env_clear().envs(ENVIRONMENT.iter().filter_map(|&name| Some((name, std::env::var_os(name)?))));
    program.env("GLIBC_TUNABLES", TUNABLES);
    // All that it says is log; our standard output may be for programs to read.
    program.stdout(io::stderr().as_fd().try_clone_to_owned()?);
    // Its own group: an interrupt from the terminal is for us, and we end it when we are done.
    program.stdin(Stdio::null()).process_group(0);
    launcher.spawn(program).await
}

/// Waits for the end of the child; for ever if there is none.
pub(super) async fn exited(child: &mut Option<Child>) -> io::Result<ExitStatus> {
    match child {
        Some(child) => child.wait().await,
        None => pending().await,
    }
}
