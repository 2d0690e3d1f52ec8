//! What the demo prints when it is ready; with `--data` it is kept, so that the same demo can be started again.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::app::Failure;

/// All that is needed to try the demo.
#[derive(Serialize, Deserialize)]
pub(super) struct Facts {
    pub(super) base_url: String,
    pub(super) admin_token: String,
    pub(super) provider_link: String,
    pub(super) patient_links: Vec<PatientLink>,
    pub(super) appointment: String,
    pub(super) visit: String,
}

#[derive(Serialize, Deserialize)]
pub(super) struct PatientLink {
    pub(super) url: String,
    pub(super) birth_date: String,
    pub(super) name: String,
}

/// The file in the directory of `--data`. It holds a token and links: for its owner alone.
const FILE: &str = "demo.json";

impl Facts {
    /// What an earlier start kept there, if there was one.
    pub(super) fn kept(directory: &Path) -> Result<Option<Facts>, Failure> {
        let file = directory.join(FILE);
        let text = match fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unusable(&file, &error)),
        };
        serde_json::from_str(&text).map(Some).map_err(|error| unusable(&file, &error))
    }

    /// Keeps it there, whole or not at all.
    pub(super) fn keep(&self, directory: &Path) -> Result<(), Failure> {
        let (file, new) = (directory.join(FILE), directory.join("demo.json.new"));
        let written = || {
            let mut out = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&new)?;
            out.write_all(&serde_json::to_vec_pretty(self)?)?;
            out.sync_all()?;
            fs::rename(&new, &file)
        };
        written().map_err(|error: std::io::Error| unusable(&file, &error))
    }

    /// The port that it was on.
    pub(super) fn port(&self) -> Option<u16> {
        self.base_url.rsplit_once(':')?.1.parse().ok()
    }

    /// The same on another port.
    pub(super) fn move_to(&mut self, base_url: &str) {
        let links = self.patient_links.iter_mut().map(|patient| &mut patient.url);
        for url in links.chain([&mut self.provider_link]) {
            if let Some(rest) = url.strip_prefix(&self.base_url) {
                *url = format!("{base_url}{rest}");
            }
        }
        base_url.clone_into(&mut self.base_url);
    }
}

fn unusable(file: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::new(
        format!("--data: {}: {error}", file.display()),
        "name a directory of this user's own, or remove this one to begin anew",
    )
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn what_is_kept_is_its_owners_alone_and_is_read_back_also_on_another_port() {
        let directory = tempfile::tempdir().unwrap();
        assert!(Facts::kept(directory.path()).unwrap().is_none());
        let url = |path: &str| format!("https://localhost:8443/{path}");
        let facts = Facts {
            base_url: "https://localhost:8443".to_owned(),
            admin_token: "qt_x".to_owned(),
            provider_link: url("provider#p"),
            patient_links: vec![PatientLink { url: url("join#a"), birth_date: "1951-07-25".to_owned(), name: "R".to_owned() }],
            appointment: "apt-x".to_owned(),
            visit: "vis-x".to_owned(),
        };
        facts.keep(directory.path()).unwrap();
        let mode = fs::metadata(directory.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let mut kept = Facts::kept(directory.path()).unwrap().unwrap();
        assert_eq!(kept.port(), Some(8443));
        kept.move_to("https://localhost:9");
        assert_eq!(
            (&*kept.provider_link, &*kept.patient_links[0].url),
            ("https://localhost:9/provider#p", "https://localhost:9/join#a")
        );
    }
}
