//! The certificate that people's browsers see: read from PEM files, or made up for the demo.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::Failure;

/// HTTPS with the operator's certificate.
pub(super) fn from_files(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, Failure> {
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect).map_err(|error| {
            Failure::new(
                format!("server.certificate: {}: {error}", certificate.display()),
                "name a PEM file with the certificate first and its issuers after it",
            )
        })?;
    if chain.is_empty() {
        return Err(Failure::new(
            format!("server.certificate: {} holds no certificate", certificate.display()),
            "it must contain BEGIN CERTIFICATE",
        ));
    }
    let hint = "name a PEM file with the private key of the certificate";
    let mode = fs::metadata(key)
        .map_err(|error| Failure::new(format!("server.key: {}: {error}", key.display()), hint))?
        .permissions()
        .mode();
    if mode & 0o077 != 0 {
        return Err(Failure::new(
            format!("server.key: {} may be read by others (mode {:03o})", key.display(), mode & 0o777),
            format!("chmod 600 {}", key.display()),
        ));
    }
    let key_der = PrivateKeyDer::from_pem_file(key)
        .map_err(|error| Failure::new(format!("server.key: {}: {error}", key.display()), hint))?;
    config(chain, key_der).map_err(|error| {
        Failure::new(
            format!("server.certificate and server.key: {error}"),
            "the key must be the one that the certificate was made for",
        )
    })
}

/// HTTPS with a certificate of our own making, kept in `directory` so that a browser that was told to trust it need not be
/// told again: browsers warn, `curl` wants `--insecure`.
pub(super) fn self_signed(directory: &Path, names: &[&str]) -> Result<Arc<ServerConfig>, Failure> {
    let (certificate, key) = (directory.join("certificate.pem"), directory.join("key.pem"));
    // The certificate is written last: where it is, the key is whole.
    if !certificate.exists() {
        make_certificate(&certificate, &key, names)?;
    }
    from_files(&certificate, &key)
}

fn make_certificate(certificate: &Path, key: &Path, names: &[&str]) -> Result<(), Failure> {
    let hint = "this is a fault of Quartet: please report it";
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let made = rcgen::generate_simple_self_signed(names)
        .map_err(|error| Failure::new(format!("no certificate could be made: {error}"), hint))?;
    let unwritable = |error: std::io::Error| {
        Failure::new(format!("the demo's certificate cannot be written: {error}"), "see that the disk has room")
    };
    let mut out = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(key).map_err(unwritable)?;
    out.write_all(made.signing_key.serialize_pem().as_bytes()).and_then(|()| out.sync_all()).map_err(unwritable)?;
    fs::write(certificate, made.cert.pem()).map_err(unwritable)
}

/// TLS 1.2 and 1.3, HTTP/1.1 only: what HTTP/2 would add is a larger face to attack.
fn config(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<Arc<ServerConfig>, rustls::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
