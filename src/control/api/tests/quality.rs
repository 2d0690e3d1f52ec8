//! How connections fare: who may ask, and what is answered.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::visits::last_leg;
use super::watching::{facts, three_inside};
use super::world::{World, refused};
use crate::base::{Seat, VisitId};
use crate::link::{Command, Downlink, Event, LegEnd, LegFacts, Uplink};

/// The first three seats' legs, as media measures them when nothing is wrong.
fn legs(world: &World) -> [LegFacts; 3] {
    [0, 1, 2].map(|number| {
        let (_, _, leg) = last_leg(world, Seat::new(number).unwrap());
        let downlink = Downlink { round_trip_us: Some(40_000), estimate_bps: 2_000_000, ..Downlink::default() };
        LegFacts { downlink, ..facts(leg) }
    })
}

/// Two seconds later media has counted 200 packets more of each, and this.
async fn goes_on(world: &World, legs: &mut [LegFacts; 3], change: impl FnOnce(&mut [LegFacts; 3])) {
    for facts in &mut *legs {
        facts.uplink.packets += 200;
        facts.downlink.packets += 200;
    }
    change(legs);
    world.clock.advance(Duration::from_secs(2));
    let (worker, visit, _) = last_leg(world, Seat::PROVIDER);
    let [first, second, third] = *legs;
    let seats = Box::new([Some(first), Some(second), Some(third), None]);
    world.registry.handle_event(worker, Event::Measured { visit, speaker: None, seats }).await;
}

async fn quality(world: &World, visit: &str) -> Value {
    let answer = world.get(&format!("/visits/{visit}/quality"), &world.monitor).await;
    assert_eq!(answer.status(), StatusCode::OK);
    answer.json().await.unwrap()
}

#[tokio::test]
async fn staff_and_the_provider_may_ask_and_it_is_recorded() {
    let world = World::new().await;
    let people = three_inside(&world).await;
    let visit = &people[0].visit;
    let path = format!("/visits/{visit}/quality");
    for token in [&world.admin, &world.scheduler, &world.monitor, &people[0].session] {
        let before = world.registry.store().audit_head().await.unwrap().seq;
        assert_eq!(world.get(&path, token).await.status(), StatusCode::OK);
        let records = world.registry.store().audit(before, 10).await.unwrap();
        let said: Vec<_> = records.iter().map(|one| (&*one.action, &*one.outcome, one.visit.as_deref())).collect();
        assert_eq!(said, [("visit.quality", "done", Some(&**visit))]);
    }
    for person in &people[1..] {
        refused(world.get(&path, &person.session).await, 403, "forbidden").await;
    }
    refused(world.ask(Method::GET, &format!("/api/v1{path}")).send().await.unwrap(), 401, "unauthorized").await;
    let unknown = VisitId::from_bits(99);
    refused(world.get(&format!("/visits/{unknown}/quality"), &world.admin).await, 404, "not_found").await;
    refused(world.get(&format!("/visits/{unknown}/quality"), &people[0].session).await, 403, "forbidden").await;
}

