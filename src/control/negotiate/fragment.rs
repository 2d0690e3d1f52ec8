//! A restart of ICE: a fragment of a description (RFC 8840) in, and one out. Nothing else of a leg changes.

use super::line::{Heading, Session, Transport};
use super::mint::Mint;
use super::text::{Description, Section};
use super::{LocalMedia, OfferError, plan, write};
use crate::link::IceCredentials;
use crate::link::terms::Mid;

/// What a restart has agreed on. Without `Debug`, as the answer holds the password.
pub struct Restarted {
    /// What the worker is to take checks with from now on.
    pub local: IceCredentials,
    pub remote: IceCredentials,
    /// The fragment that answers.
    pub answer: String,
}

/// Answers a fragment by which a page restarts ICE (the shape of RFC 9725 §4.3.3). Its candidates are not read: this
/// side sends no checks, so it meets the page where the page's checks come from.
///
/// `random` fills its argument with random bytes.
pub fn restart(fragment: &str, local: &LocalMedia, random: &mut dyn FnMut(&mut [u8])) -> Result<Restarted, OfferError> {
    let description = Description::fragment(fragment)?;
    let session = Session::read(&description.session);
    let whole = Transport::of(&description.session);
    // All media share one transport: the first section that says something of it speaks for all.
    let speaks = |section: &&Section<'_>| {
        let transport = Transport::of(&section.attributes);
        transport.ufrag.is_some() || transport.password.is_some()
    };
    let speaking = description.media.iter().find(speaks).or(description.media.first());
    let transport = speaking.map(|section| Transport::of(&section.attributes)).unwrap_or_default().or(&whole);
    let remote = plan::credentials(&transport).ok_or(OfferError::NoRestart)?;
    let section = speaking.map(heading_and_mid).transpose()?;
    let ours = Mint::new(random).credentials();
    let answer = write::fragment(session.bundle, section, &ours, local);
    Ok(Restarted { local: ours, remote, answer })
}

