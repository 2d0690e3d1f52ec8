//! Who asks the API as fast as it answers: connections that are kept, with one request under way on each.
//!
//! A client that does next to nothing, on a thread of its own: requests are made beforehand where they can be, and of answers only
//! the status and the length are read. Every answer is taken whole.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use futures_util::stream::{FuturesUnordered, StreamExt};
use hdrhistogram::Histogram;
use nix::unistd::gettid;
use procfs::process::Process;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::bot::Problem;

/// Who is not answered by then will not be.
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// Answers are smaller; what is not has gone wrong.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// Where the API is.
#[derive(Clone)]
pub struct Door {
    pub host: &'static str,
    pub port: u16,
    /// The server's own certificate: it is believed, and no other.
    pub certificate: CertificateDer<'static>,
}

/// What is asked.
pub enum Questions {
    /// These, in turn.
    Same(Vec<Vec<u8>>),
    /// Each is made of its number.
    Numbered(Box<dyn Fn(u64) -> Vec<u8> + Send>),
}

/// What became of them in some time.
pub struct Answers {
    /// With the status that was wanted.
    pub done: u64,
    /// With another.
    pub refused: u64,
    /// Connections that broke. They are not made again.
    pub broken: u64,
    /// Of what was not done, the first.
    pub first_failure: Option<String>,
    /// From before the question to the answer's last byte, in nanoseconds; of what was done.
    pub took: Histogram<u64>,
}

impl Default for Answers {
    fn default() -> Answers {
        let took = Histogram::new_with_bounds(1_000, 60_000_000_000, 3).expect("bounds that are in order");
        Answers { done: 0, refused: 0, broken: 0, first_failure: None, took }
    }
}

/// Connections at work, until this is dropped.
pub struct Asking {
    answers: Arc<Mutex<Answers>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    task: i32,
}

impl Asking {
    /// Makes so many connections, which begin to ask when all stand. Answers with another status than `wanted` are not counted as done.
    pub async fn start(door: &Door, connections: usize, questions: Questions, wanted: u16) -> Result<Asking, Problem> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (answers, stop) = (Arc::new(Mutex::new(Answers::default())), Arc::new(AtomicBool::new(false)));
        let (begun, beginning) = oneshot::channel();
        let (door, counted, stopped) = (door.clone(), Arc::clone(&answers), Arc::clone(&stop));
        let work = move || {
            runtime.block_on(async {
                let opened = match open(&door, connections).await {
                    Ok(opened) => opened,
                    Err(problem) => return drop(begun.send(Err(problem))),
                };
                let _ = begun.send(Ok(gettid().as_raw()));
                let asker = Asker { questions: &questions, wanted, number: AtomicU64::new(0), answers: &counted, stop: &stopped };
                let mut all: FuturesUnordered<_> = opened.into_iter().map(|connection| asker.ask(connection)).collect();
                while all.next().await.is_some() {}
            });
        };
        let thread = std::thread::Builder::new().name("requests".to_owned()).spawn(work)?;
        let task = beginning.await.map_err(|_| "nobody asks")??;
        Ok(Asking { answers, stop, thread: Some(thread), task })
    }

    /// What was answered since this was last asked.
    pub fn answers(&self) -> Answers {
        std::mem::take(&mut *self.answers.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Time of a processor that asking has taken so far.
    pub fn running(&self) -> Result<Duration, Problem> {
        Ok(Duration::from_nanos(Process::myself()?.task_from_tid(self.task)?.schedstat()?.sum_exec_runtime))
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What all connections share.
struct Asker<'a> {
    questions: &'a Questions,
    wanted: u16,
    number: AtomicU64,
    answers: &'a Mutex<Answers>,
    stop: &'a AtomicBool,
}

impl Asker<'_> {
    /// Asks over this connection until it breaks, or it is to stop.
    async fn ask(&self, mut connection: Connection) {
        let mut made;
        while !self.stop.load(Ordering::Relaxed) {
            let number = self.number.fetch_add(1, Ordering::Relaxed);
            let question = match self.questions {
                Questions::Same(questions) => &questions[(number % questions.len() as u64) as usize],
                Questions::Numbered(make) => {
                    made = make(number);
                    &made
                }
            };
            let began = Instant::now();
            let answer = tokio::time::timeout(ANSWER_MAX, connection.ask(question)).await;
            let took = began.elapsed();
            let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
            match answer.unwrap_or_else(|_| Err(format!("no answer within {ANSWER_MAX:?}").into())) {
                Ok(status) if status == self.wanted => {
                    answers.done += 1;
                    answers.took.saturating_record(took.as_nanos() as u64);
                }
                Ok(status) => {
                    answers.refused += 1;
                    answers.first_failure.get_or_insert_with(|| format!("status {status}"));
                }
                Err(problem) => {
                    answers.broken += 1;
                    answers.first_failure.get_or_insert_with(|| problem.to_string());
                    return;
                }
            }
        }
    }
}

/// One after the other: a server that shakes so many hands at once would keep the last waiting.
async fn open(door: &Door, connections: usize) -> Result<Vec<Connection>, Problem> {
    let mut roots = RootCertStore::empty();
    roots.add(door.certificate.clone())?;
    let tls = TlsConnector::from(Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth()));
    let mut opened = Vec::new();
    for _ in 0..connections {
        let opening = async {
            let stream = TcpStream::connect(("127.0.0.1", door.port)).await?;
            stream.set_nodelay(true)?;
            tls.connect(ServerName::try_from(door.host).map_err(std::io::Error::other)?, stream).await
        };
        let stream = tokio::time::timeout(ANSWER_MAX, opening).await.map_err(|_| "a connection did not come about")??;
        opened.push(Connection { stream, received: Vec::new() });
    }
    Ok(opened)
}

