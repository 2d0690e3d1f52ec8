//! The certificate that this process shows to browsers.
#![forbid(unsafe_code)]

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use boring::asn1::Asn1Time;
use boring::bn::{BigNum, MsbOption};
use boring::ec::{EcGroup, EcKey};
use boring::error::ErrorStack;
use boring::hash::MessageDigest;
use boring::nid::Nid;
use boring::pkey::{PKey, Private};
use boring::x509::{X509, X509Name, X509Ref};

use crate::link::terms::Fingerprint;

/// A peer whose clock is late must not see a certificate from tomorrow.
const SLACK: Duration = Duration::from_secs(24 * 3600);
/// Longer than a process runs: it makes a new certificate each time it starts, and none is ever stored.
const VALID: Duration = Duration::from_secs(10 * 365 * 24 * 3600);
/// RFC 5280 §4.1.2.2: a serial number has at most 20 octets and is positive.
const SERIAL_BITS: i32 = 159;

/// A self-signed ECDSA P-256 certificate and its key: made when the process starts, shared by its workers,
/// never on a disk. What makes it trusted is its fingerprint in the answer, which travels over HTTPS.
#[derive(Clone)]
pub struct Identity {
    pub(super) certificate: X509,
    pub(super) key: PKey<Private>,
    fingerprint: Fingerprint,
}

impl Identity {
    /// Makes a new one, valid around `wall`.
    pub fn generate(wall: SystemTime) -> Result<Identity, SetupError> {
        // RFC 8827 §6.5: implementations MUST support P-256 with SHA-256 signatures.
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
        let key = PKey::from_ec_key(EcKey::generate(&group)?)?;
        // The name browsers use for theirs: it tells nobody anything.
        let mut name = X509Name::builder()?;
        name.append_entry_by_nid(Nid::COMMONNAME, "WebRTC")?;
        let name = name.build();
        let mut serial = BigNum::new()?;
        serial.rand(SERIAL_BITS, MsbOption::ONE, false)?;

        let mut builder = X509::builder()?;
        builder.set_version(2)?;
        builder.set_serial_number(&*serial.to_asn1_integer()?)?;
        builder.set_subject_name(&name)?;
        builder.set_issuer_name(&name)?;
        builder.set_not_before(&*moment(wall - SLACK)?)?;
        builder.set_not_after(&*moment(wall + VALID)?)?;
        builder.set_pubkey(&key)?;
        builder.sign(&key, MessageDigest::sha256())?;
        let certificate = builder.build();
        let fingerprint = of(&certificate)?;
        Ok(Identity { certificate, key, fingerprint })
    }

    /// What the answer says in `a=fingerprint`.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }
}

/// The certificate is public, the key is not: neither is shown.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity(…)")
    }
}

/// The fingerprint of any certificate (RFC 8122 §5).
pub(super) fn of(certificate: &X509Ref) -> Result<Fingerprint, SetupError> {
    let digest = certificate.digest(MessageDigest::sha256())?;
    <[u8; 32]>::try_from(&*digest).map(Fingerprint).map_err(|_| SetupError)
}

/// The crypto library refused to make a certificate or to take our settings: out of memory, or a build without
/// what we need. The process cannot serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetupError;

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BoringSSL refused to set up DTLS")
    }
}

impl std::error::Error for SetupError {}

impl From<ErrorStack> for SetupError {
    fn from(_: ErrorStack) -> SetupError {
        SetupError
    }
}

fn moment(wall: SystemTime) -> Result<Asn1Time, SetupError> {
    let since = wall.duration_since(UNIX_EPOCH).map_err(|_| SetupError)?;
    let seconds = i64::try_from(since.as_secs()).map_err(|_| SetupError)?;
    Ok(Asn1Time::from_unix(seconds)?)
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use super::*;

    #[test]
    fn the_fingerprint_is_that_of_the_certificate() {
        let identity = Identity::generate(SystemTime::now()).unwrap();
        let der = identity.certificate.to_der().unwrap();
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &der);
        assert_eq!(identity.fingerprint().0, digest.as_ref());
    }

    #[test]
    fn each_certificate_is_new_and_says_nothing() {
        let wall = SystemTime::now();
        let [a, b] = [(); 2].map(|()| Identity::generate(wall).unwrap());
        let serial = |identity: &Identity| identity.certificate.serial_number().to_bn().unwrap().to_vec();
        assert_ne!(serial(&a), serial(&b));
        assert_ne!(a.fingerprint(), b.fingerprint());
        let names: Vec<_> = a.certificate.subject_name().entries().map(|entry| entry.data().as_slice()).collect();
        assert_eq!(names, [b"WebRTC"]);
    }

    #[test]
    fn the_certificate_is_valid_a_day_before_it_was_made() {
        let wall = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let certificate = Identity::generate(wall).unwrap().certificate;
        let made = moment(wall).unwrap();
        let yesterday = moment(wall - SLACK).unwrap();
        assert_eq!(certificate.not_before().compare(&yesterday).unwrap(), Ordering::Equal);
        assert_eq!(certificate.not_after().compare(&made).unwrap(), Ordering::Greater);
        assert!(certificate.verify(&certificate.public_key().unwrap()).unwrap());
    }

    #[test]
    fn a_wall_clock_before_1970_is_refused() {
        assert_eq!(Identity::generate(UNIX_EPOCH).unwrap_err(), SetupError);
    }
}
