//! What the audit knows of all that people and staff do: every act once, failures too, and nobody by name.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::visits::connected;
use super::world::{World, refused, token_of};
use crate::base::Seat;
use crate::control::store::{AuditRecord, Verdict};

/// The newest number, to look from there.
async fn newest(world: &World) -> i64 {
    world.registry.store().audit_head().await.unwrap().seq
}

async fn since(world: &World, seq: i64) -> Vec<AuditRecord> {
    world.registry.store().audit(seq, 100).await.unwrap()
}

/// One request, and what the audit must say of it.
struct Case<'a> {
    method: Method,
    path: String,
    token: &'a str,
    body: Option<Value>,
    action: &'static str,
    outcome: &'static str,
}

#[tokio::test]
async fn every_request_leaves_one_record_of_who_did_what_and_how_it_went() {
    let world = World::new().await;
    let (booked, people) = world.four().await;
    let (provider, patient, second) = (&people[0], &people[1], &people[2]);
    let visit = &provider.visit;
    let appointment = booked.id();
    let guest = world.make(&format!("/appointments/{appointment}/links"), json!({"role": "guest"})).await;
    let guest = guest["id"].as_str().unwrap();
    let desk = &*world.scheduler;
    let person = |who: &super::world::Person, what: &str| format!("/visits/{visit}/participants/{}/{what}", who.participant);
    let case =
        |method, path: &str, token, body, action, outcome| Case { method, path: path.to_owned(), token, body, action, outcome };
    let cases = [
        case(Method::POST, "/providers", desk, Some(json!({"name": "Dr. Bo Nielsen"})), "provider.add", "done"),
        case(Method::POST, "/providers", &*world.monitor, Some(json!({"name": "Dr. Bo Nielsen"})), "provider.add", "forbidden"),
        case(Method::GET, "/providers", desk, None, "provider.list", "done"),
        case(
            Method::POST,
            "/patients",
            desk,
            Some(json!({"name": "Eve Ecru", "birth_date": "1999-09-09"})),
            "patient.add",
            "done",
        ),
        case(
            Method::POST,
            "/patients",
            desk,
            Some(json!({"name": "Eve Ecru", "birth_date": "1999-99-09"})),
            "patient.add",
            "invalid",
        ),
        case(Method::GET, "/patients?q=Ecru", desk, None, "patient.list", "done"),
        case(Method::GET, "/patients/pat-0000000000000", desk, None, "patient.look", "not_found"),
        case(Method::GET, "/appointments", desk, None, "appointment.list", "done"),
        case(Method::GET, &format!("/appointments/{appointment}"), desk, None, "appointment.look", "done"),
        case(Method::DELETE, &format!("/appointments/{appointment}/links/{guest}"), desk, None, "link.revoke", "done"),
        case(Method::DELETE, &format!("/appointments/{appointment}/links/{guest}"), desk, None, "link.revoke", "not_found"),
        case(Method::GET, &format!("/visits/{visit}"), "qt_nobodys", None, "visit.look", "unauthorized"),
        case(Method::GET, &format!("/visits/{visit}"), &patient.session, None, "visit.look", "done"),
        case(
            Method::POST,
            &format!("/visits/{visit}/admit"),
            &patient.session,
            Some(json!({"all": true})),
            "visit.admit",
            "forbidden",
        ),
        case(
            Method::POST,
            &format!("/visits/{visit}/message"),
            &provider.session,
            Some(json!({"text": "Late"})),
            "visit.message",
            "done",
        ),
        case(
            Method::POST,
            &format!("/visits/{visit}/admit"),
            &provider.session,
            Some(json!({"participant": patient.participant})),
            "visit.admit",
            "done",
        ),
        case(Method::POST, &person(patient, "step-out"), &provider.session, None, "visit.step_out", "done"),
        case(Method::POST, &person(second, "remove"), &provider.session, Some(json!({"may_return": false})), "visit.bar", "done"),
        case(Method::DELETE, &format!("/visits/{visit}/ready"), &patient.session, None, "visit.unready", "done"),
        case(Method::POST, &format!("/visits/{visit}/ready"), &patient.session, None, "visit.ready", "done"),
        case(Method::POST, &format!("/visits/{visit}/end"), desk, None, "visit.end", "forbidden"),
        case(Method::POST, &format!("/visits/{visit}/end"), &world.admin, None, "visit.end", "done"),
        case(Method::POST, &format!("/visits/{visit}/ready"), &patient.session, None, "visit.ready", "visit_ended"),
    ];
    for Case { method, path, token, body, action, outcome } in cases {
        let before = newest(&world).await;
        let request = world.api(method.clone(), &path, token);
        let request = if let Some(body) = &body { request.json(body) } else { request };
        let status = request.send().await.unwrap().status();
        let records: Vec<_> =
            since(&world, before).await.into_iter().filter(|one| !one.action.starts_with("presence.")).collect();
        let said: Vec<_> = records.iter().map(|one| (&*one.action, &*one.outcome)).collect();
        assert_eq!(said, [(action, outcome)], "{method} {path} {status}");
        assert_eq!(outcome == "done", status.is_success(), "{method} {path}");
        let unknown = outcome == "unauthorized";
        assert!(records[0].actor.starts_with(if unknown {
            "nobody"
        } else if token.starts_with("qt_") {
            "tok-"
        } else {
            "par-"
        }));
        assert!(!path.contains(visit) || records[0].visit.as_deref() == Some(visit), "{method} {path}");
    }
    let everything = format!("{:?}", world.registry.store().audit(0, 1_000).await.unwrap());
    // Capitals and dashes, so that no hash, id or time can say one of them by chance.
    for word in ["Bea", "Cyan", "Nielsen", "Ecru", "1948-", "1999-", "Late", &*token_of(&booked.appointment["links"][1])] {
        assert!(!everything.contains(word), "the audit knows {word}");
    }
    assert!(matches!(world.registry.store().verify_audit().await.unwrap(), Verdict::Whole(_)));
}

