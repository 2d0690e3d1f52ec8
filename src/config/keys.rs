//! Every key there is, in the order of `config/quartet.toml`.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use toml::de::DeTable;

use super::problem::Problems;
use super::section::{Findings, Section};
use super::{Admission, Advertise, Config, Level, Rejoin, Step};

/// The longest text of a name, a phone number or hours; more would not fit a page.
const TEXT_MAX: usize = 200;

pub(super) fn read(text: &str) -> Result<Config, Problems> {
    let mut found = Findings::new(text);
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in errors.iter().take(16) {
        found.note(
            error.span().map_or(0, |span| span.start),
            "",
            error.message(),
            "this line is not TOML; texts stand in quotes, lists in [ ]",
        );
    }
    if errors.is_empty() {
        let mut config = Config::default();
        read_root(Section::root(document.get_ref()), &mut config, &mut found);
        if found.problems.is_empty() {
            return Ok(config);
        }
    }
    Err(Problems::new(found.problems))
}

fn read_root(mut root: Section<'_, '_>, config: &mut Config, found: &mut Findings<'_>) {
    let mut server = root.section("server", found);
    server.texts("listen", &mut config.server.listen, 8, r#"addresses with ports, like ["0.0.0.0:8443"]"#, found, |text| {
        text.parse::<SocketAddr>().ok()
    });
    server.text(
        "public_url",
        &mut config.server.public_url,
        r#""https://" and the host that people type, like "https://visits.example.org""#,
        found,
        public_url,
    );
    server.text("certificate", &mut config.server.certificate, "the path of a PEM file", found, path);
    server.text("key", &mut config.server.key, "the path of a PEM file", found, path);
    server.text("runtime_directory", &mut config.server.runtime_directory, "the path of a directory", found, path);
    server.texts("trusted_proxies", &mut config.server.trusted_proxies, 8, r#"addresses, like ["10.0.0.2"]"#, found, |text| {
        text.parse::<IpAddr>().ok().map(|address| address.to_canonical())
    });
    server.number("drain_seconds", &mut config.server.drain, 0..=86_400, found, Duration::from_secs);
    server.end(found);

    let mut limits = root.section("limits", found);
    limits.number("connections", &mut config.limits.connections, 16..=100_000, found, size);
    limits.number("connections_per_address", &mut config.limits.connections_per_address, 4..=100_000, found, size);
    limits.number("patience_seconds", &mut config.limits.patience, 1..=120, found, Duration::from_secs);
    limits.number("wrong_dates_per_minute", &mut config.limits.wrong_dates, 1..=100_000, found, count);
    limits.number("tries_per_address_per_minute", &mut config.limits.tries_per_address, 5..=100_000, found, count);
    limits.end(found);

    let mut media = root.section("media", found);
    media.number("workers", &mut config.media.workers, 0..=256, found, |number| {
        u16::try_from(number).ok().filter(|&number| number > 0)
    });
    media.texts(
        "addresses",
        &mut config.media.addresses,
        8,
        r#"addresses of this machine, like ["192.0.2.10", "2001:db8::10"]"#,
        found,
        |text| text.parse::<IpAddr>().ok(),
    );
    media.number("first_port", &mut config.media.first_port, 0..=65_000, found, |number| u16::try_from(number).unwrap_or(0));
    media.texts(
        "advertise",
        &mut config.media.advertise,
        8,
        r#"addresses in front of this machine, like ["203.0.113.7"] or ["203.0.113.7:50000"]"#,
        found,
        advertise,
    );
    media.number("busy_percent_visits", &mut config.media.busy_percent_visits, 1..=100, found, count);
    media.number("busy_percent_seats", &mut config.media.busy_percent_seats, 1..=100, found, count);
    media.end(found);

    let mut store = root.section("store", found);
    store.text("path", &mut config.store.path, "the path of the database file", found, path);
    store.end(found);

    let mut visit = root.section("visit", found);
    visit.number("opens_before_minutes", &mut config.visit.opens_before, 0..=1_440, found, minutes);
    visit.number("closes_after_minutes", &mut config.visit.closes_after, 0..=1_440, found, minutes);
    visit.text("rejoin", &mut config.visit.rejoin, r#""window" or "scheduled_and_host_present""#, found, rejoin);
    visit.text("admission", &mut config.visit.admission, r#""provider" or "on_arrival""#, found, admission);
    visit.end(found);

    let mut session = root.section("session", found);
    session.number("idle_minutes", &mut config.session.idle, 1..=1_440, found, minutes);
    session.number("absolute_minutes", &mut config.session.absolute, 1..=1_440, found, minutes);
    session.end(found);

    let mut verify = root.section("verify", found);
    verify.texts("steps", &mut config.verify.steps, 2, r#"a list of "birth_date" and "terms""#, found, step);
    verify.end(found);

    let mut browsers = root.section("browsers", found);
    for (name, version) in [
        ("chrome", &mut config.browsers.chrome),
        ("edge", &mut config.browsers.edge),
        ("firefox", &mut config.browsers.firefox),
        ("safari", &mut config.browsers.safari),
        ("ios", &mut config.browsers.ios),
        ("android", &mut config.browsers.android),
    ] {
        browsers.number(name, version, 1..=9_999, found, count);
    }
    browsers.end(found);

    let mut site = root.section("site", found);
    let hint = format!("a line of at most {TEXT_MAX} letters");
    site.text("name", &mut config.site.name, &hint, found, |text| line(text).filter(|text| !text.is_empty()));
    site.text("support_phone", &mut config.site.support_phone, &hint, found, line);
    site.text("support_hours", &mut config.site.support_hours, &hint, found, line);
    site.text("support_tty", &mut config.site.support_tty, &hint, found, line);
    site.end(found);

    let mut log = root.section("log", found);
    log.text("level", &mut config.log.level, r#""error", "warn", "info", "debug" or "trace""#, found, level);
    log.end(found);

    root.end(found);

    if config.server.listen.is_empty() {
        found.note(0, "server.listen", "is empty", r#"name at least one address, like ["0.0.0.0:8443"]"#);
    }
    if config.media.busy_percent_seats < config.media.busy_percent_visits {
        found.note(
            0,
            "media.busy_percent_seats",
            "is less than media.busy_percent_visits",
            "what is between the two is kept for people who join visits that run: make it at least as large",
        );
    }
}

fn size(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn count(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn rejoin(text: &str) -> Option<Rejoin> {
    match text {
        "window" => Some(Rejoin::Window),
        "scheduled_and_host_present" => Some(Rejoin::ScheduledAndHostPresent),
        _ => None,
    }
}

fn admission(text: &str) -> Option<Admission> {
    match text {
        "provider" => Some(Admission::Provider),
        "on_arrival" => Some(Admission::OnArrival),
        _ => None,
    }
}

fn step(text: &str) -> Option<Step> {
    match text {
        "birth_date" => Some(Step::BirthDate),
        "terms" => Some(Step::Terms),
        _ => None,
    }
}

fn minutes(number: u64) -> Duration {
    Duration::from_secs(number * 60)
}

fn path(text: &str) -> Option<PathBuf> {
    (!text.is_empty() && !text.contains('\0')).then(|| PathBuf::from(text))
}

fn line(text: &str) -> Option<String> {
    (text.chars().count() <= TEXT_MAX && !text.chars().any(char::is_control)).then(|| text.trim().to_owned())
}

/// `https://host[:port]`, and nothing after it: links put their own path there.
fn public_url(text: &str) -> Option<String> {
    let host = text.strip_prefix("https://")?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    (!host.is_empty() && host.len() <= TEXT_MAX && host.bytes().all(plain)).then(|| text.to_owned())
}

fn advertise(text: &str) -> Option<Advertise> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(Advertise { address, first_port: None });
    }
    let with_port = text.parse::<SocketAddr>().ok()?;
    Some(Advertise { address: with_port.ip(), first_port: Some(with_port.port()) })
}

fn level(text: &str) -> Option<Level> {
    [Level::Error, Level::Warn, Level::Info, Level::Debug, Level::Trace].into_iter().find(|level| level.word() == text)
}
