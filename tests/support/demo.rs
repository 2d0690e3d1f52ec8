//! The demo server as a process of its own, with a store that outlives it if the test wants.
#![allow(dead_code, reason = "each test binary uses a part of it")]
#![allow(unreachable_pub, clippy::unwrap_used, reason = "a test's own module")]

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;

use serde_json::Value;

/// A running demo; it is killed (SIGKILL) when dropped.
pub struct Demo {
    child: Child,
    log: Option<JoinHandle<String>>,
    /// The line that `demo --json` printed.
    pub facts: Value,
}

impl Demo {
    /// Starts one on a free port and waits until it is ready.
    pub fn start(options: &[&str], data: Option<&Path>) -> Demo {
        let mut command = Command::new(env!("CARGO_BIN_EXE_quartet"));
        command.args(["demo", "--json", "--port", "0"]).args(options).stdout(Stdio::piped()).stderr(Stdio::piped());
        if let Some(data) = data {
            command.arg("--data").arg(data);
        }
        let mut child = command.spawn().unwrap();
        let mut stderr = child.stderr.take().unwrap();
        let log = std::thread::spawn(move || {
            let mut text = String::new();
            stderr.read_to_string(&mut text).ok();
            text
        });
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let facts = serde_json::from_str(&line).unwrap_or_else(|_| panic!("the demo said {line:?} and {}", reason(&mut child)));
        Demo { child, log: Some(log), facts }
    }

    pub fn base_url(&self) -> &str {
        self.facts["base_url"].as_str().unwrap()
    }

    pub fn admin_token(&self) -> &str {
        self.facts["admin_token"].as_str().unwrap()
    }

    pub fn provider_link(&self) -> &str {
        self.facts["provider_link"].as_str().unwrap()
    }

    /// Link and birth date of patient `n`.
    pub fn patient(&self, n: usize) -> (&str, &str) {
        let patient = &self.facts["patient_links"][n];
        (patient["url"].as_str().unwrap(), patient["birth_date"].as_str().unwrap())
    }

    /// An orderly end, with its media process.
    pub fn stop(&mut self) {
        let told = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(told.success() && self.child.wait().unwrap().success());
    }

    /// The same place under `quartet serve`.
    pub fn serve(&mut self, config: &Path) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_quartet"));
        self.child =
            command.arg("serve").arg("--config").arg(config).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }

    /// Ends it and returns what it logged.
    pub fn into_log(mut self) -> String {
        self.kill();
        self.log.take().unwrap().join().unwrap()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.kill();
    }
}

fn reason(child: &mut Child) -> String {
    match child.try_wait() {
        Ok(Some(status)) => format!("exited with {status}"),
        _ => "still runs".to_owned(),
    }
}
