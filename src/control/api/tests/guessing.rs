//! Whoever guesses: how many dates are looked at, and what the refusals tell. Slow tests say how long they take.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use jiff::civil::{Date, date};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::super::door::enter;
use super::world::{World, refused, token_of};
use crate::control::api::Limits;
use crate::control::registry::{Refusal, Registry};
use crate::control::verify::{Claim, DoorLimits, Steps, terms};
use crate::control::words::{Act, Actor, Network, Role, Token, TokenKind, random};

const TODAY: Date = date(2027, 1, 15);

fn network(number: u32) -> Network {
    Network::of(IpAddr::V4(Ipv4Addr::from_bits(number)))
}

fn claim(birth_date: &str) -> Claim {
    Claim::new(Some(birth_date), Some(terms::VERSION), None, None, None, &Steps::default(), TODAY).unwrap()
}

fn link(text: &str) -> Token {
    Token::shown(TokenKind::Link, text).unwrap()
}

async fn is_refused(registry: &Registry, from: u32, token: &Token, birth_date: &str) -> bool {
    matches!(registry.enter(network(from), Some(token), &claim(birth_date)).await, Err(Refusal::Failed))
}

/// How many dates the records say were wrong for the booked appointment's link of this place; and how many the audit
/// says in all.
async fn counted(world: &World, booked: &super::world::Booked, place: usize) -> (u64, usize) {
    let read: Value = world.get(&format!("/appointments/{}", booked.id()), &world.scheduler).await.json().await.unwrap();
    let records = world.registry.store().audit(0, 10_000).await.unwrap();
    let wrong = records.iter().filter(|record| record.outcome == "wrong_date").count();
    (read["links"][place]["wrong_dates"].as_u64().unwrap(), wrong)
}