/// What names a section, to be repeated in the answer.
fn heading_and_mid<'a>(section: &Section<'a>) -> Result<(Heading<'a>, Option<Mid>), OfferError> {
    let bad = OfferError::BadMid { line: 1 };
    let heading = Heading::parse(section.heading, 1)?;
    let mid = section.attributes.iter().find(|attribute| attribute.name == "mid").map(|attribute| attribute.value);
    Ok((heading, mid.map(|mid| Mid::new(mid).ok_or(bad)).transpose()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::control::negotiate::text::{ATTRIBUTES_MAX, FRAGMENT_MAX, LINE_MAX, MEDIA_MAX};
    use crate::link::Fingerprint;

    const UFRAG: &str = "a=ice-ufrag:ysXw\r\n";
    const PASSWORD: &str = "a=ice-pwd:vw5LmwG4y/e6dPP/zAP9Gp5k\r\n";
    /// RFC 9725 §4.3.3, as it stands there, but for its addresses.
    const RFC: &str = "a=ice-options:trickle ice2\r\na=group:BUNDLE 0 1\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=ice-ufrag:ysXw\r\na=ice-pwd:vw5LmwG4y/e6dPP/zAP9Gp5k\r\na=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0 ufrag ysXw network-id 1\r\na=candidate:3471623853 1 udp 2122194687 198.51.100.2 61765 typ host generation 0 ufrag ysXw network-id 2\r\na=end-of-candidates\r\n";

    fn restarted(fragment: &str) -> Result<Restarted, OfferError> {
        let candidates = ["192.0.2.1:5004", "[2001:db8::1]:5004"].map(|address| address.parse().unwrap()).to_vec();
        let local = LocalMedia { fingerprint: Fingerprint([0; 32]), candidates };
        let mut next = 0u8;
        restart(fragment, &local, &mut |bytes| bytes.fill_with(|| (next = next.wrapping_add(1), next).1))
    }

    fn remote(fragment: &str) -> (String, String) {
        let remote = restarted(fragment).map_err(|error| error.to_string()).unwrap().remote;
        (remote.ufrag, remote.password.expose().clone())
    }

    #[test]
    fn the_example_of_the_rfc_is_answered_with_what_a_page_needs() {
        let answer = restarted(RFC).map_err(|error| error.to_string()).unwrap().answer;
        let ours = ["a=ice-ufrag:BCDEFGHIJKLM", "a=ice-pwd:NOPQRSTUVWXYZabcdefghijk"];
        let opening =
            ["a=ice-lite", "a=ice-options:ice2 trickle", "a=group:BUNDLE 0 1", "m=audio 9 UDP/TLS/RTP/SAVPF 111", "a=mid:0"];
        let candidates = [
            "a=candidate:1 1 udp 2130706431 192.0.2.1 5004 typ host",
            "a=candidate:2 1 udp 2130706175 2001:db8::1 5004 typ host",
            "a=end-of-candidates",
        ];
        let expected: Vec<&str> = opening.into_iter().chain(ours).chain(candidates).collect();
        assert_eq!(answer.lines().collect::<Vec<_>>(), expected);
        let again = restarted(&answer).map_err(|error| error.to_string()).unwrap().remote;
        assert_eq!(again.ufrag, "BCDEFGHIJKLM", "and can be read as one");
    }

    #[test]
    fn credentials_are_found_where_a_client_may_write_them() {
        let theirs = ("ysXw".to_owned(), "vw5LmwG4y/e6dPP/zAP9Gp5k".to_owned());
        for fragment in [
            RFC.to_owned(),
            RFC.replace("\r\n", "\n"),
            format!("{UFRAG}{PASSWORD}"),
            format!("{PASSWORD}{UFRAG}a=end-of-candidates"),
            format!("{UFRAG}{PASSWORD}m=audio 9 RTP/SAVPF 0\r\na=mid:0\r\n"),
            format!("{UFRAG}m=audio 9 RTP/SAVPF 0\r\n{PASSWORD}"),
            format!("m=audio 9 RTP/SAVPF 0\r\na=mid:0\r\nm=video 9 RTP/SAVPF 0\r\na=mid:1\r\n{UFRAG}{PASSWORD}"),
            format!("a=ice-ufrag:else\r\nm=audio 9 RTP/SAVPF 0\r\n{UFRAG}{PASSWORD}"),
        ] {
            assert_eq!(remote(&fragment), theirs, "{fragment:?}");
        }
        let bare = restarted(&format!("{UFRAG}{PASSWORD}")).map_err(|error| error.to_string()).unwrap().answer;
        assert!(!bare.contains("m=") && !bare.contains("a=group") && bare.contains("a=end-of-candidates"));
    }

    #[test]
    fn what_is_no_restart_is_refused_with_its_reason() {
        for (fragment, error) in [
            (String::new(), OfferError::NotFragment { at: 1 }),
            ("v=0\r\n".to_owned(), OfferError::NotFragment { at: 1 }),
            (format!("{UFRAG}\r\n{PASSWORD}"), OfferError::NotFragment { at: 2 }),
            (format!("{UFRAG}{{}}"), OfferError::NotFragment { at: 2 }),
            (format!("{UFRAG}a=x\0"), OfferError::ControlCharacter { at: 2 }),
            (UFRAG.to_owned(), OfferError::NoRestart),
            (PASSWORD.to_owned(), OfferError::NoRestart),
            ("a=end-of-candidates".to_owned(), OfferError::NoRestart),
            (format!("{UFRAG}a=ice-pwd:short"), OfferError::NoRestart),
            (format!("a=ice-ufrag:abc\r\n{PASSWORD}"), OfferError::NoRestart),
            (format!("a=ice-ufrag:{}\r\n{PASSWORD}", "x".repeat(257)), OfferError::NoRestart),
            (format!("a=ice-ufrag:a:bcd\r\n{PASSWORD}"), OfferError::NoRestart),
            (format!("{UFRAG}{PASSWORD}m=audio\r\n"), OfferError::BadMediaLine { line: 1 }),
            (format!("{UFRAG}{PASSWORD}m=audio 9 RTP/SAVPF 0\r\na=mid:{}", "x".repeat(17)), OfferError::BadMid { line: 1 }),
            (format!("{UFRAG}{PASSWORD}a={}", "x".repeat(LINE_MAX)), OfferError::LineTooLong { at: 3 }),
            ("a=x\n".repeat(ATTRIBUTES_MAX + 1), OfferError::TooManyAttributes),
            ("m=audio 9 RTP/SAVPF 0\n".repeat(MEDIA_MAX + 1), OfferError::TooManyLines),
            ("a".repeat(FRAGMENT_MAX + 1), OfferError::FragmentTooLong),
        ] {
            assert_eq!(restarted(&fragment).err(), Some(error), "{:.60}", fragment);
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_fall(text in "([am]=|[a-z]|:| |\r|\n|ice-ufrag|ice-pwd|mid|group:BUNDLE|\\PC){0,60}") {
            let _ = restarted(&text);
            let _ = restarted(&format!("{UFRAG}{PASSWORD}{text}"));
        }
    }
}