struct Connection {
    stream: TlsStream<TcpStream>,
    /// Of the answer so far.
    received: Vec<u8>,
}

impl Connection {
    /// The status of the answer, when all of it is here.
    async fn ask(&mut self, question: &[u8]) -> Result<u16, Problem> {
        self.stream.write_all(question).await?;
        self.received.clear();
        loop {
            if self.stream.read_buf(&mut self.received).await? == 0 {
                return Err("the server closed the connection".into());
            }
            if let Some((status, length)) = answer(&self.received)? {
                if length > ANSWER_BYTES_MAX {
                    return Err(format!("an answer of {length} bytes").into());
                }
                while self.received.len() < length {
                    if self.stream.read_buf(&mut self.received).await? == 0 {
                        return Err("the server closed the connection within an answer".into());
                    }
                }
                return Ok(status);
            }
            if self.received.len() > ANSWER_BYTES_MAX {
                return Err("a head without end".into());
            }
        }
    }
}

/// The status of an answer and its length with its head; none while the head is not whole.
fn answer(received: &[u8]) -> Result<Option<(u16, usize)>, Problem> {
    let Some(head) = received.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { return Ok(None) };
    let text = std::str::from_utf8(&received[..head])?;
    let mut lines = text.split("\r\n");
    let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok());
    let mut fields = lines.filter_map(|line| line.split_once(':'));
    let body = fields.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let body: Option<usize> = body.and_then(|(_, value)| value.trim().parse().ok());
    match (status, body) {
        (Some(status), Some(body)) => Ok(Some((status, head + 4 + body))),
        _ => Err("an answer without status or length".into()),
    }
}

/// A question without a body.
pub fn get(host: &str, path: &str, bearer: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {bearer}\r\n\r\n").into_bytes()
}

/// A question with one.
pub fn post(host: &str, path: &str, bearer: &str, json: &str) -> Vec<u8> {
    let length = json.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {bearer}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{json}"
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_ends_where_its_length_says() {
        let whole = b"HTTP/1.1 201 Created\r\nlocation: /x\r\nContent-Length: 5\r\n\r\nhello";
        for end in 0..whole.len() - 5 {
            assert_eq!(answer(&whole[..end]).unwrap(), None, "{end} bytes are no whole head");
        }
        assert_eq!(answer(whole).unwrap(), Some((201, whole.len())));
        assert_eq!(answer(b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n").unwrap().map(|found| found.0), Some(204));
        assert!(answer(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").is_err(), "its end is not known");
        assert!(answer(b"what is this\r\ncontent-length: 0\r\n\r\n").is_err());
    }
}