/// A century of dates, from 731 networks, one after the other: half a minute in a debug build.
#[tokio::test]
async fn of_a_century_of_dates_five_are_looked_at() {
    let world = World::new().await;
    let booked = world.booked().await;
    let token = link(&booked.links[1]);
    let first = date(1926, 12, 1);
    let dates = first.series(jiff::ToSpan::days(1)).take(36_525);
    for (number, date) in (0u32..).zip(dates) {
        assert!(is_refused(&world.registry, number / 50, &token, &date.to_string()).await, "{date}");
    }
    assert_eq!(counted(&world, &booked, 1).await, (5, 5));
    assert!(is_refused(&world.registry, 9_999, &token, "1948-02-29").await, "the right date comes too late");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_hundred_dates_at_one_instant_five_are_looked_at_also_after_a_restart() {
    let world = World::new().await;
    let booked = world.booked().await;
    let (before, after) = (world.registry.clone(), world.reopened().await);
    let mut guesses = JoinSet::new();
    for number in 0..200u32 {
        // Half of them ask a second server over the same records.
        let registry = if number % 2 == 0 { before.clone() } else { after.clone() };
        let token = link(&booked.links[1]);
        guesses.spawn(async move { is_refused(&registry, number, &token, &format!("20{:02}-01-01", number % 27)).await });
    }
    while let Some(refused) = guesses.join_next().await {
        assert!(refused.unwrap());
    }
    let again = world.reopened().await;
    for number in 0..20 {
        assert!(is_refused(&again, number, &link(&booked.links[1]), "2001-01-01").await);
    }
    assert_eq!(counted(&world, &booked, 1).await, (5, 5));
    assert!(is_refused(&again, 999, &link(&booked.links[1]), "1948-02-29").await);
}

#[tokio::test]
async fn staff_unlock_a_link_in_one_request_or_give_another() {
    let world = World::new().await;
    let booked = world.booked().await;
    for _ in 0..5 {
        assert!(is_refused(&world.registry, 1, &link(&booked.links[1]), "2001-01-01").await);
    }
    let read: Value = world.get(&format!("/appointments/{}", booked.id()), &world.scheduler).await.json().await.unwrap();
    assert_eq!((&read["links"][1]["state"], &read["links"][1]["wrong_dates"]), (&json!("locked"), &json!(5)));
    let path = |link: &Value, what: &str| format!("/appointments/{}/links/{}/{what}", booked.id(), link["id"].as_str().unwrap());
    let unlock = path(&read["links"][1], "unlock");
    refused(world.api(Method::POST, &unlock, &world.monitor).send().await.unwrap(), 403, "forbidden").await;
    assert_eq!(world.api(Method::POST, &unlock, &world.scheduler).send().await.unwrap().status(), StatusCode::NO_CONTENT);
    let person = world.enter(&booked.links[1], Some("1948-02-29")).await;

    let reissue = path(&read["links"][1], "reissue");
    let fresh: Value = world.api(Method::POST, &reissue, &world.scheduler).send().await.unwrap().json().await.unwrap();
    assert_eq!((&fresh["patient_id"], &fresh["state"]), (&read["links"][1]["patient_id"], &json!("open")));
    refused(world.get(&format!("/visits/{}", person.visit), &person.session).await, 401, "unauthorized").await;
    assert!(is_refused(&world.registry, 1, &link(&booked.links[1]), "1948-02-29").await, "the old one opens nothing");
    refused(world.api(Method::POST, &reissue, &world.scheduler).send().await.unwrap(), 404, "not_found").await;
    world.enter(&token_of(&fresh), Some("1948-02-29")).await;
}

#[tokio::test]
async fn a_removed_person_who_may_not_return_looks_like_every_other_refusal() {
    let world = World::new().await;
    let (booked, people) = world.four().await;
    let path = format!("/visits/{}/participants/{}/remove", people[0].visit, people[1].participant);
    let removed = world.post(&path, &people[0].session, &json!({"may_return": false})).await;
    assert_eq!(removed.status(), StatusCode::NO_CONTENT);
    let body = json!({"link": booked.links[1], "birth_date": "1948-02-29", "terms": true});
    let barred = world.verify(&body).await.text().await.unwrap();
    let unknown = json!({"link": "unknownunknownunknownunknown1234", "birth_date": "1948-02-29", "terms": true});
    assert_eq!(barred, world.verify(&unknown).await.text().await.unwrap());
    let other = json!({"link": booked.links[1], "birth_date": "1948-02-29", "terms": true,
        "who": "other", "name": "Cleo", "relationship": "daughter"});
    assert_eq!(world.verify(&other).await.status(), StatusCode::OK, "somebody else with the same link is another person");
}

#[tokio::test]
async fn a_network_is_told_to_wait_whatever_it_says_of_itself() {
    let door = DoorLimits { tries_per_network: 5, wrong_dates: 100 };
    let world = World::guarded(Limits::default(), door).await;
    let booked = world.booked().await;
    let ask = |link: &str, from: String| {
        let body = json!({"link": link, "birth_date": "2001-01-01", "terms": true});
        world.ask(Method::POST, "/api/v1/verify").header("x-forwarded-for", from).json(&body).send()
    };
    for number in 0..5 {
        let unknown = format!("unknownunknownunknownunknown123{number}");
        refused(ask(&unknown, format!("203.0.113.{number}")).await.unwrap(), 403, "verification_failed").await;
    }
    for (number, link) in [&*booked.links[1], "unknownunknownunknownunknown1234"].into_iter().enumerate() {
        let answer = ask(link, format!("198.51.100.{number}")).await.unwrap();
        assert_eq!(answer.headers()["retry-after"], "61");
        refused(answer, 429, "too_many_tries").await;
    }
    assert_eq!(counted(&world, &booked, 1).await.0, 0, "what is not let try counts nothing");
    world.clock.advance(Duration::from_secs(60));
    world.enter(&booked.links[1], Some("1948-02-29")).await;
}

#[tokio::test]
async fn a_trusted_proxy_is_believed_about_who_asks() {
    let limits = Limits { trusted_proxies: vec![IpAddr::V4(Ipv4Addr::LOCALHOST)], ..Limits::default() };
    let world = World::guarded(limits, DoorLimits { tries_per_network: 1, wrong_dates: 100 }).await;
    for (from, status) in [("203.0.113.1", 403), ("203.0.113.1", 429), ("203.0.113.2", 403)] {
        let body = json!({"link": "unknownunknownunknownunknown1234", "birth_date": "2001-01-01", "terms": true});
        let request = world.ask(Method::POST, "/api/v1/verify").header("x-forwarded-for", from).json(&body);
        assert_eq!(request.send().await.unwrap().status().as_u16(), status, "{from}");
    }
}

#[tokio::test]
async fn many_wrong_dates_raise_an_alarm_once_a_minute() {
    let world = World::guarded(Limits::default(), DoorLimits { tries_per_network: 60, wrong_dates: 6 }).await;
    let booked = world.booked().await;
    let metrics = async || world.get("/metrics", &world.monitor).await.text().await.unwrap();
    for number in 0..6 {
        is_refused(&world.registry, 1, &link(&booked.links[1 + number % 2]), "2001-01-01").await;
    }
    assert!(metrics().await.contains("quartet_door_alarm 0\n"));
    for number in 0..4 {
        is_refused(&world.registry, 1, &link(&booked.links[1 + number % 2]), "2001-01-01").await;
    }
    let told = metrics().await;
    assert!(told.contains("quartet_door_alarm 1\n") && told.contains("quartet_verifications_total{outcome=\"wrong_date\"} 10\n"));
    let records = world.registry.store().audit(0, 10_000).await.unwrap();
    assert_eq!(records.iter().filter(|record| record.action == "door.alarm").count(), 1);
    world.clock.advance(Duration::from_secs(60));
    assert!(metrics().await.contains("quartet_door_alarm 0\n"));
}

#[tokio::test]
async fn strangers_do_not_fill_the_audit() {
    let world = World::new().await;
    let before = world.registry.store().audit_head().await.unwrap().seq;
    for _ in 0..100 {
        refused(world.ask(Method::GET, "/api/v1/patients").send().await.unwrap(), 401, "unauthorized").await;
    }
    let records = world.registry.store().audit(before, 1_000).await.unwrap();
    assert_eq!(records.len(), 60);
    world.clock.advance(Duration::from_secs(60));
    world.registry.handle_timeout().await;
    let sum = world.registry.store().audit(before + 60, 1_000).await.unwrap();
    let told: Vec<_> = sum.iter().map(|record| (&*record.action, record.subject.as_deref())).collect();
    assert_eq!(told, [("strangers", Some("40"))]);
}

#[tokio::test]
async fn a_door_that_asks_for_no_date_opens_to_the_link_alone_and_still_to_no_other() {
    let world = World::new().await;
    let booked = world.booked().await;
    let registry = world.reopened_asking(Steps::new([])).await;
    let silent = Claim::new(None, None, None, None, None, registry.steps(), TODAY).unwrap();
    let entered = registry.enter(network(1), Some(&link(&booked.links[2])), &silent).await.unwrap();
    assert_eq!((entered.role, entered.name.as_str()), (Role::Patient, "Cy Cyan"), "whom the link names");
    let unknown = link("unknownunknownunknownunknown1234");
    assert!(matches!(registry.enter(network(1), Some(&unknown), &silent).await, Err(Refusal::Failed)));
    assert!(
        Claim::new(None, None, None, None, None, &Steps::default(), TODAY).is_err(),
        "where terms are asked for, they come first"
    );
}

#[tokio::test]
async fn two_patients_of_one_birthday_are_told_apart_by_their_links() {
    let world = World::new().await;
    let provider = world.make("/providers", json!({"name": "Dr. Ada"})).await;
    let mut patients = Vec::new();
    for name in ["Castor", "Pollux"] {
        patients.push(world.make("/patients", json!({"name": name, "birth_date": "1990-05-05"})).await["id"].clone());
    }
    let body = json!({"provider_id": provider["id"], "patient_ids": patients, "start": super::world::START,
        "kind": "group", "group_name": "G"});
    let appointment = world.make("/appointments", body).await;
    for (place, name) in [(1, "Castor"), (2, "Pollux")] {
        let body = json!({"link": token_of(&appointment["links"][place]), "birth_date": "1990-05-05", "terms": true});
        let entered: Value = world.verify(&body).await.json().await.unwrap();
        assert_eq!(entered["name"], name);
    }
}

#[tokio::test]
async fn who_comes_in_is_no_refused_stranger() {
    let world = World::new().await;
    let booked = world.booked().await;
    for _ in 0..70 {
        let entered = world.registry.enter(network(1), Some(&link(&booked.links[1])), &claim("1948-02-29")).await;
        assert!(entered.is_ok());
    }
    world.clock.advance(Duration::from_secs(60));
    world.registry.handle_timeout().await;
    let records = world.registry.store().audit(0, 10_000).await.unwrap();
    assert!(records.iter().all(|record| record.action != "strangers"));
}

/// Welch's t of two samples.
fn t(a: &[f64], b: &[f64]) -> f64 {
    let moments = |of: &[f64]| {
        let count = of.len() as f64;
        let mean = of.iter().sum::<f64>() / count;
        (mean, of.iter().map(|one| (one - mean).powi(2)).sum::<f64>() / (count - 1.0) / count)
    };
    let ((a, va), (b, vb)) = (moments(a), moments(b));
    (a - b) / (va + vb).sqrt()
}

/// 500 refusals of each of four kinds, one begun each ten milliseconds in an order that is drawn: twenty seconds. A
/// hundred thousand, begun each three milliseconds, take five minutes and say the same; so few already tell the kinds
/// apart by far if the answer does not wait for its step.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn how_long_a_refusal_takes_does_not_tell_why() {
    const SAMPLES: usize = 500;
    let world = World::guarded(Limits::default(), DoorLimits { wrong_dates: 100_000, ..DoorLimits::default() }).await;
    let booked = world.booked().await;
    let read: Value = world.get(&format!("/appointments/{}", booked.id()), &world.scheduler).await.json().await.unwrap();
    let link_id = |place: usize| read["links"][place]["id"].as_str().unwrap().to_owned();
    for _ in 0..5 {
        assert!(is_refused(&world.registry, u32::MAX, &link(&booked.links[2]), "2001-01-01").await);
    }
    let revoke = format!("/appointments/{}/links/{}", booked.id(), link_id(3));
    assert_eq!(world.api(Method::DELETE, &revoke, &world.scheduler).send().await.unwrap().status(), StatusCode::NO_CONTENT);
    let tokens =
        [link("unknownunknownunknownunknown1234"), link(&booked.links[2]), link(&booked.links[3]), link(&booked.links[1])];
    let unlock = (read["id"].as_str().unwrap().parse().unwrap(), link_id(1).parse().unwrap());
    let act = Act::done(Actor::System, "test");

    let mut kinds: Vec<usize> = (0..4).flat_map(|kind| [kind; SAMPLES]).collect();
    for last in (1..kinds.len()).rev() {
        kinds.swap(last, usize::try_from(random::bits() % (last as u64 + 1)).unwrap());
    }
    let mut tries = JoinSet::new();
    let mut pace = tokio::time::interval(Duration::from_millis(10));
    for (number, kind) in (0u32..).zip(kinds) {
        pace.tick().await;
        // The link that takes wrong dates never has its fifth.
        world.registry.store().unlock_link(unlock.0, unlock.1, &act, world.clock.now()).await.unwrap();
        let (registry, token) = (world.registry.clone(), tokens[kind].clone());
        tries.spawn(async move {
            let came = Instant::now();
            let refused = enter(&registry, came, network(number), Some(&token), &claim("2001-01-01")).await;
            assert!(matches!(refused, Err(Refusal::Failed)));
            (kind, came.elapsed().as_secs_f64())
        });
    }
    let mut took: [Vec<f64>; 4] = Default::default();
    while let Some(tried) = tries.join_next().await {
        let (kind, seconds) = tried.unwrap();
        took[kind].push(seconds);
    }
    for a in 0..4 {
        for b in 0..a {
            let t = t(&took[a], &took[b]);
            assert!(t.abs() < 4.5, "kinds {a} and {b}: t = {t}");
        }
    }
}