#[tokio::test]
async fn what_becomes_of_people_by_itself_is_the_system_s_doing() {
    let world = World::new().await;
    let (_, people) = world.four().await;
    let before = newest(&world).await;
    assert_eq!(world.sit(&people[0]).await.status(), StatusCode::CREATED);
    connected(&world, Seat::PROVIDER).await;
    let said: Vec<_> =
        since(&world, before).await.iter().map(|one| format!("{} {} {}", one.actor, one.action, one.outcome)).collect();
    let who = &people[0].participant;
    assert_eq!(
        said,
        [format!("{who} seat.connect done"), format!("{who} presence.admitted done"), "system presence.joined done".to_owned()]
    );
}

#[tokio::test]
async fn what_cannot_be_recorded_is_neither_done_nor_shown() {
    let world = World::new().await;
    let (booked, people) = world.four().await;
    let visit = &people[0].visit;
    world.sql("ALTER TABLE audit RENAME TO elsewhere").await;
    let claim = json!({"link": booked.links[1], "birth_date": "1948-02-29", "terms": true});
    let post = |path: String, token: &str, body: Value| world.api(Method::POST, &path, token).json(&body).send();
    for answer in [
        world.get("/patients?q=bea", &world.scheduler).await,
        world.get(&format!("/visits/{visit}"), &people[1].session).await,
        world.get(&format!("/visits/{visit}/events"), &people[1].session).await,
        world.verify(&claim).await,
        post("/patients".to_owned(), &world.scheduler, json!({"name": "Eve", "birth_date": "1999-09-09"})).await.unwrap(),
        post(format!("/visits/{visit}/admit"), &people[0].session, json!({"all": true})).await.unwrap(),
        post(format!("/visits/{visit}/end"), &world.admin, json!({})).await.unwrap(),
        world.sit(&people[0]).await,
    ] {
        refused(answer, 503, "unavailable").await;
    }
    assert!(world.media.commands.lock().unwrap().is_empty(), "media was told nothing");
    world.sql("ALTER TABLE elsewhere RENAME TO audit").await;
    let view = world.view(&people[0]).await;
    let stand: Vec<_> = view["participants"].as_array().unwrap().iter().map(|one| one["presence"].clone()).collect();
    assert_eq!(stand.iter().filter(|one| **one == "waiting").count(), 3, "nothing has changed: {stand:?}");
    let found: Value = world.get("/patients", &world.scheduler).await.json().await.unwrap();
    assert_eq!(found["items"].as_array().unwrap().len(), 3);
    assert_eq!(world.sit(&people[0]).await.status(), StatusCode::CREATED, "and it goes on without a restart");
}

#[tokio::test]
async fn muting_and_leaving_do_not_wait_for_the_record_and_are_recorded_afterwards() {
    let world = World::new().await;
    let (_, people) = world.four().await;
    let (visit, session) = (&people[0].visit, &people[0].session);
    assert_eq!(world.sit(&people[0]).await.status(), StatusCode::CREATED);
    connected(&world, Seat::PROVIDER).await;
    let before = newest(&world).await;
    world.sql("ALTER TABLE audit RENAME TO elsewhere").await;
    let sources = json!({"microphone": false, "camera": true, "screen": false});
    let muted = world.api(Method::PUT, &format!("/visits/{visit}/seats/0/sources"), session).json(&sources).send().await.unwrap();
    assert_eq!(muted.status(), StatusCode::NO_CONTENT);
    let left = world.api(Method::DELETE, &format!("/visits/{visit}/seats/0"), session).send().await.unwrap();
    assert_eq!(left.status(), StatusCode::NO_CONTENT);
    world.sql("ALTER TABLE elsewhere RENAME TO audit").await;
    world.registry.handle_timeout().await;
    let said: Vec<_> = since(&world, before).await.into_iter().map(|one| one.action).collect();
    assert_eq!(said, ["seat.sources", "seat.leave", "presence.left"]);
}
