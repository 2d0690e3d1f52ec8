//! A release server of our own: its process, configuration and token, on one processor if that is wished.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rustls::pki_types::CertificateDer;
use tempfile::TempDir;

use crate::bot::Problem;
use crate::machine::process::Server;
use crate::mode::requests::Door;
use crate::server::pin::Pinned;

/// What its certificate calls it.
const HOST: &str = "localhost";

/// A server that takes longer to stop is killed.
const STOPPING_MAX: Duration = Duration::from_secs(5);

/// How busy the server may become.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// As its defaults have it: it refuses before anybody feels it.
    AsShipped,
    /// All of its processor: for who wants to see it give way.
    Open,
}

/// `quartet serve`, with a store that goes when it goes.
pub struct OwnServer {
    child: Child,
    _directory: TempDir,
    pub base: String,
    pub token: String,
    port: u16,
    certificate: CertificateDer<'static>,
}

impl OwnServer {
    /// Starts it on these processors, and waits until it answers.
    pub async fn start(workers: u16, processors: &[usize], admission: Admission) -> Result<OwnServer, Problem> {
        let directory = tempfile::tempdir()?;
        let at = |name: &str| directory.path().join(name);
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let base = format!("https://{HOST}:{port}");
        let certificate = rcgen::generate_simple_self_signed(vec![HOST.to_owned()])?;
        fs::write(at("certificate.pem"), certificate.cert.pem())?;
        write_secret(&at("key.pem"), &certificate.signing_key.serialize_pem())?;
        let config = at("quartet.toml");
        fs::write(&config, configuration(&directory, &base, port, workers, admission))?;

        let program = env!("CARGO_BIN_EXE_quartet");
        let made = Command::new(program).args(["token", "new", "load", "--role", "admin", "--config"]).arg(&config).output()?;
        let token = String::from_utf8(made.stdout)?.split_whitespace().find(|word| word.starts_with("qt_")).map(str::to_owned);
        let token = token.ok_or_else(|| format!("no token: {}", String::from_utf8_lossy(&made.stderr)))?;

        let _here = Pinned::to(processors)?;
        let child = Command::new(program).args(["serve", "--config"]).arg(&config).stdout(Stdio::null()).spawn()?;
        let mut server =
            OwnServer { child, _directory: directory, base, token, port, certificate: certificate.cert.der().clone() };
        server.wait_until_ready().await?;
        Ok(server)
    }

    pub fn door(&self) -> Door {
        Door { host: HOST, port: self.port, certificate: self.certificate.clone() }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    async fn wait_until_ready(&mut self) -> Result<(), Problem> {
        let http = crate::bot::http::client();
        let url = format!("{}/readyz", self.base);
        let answered = async {
            while !http.get(&url).send().await.is_ok_and(|response| response.status().is_success()) {
                if let Ok(Some(status)) = self.child.try_wait() {
                    return Err(Problem::from(format!("the server ended with {status}")));
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Ok(())
        };
        tokio::time::timeout(Duration::from_secs(20), answered).await.map_err(|_| "the server did not become ready")?
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        // Killed, it would leave its media process waiting for another control.
        let family = Server::of(self.pid());
        if let Ok(pid) = i32::try_from(self.pid()) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        }
        let end = Instant::now() + STOPPING_MAX;
        while Instant::now() < end && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(10));
        }
        if let (Ok(None), Ok(family)) = (self.child.try_wait(), family) {
            for &pid in family.pids() {
                let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
            }
            let _ = self.child.wait();
        }
    }
}

fn configuration(directory: &TempDir, base: &str, port: u16, workers: u16, admission: Admission) -> String {
    let bounds = match admission {
        Admission::AsShipped => "",
        Admission::Open => "busy_percent_visits = 100\nbusy_percent_seats = 100",
    };
    let at = directory.path().display();
    format!(
        r#"
[server]
listen = ["127.0.0.1:{port}"]
public_url = "{base}"
certificate = "{at}/certificate.pem"
key = "{at}/key.pem"
runtime_directory = "{at}/run"
drain_seconds = 0
[limits]
connections_per_address = 1024
[media]
workers = {workers}
addresses = ["127.0.0.1"]
first_port = 0
{bounds}
[store]
path = "{at}/quartet.db"
[log]
level = "warn"
"#
    )
}

fn write_secret(path: &PathBuf, text: &str) -> Result<(), Problem> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    Ok(file.write_all(text.as_bytes())?)
}