#[tokio::test]
async fn the_verdict_says_whose_connection_has_what_trouble_and_since_when() {
    let world = World::new().await;
    let people = three_inside(&world).await;
    let visit = &people[0].visit;
    let all = "provider not measured yet; patient not measured yet; interpreter not measured yet";
    assert_eq!(quality(&world, visit).await["verdict"], all);
    world.clock.step_to("2027-01-15T08:03:54Z".parse().unwrap());
    let mut legs = legs(&world);
    goes_on(&world, &mut legs, |_| {}).await;
    goes_on(&world, &mut legs, |_| {}).await;
    assert_eq!(quality(&world, visit).await["verdict"], "provider fine; patient fine; interpreter fine");
    assert_eq!(world.view(&people[1]).await["you"]["connection"], "good");

    world.clock.advance(Duration::from_secs(10));
    for _ in 0..60 {
        goes_on(&world, &mut legs, |legs| {
            legs[1].uplink.packets -= 14;
            legs[1].uplink.lost += 14;
            legs[1].uplink.repaired += 3;
        })
        .await;
    }
    let seen = world.view(&people[0]).await;
    assert_eq!(
        (&seen["you"]["connection"], &world.view(&people[1]).await["you"]["connection"]),
        (&json!("good"), &json!("poor"))
    );
    let others: Vec<_> = seen["participants"].as_array().unwrap().iter().map(|one| one["connection"].clone()).collect();
    assert_eq!(others.iter().filter(|one| **one == "poor").count(), 1);
    assert_eq!(quality(&world, visit).await["verdict"], "patient's uplink lost 7 % since 08:03; provider fine; interpreter fine");

    for _ in 0..5 {
        goes_on(&world, &mut legs, |legs| {
            legs[2].downlink = Downlink {
                estimate_bps: 250_000,
                paused: [true, false, false, false],
                layers: [None, Some(1), None, None],
                ..legs[2].downlink
            };
        })
        .await;
    }
    let told = quality(&world, visit).await;
    assert_eq!(
        told["verdict"],
        "patient's uplink lost 7 % from 08:03 to 08:06; \
         interpreter's downlink narrow (250 kbit/s) since 08:06: pictures paused; provider fine"
    );
    let patient = json!({
        "participant": people[1].participant,
        "role": "patient",
        "seat": 1,
        "connected": true,
        "connection": "good",
        "verdict": "uplink lost 7 % from 08:03 to 08:06",
        "uplink": {"loss_percent": 6.3, "jitter_ms": 0, "packets": 12560, "lost": 840, "repaired": 180},
        "downlink": {
            "loss_percent": 0.0, "round_trip_ms": 40, "estimate_kbps": 2000, "repairs": 0,
            "layers": {}, "paused": [], "redundant_sound": false,
        },
    });
    let found = told["people"].as_array().unwrap();
    assert_eq!((found.len(), found.iter().find(|one| one["participant"] == people[1].participant)), (3, Some(&patient)));
    let interpreter = found.iter().find(|one| one["role"] == "interpreter").unwrap();
    assert_eq!(interpreter["downlink"]["layers"], json!({&people[1].participant: "h"}));
    assert_eq!(interpreter["downlink"]["paused"], json!([people[0].participant]));
    for word in ["Ada", "Bea", "Blue", "Cy", "Ida", "192.0.2"] {
        assert!(!told.to_string().contains(word), "the answer says {word}");
    }
}

#[tokio::test]
async fn who_lost_the_connection_or_left_is_not_connected_and_what_was_is_still_told() {
    let world = World::new().await;
    let people = three_inside(&world).await;
    let mut legs = legs(&world);
    for _ in 0..2 {
        goes_on(&world, &mut legs, |legs| {
            legs[1].uplink = Uplink { lost: legs[1].uplink.lost + 50, jitter_us: 1_000, ..legs[1].uplink };
            legs[2].downlink.lost += 50;
        })
        .await;
    }
    let (worker, visit, leg) = last_leg(&world, Seat::new(1).unwrap());
    let ended = Event::LegEnded { visit, seat: Seat::new(1).unwrap(), leg, why: LegEnd::Silent };
    world.registry.handle_event(worker, ended).await;
    assert_eq!(world.view(&people[1]).await["you"]["connection"], json!(null));
    goes_on(&world, &mut legs, |_| {}).await;
    let said = "patient not connected, uplink lost 20 % at 08:00; interpreter's downlink lost 25 % since 08:00; provider fine";
    assert_eq!(quality(&world, &people[0].visit).await["verdict"], said, "a late word of a leg that is gone means nothing");
    world.clock.advance(Duration::from_secs(31));
    world.registry.handle_timeout().await;
    let told = quality(&world, &people[0].visit).await;
    assert_eq!(told["verdict"], said);
    let patient = told["people"].as_array().unwrap().iter().find(|one| one["role"] == "patient").unwrap();
    assert_eq!((&patient["seat"], &patient["connected"], &patient["uplink"]), (&json!(null), &json!(false), &json!(null)));
    let poor = async |count: u8| {
        let metrics = world.get("/metrics", &world.monitor).await.text().await.unwrap();
        metrics.contains(&format!("quartet_people_with_poor_connection {count}\n"))
    };
    assert!(poor(1).await, "the interpreter's");
    let seat = format!("/visits/{visit}/seats/2");
    let left = world.api(Method::DELETE, &seat, &people[2].session).send().await.unwrap();
    assert_eq!(left.status(), StatusCode::NO_CONTENT);
    let said =
        "patient not connected, uplink lost 20 % at 08:00; interpreter not connected, downlink lost 25 % at 08:00; provider fine";
    assert_eq!(quality(&world, &people[0].visit).await["verdict"], said);
    assert!(poor(0).await);
}

#[tokio::test]
async fn a_visit_is_measured_every_fourth_turn_while_someone_is_connected() {
    let world = World::new().await;
    three_inside(&world).await;
    let (worker, visit, _) = last_leg(&world, Seat::PROVIDER);
    let (_, others) = world.four().await;
    assert_eq!(world.sit(&others[0]).await.status(), StatusCode::CREATED, "who is not connected yet");
    world.media.commands.lock().unwrap().clear();
    for turn in 0..8 {
        world.registry.measure(turn).await;
    }
    assert_eq!(*world.media.commands.lock().unwrap(), vec![(worker, Command::Measure { visit }); 2]);
}
