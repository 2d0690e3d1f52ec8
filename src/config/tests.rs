use super::*;

const MANUAL: &str = include_str!("../../config/quartet.toml");

fn problems(text: &str) -> Vec<(usize, String)> {
    Config::parse(text).unwrap_err().list().iter().map(|problem| (problem.line, problem.key.clone())).collect()
}

#[test]
fn the_manual_equals_the_defaults() {
    assert_eq!(Config::parse(MANUAL).unwrap(), Config::default());
}

#[test]
fn the_manual_shows_every_key() {
    // Every key of the manual, made unknown, is named as the nearest known one: so each line is really read.
    let keys: Vec<&str> = MANUAL.lines().filter(|line| !line.starts_with(['#', '[']) && line.contains(" = ")).collect();
    assert!(keys.len() >= 20, "{keys:?}");
    for line in keys {
        let (key, value) = line.split_once(" = ").unwrap();
        let changed = MANUAL.replace(&format!("\n{line}\n"), &format!("\n{key}x = {value}\n"));
        let error = Config::parse(&changed).unwrap_err();
        assert_eq!(error.list().len(), 1, "{key}");
        assert!(error.to_string().contains(&format!("{key}?")), "{error}");
    }
}

#[test]
fn an_empty_file_means_the_defaults() {
    assert_eq!(Config::parse("").unwrap(), Config::default());
}

#[test]
fn every_problem_is_reported_at_once_with_its_line_and_key() {
    let text = r#"
[server]
listen = "0.0.0.0:8443"
public_url = "http://visits.example.org"
certificat = "/x"

[media]
first_port = 70000
workers = -1
addresses = ["192.0.2.300"]

[visit]
opens_before_minutes = "thirty"

[webcam]
on = true
"#;
    let expected = [
        (3, "server.listen"),
        (4, "server.public_url"),
        (5, "server.certificat"),
        (8, "media.first_port"),
        (9, "media.workers"),
        (10, "media.addresses"),
        (13, "visit.opens_before_minutes"),
        (15, "webcam"),
    ];
    assert_eq!(problems(text), expected.map(|(line, key)| (line, key.to_owned())));
}

#[test]
fn visits_never_leave_less_room_than_their_people_need() {
    for (visits, seats, fits) in [(85, 92, true), (85, 85, true), (1, 1, true), (85, 84, false), (93, 92, false)] {
        let text = format!("[media]\nbusy_percent_visits = {visits}\nbusy_percent_seats = {seats}\n");
        assert_eq!(Config::parse(&text).is_ok(), fits, "{visits} {seats}");
    }
}

#[test]
fn an_unknown_section_is_refused() {
    assert_eq!(problems("[webcam]\non = true\n"), [(1, "webcam".to_owned())]);
}

#[test]
fn a_typing_error_is_answered_with_the_key_that_was_meant() {
    let error = Config::parse("[server]\npublic_ulr = \"https://a\"").unwrap_err();
    assert!(error.to_string().contains("did you mean server.public_url?"), "{error}");
}

#[test]
fn what_is_no_toml_is_refused_with_its_line() {
    for text in ["[server", "[server]\nlisten = \n", "= 1", "\0", "[a]\n[a]\n", "a = 1\na = 2\n"] {
        let found = problems(text);
        assert!(!found.is_empty() && found.iter().all(|(line, _)| *line >= 1), "{text:?} {found:?}");
    }
}

#[test]
fn hostile_files_are_refused_in_bounded_work() {
    let deep = format!("a = {}{}", "[".repeat(100_000), "]".repeat(100_000));
    let wide: String = (0..100_000).map(|n| format!("k{n} = 1\n")).collect();
    let long = format!("{} = 1e400", "k".repeat(1_000_000));
    for text in [&deep, &wide, &long] {
        let error = Config::parse(text).unwrap_err();
        assert!(error.list().iter().all(|problem| problem.what.len() < 2_000 && problem.key.len() < 200));
    }
}

#[test]
fn an_advertised_address_may_name_its_port() {
    let config = Config::parse("[media]\nadvertise = [\"203.0.113.7\", \"[2001:db8::7]:50000\"]").unwrap();
    assert_eq!(config.media.advertise[0].first_port, None);
    assert_eq!(config.media.advertise[1].first_port, Some(50_000));
}

#[test]
fn a_missing_file_says_what_to_do() {
    let error = Config::read(Path::new("no-such-file.toml")).unwrap_err();
    assert!(error.to_string().contains("--config"), "{error}");
}

#[test]
fn rules_are_words_and_unknown_ones_are_refused_with_what_is_known() {
    let text = "[visit]\nrejoin = \"scheduled_and_host_present\"\nadmission = \"on_arrival\"\n[verify]\nsteps = [\"terms\"]\n";
    let config = Config::parse(text).unwrap();
    assert_eq!((config.visit.rejoin, config.visit.admission), (Rejoin::ScheduledAndHostPresent, Admission::OnArrival));
    assert_eq!(config.verify.steps, [Step::Terms]);
    assert_eq!(Config::parse("[verify]\nsteps = []\n").unwrap().verify.steps, []);
    for (text, key, hint) in [
        ("[verify]\nsteps = [\"birth_date\", \"one_time_code\"]", "verify.steps", "a list of \"birth_date\" and \"terms\""),
        ("[visit]\nadmission = \"nobody\"", "visit.admission", "\"provider\" or \"on_arrival\""),
        ("[visit]\nrejoin = true", "visit.rejoin", "\"window\" or \"scheduled_and_host_present\""),
        ("[server]\ntrusted_proxies = [\"10.0.0.0/8\"]", "server.trusted_proxies", "addresses, like [\"10.0.0.2\"]"),
        ("[browsers]\nsafari = 0", "browsers.safari", "a whole number from 1 to 9999"),
    ] {
        let error = Config::parse(text).unwrap_err();
        assert_eq!(error.list().iter().map(|problem| &*problem.key).collect::<Vec<_>>(), [key]);
        assert!(error.to_string().contains(hint), "{error}");
    }
}

#[test]
fn a_proxy_is_known_by_its_plain_address() {
    let config = Config::parse("[server]\ntrusted_proxies = [\"::ffff:10.0.0.2\"]").unwrap();
    assert_eq!(config.server.trusted_proxies, ["10.0.0.2".parse::<IpAddr>().unwrap()]);
}
