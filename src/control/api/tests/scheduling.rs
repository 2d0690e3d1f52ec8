use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::world::{START, World, refused, token_of};

#[tokio::test]
async fn an_appointment_is_answered_as_the_contract_says() {
    let world = World::new().await;
    let booked = world.booked().await;
    let appointment = &booked.appointment;
    assert_eq!(appointment["kind"], "group");
    assert_eq!(appointment["group_name"], "G");
    assert_eq!(appointment["start"], START);
    assert_eq!(appointment["duration_minutes"], 30);
    assert_eq!(appointment["opens_at"], "2027-01-15T07:30:00.000Z");
    assert_eq!(appointment["closes_at"], "2027-01-15T10:30:00.000Z");
    assert_eq!(appointment["state"], "booked");
    let links = appointment["links"].as_array().unwrap();
    let roles: Vec<_> = links.iter().map(|link| link["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["provider", "patient", "patient", "patient"]);
    assert_eq!(links[0]["provider_id"], appointment["provider_id"]);
    assert_eq!(links[2]["patient_id"], appointment["patient_ids"][1]);
    assert!(links[0]["url"].as_str().unwrap().starts_with(&format!("{}/provider#", world.origin())));
    assert!(links[1]["url"].as_str().unwrap().starts_with(&format!("{}/join#", world.origin())));

    let read = world.get(&format!("/appointments/{}", booked.id()), &world.scheduler).await;
    let tag = read.headers()["etag"].to_str().unwrap();
    assert!(tag.len() > 2 && tag.starts_with('"') && tag.ends_with('"'), "{tag}");
    let read: Value = read.json().await.unwrap();
    assert!(read["links"].as_array().unwrap().iter().all(|link| link.get("url").is_none()), "a link is shown once");
    let listed: Value = world
        .get("/appointments?from=2027-01-15T00:00:00Z&to=2027-01-16T00:00:00Z", &world.scheduler)
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(listed["items"][0], read);
    let other: Value = world.get("/appointments?to=2027-01-15T00:00:00Z", &world.scheduler).await.json().await.unwrap();
    assert_eq!(other["items"], json!([]));
    world.stop().await;
}

#[tokio::test]
async fn every_fault_of_an_appointment_is_named_at_once() {
    let world = World::new().await;
    let body = json!({"patient_ids": ["pat-x"], "start": "tomorrow", "duration_minutes": 4, "kind": "crowd"});
    let problem = refused(world.post("/appointments", &world.scheduler, &body).await, 422, "invalid").await;
    let named: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap()).collect();
    assert_eq!(named, ["/provider_id", "/patient_ids/0", "/start", "/duration_minutes", "/kind"]);
    assert!(!problem.to_string().contains("tomorrow"), "nothing that was sent is repeated");
}

#[tokio::test]
async fn a_repeated_request_gets_the_first_answer_with_its_links() {
    let world = World::new().await;
    let booked = world.booked().await;
    let body = json!({"provider_id": booked.appointment["provider_id"], "patient_ids": [booked.appointment["patient_ids"][0]],
        "start": START});
    let ask = |key: &'static str, body: Value| {
        world.api(Method::POST, "/appointments", &world.scheduler).header("idempotency-key", key).json(&body).send()
    };
    let (one, two) = tokio::join!(ask("k1", body.clone()), ask("k1", body.clone()));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!((one.status(), two.status()), (StatusCode::CREATED, StatusCode::CREATED));
    assert_eq!(one.headers()["location"], two.headers()["location"]);
    let (one, two): (Value, Value) = (one.json().await.unwrap(), two.json().await.unwrap());
    assert_eq!(one, two);
    assert!(!token_of(&one["links"][0]).is_empty());
    let listed: Value = world.get("/appointments", &world.scheduler).await.json().await.unwrap();
    assert_eq!(listed["items"].as_array().unwrap().len(), 2);

    let mut other = body.clone();
    other["duration_minutes"] = json!(45);
    refused(ask("k1", other).await.unwrap(), 422, "idempotency_key_reused").await;
    refused(ask("a b", body).await.unwrap(), 400, "bad_idempotency_key").await;
}

#[tokio::test]
async fn roles_bound_what_a_token_may_do() {
    let world = World::new().await;
    for (path, token, status, code) in [
        ("/patients", "", 401, "unauthorized"),
        ("/patients", "qt_wrong", 401, "unauthorized"),
        ("/patients", "qs_wrong", 401, "unauthorized"),
        ("/patients", &*world.monitor, 403, "forbidden"),
        ("/appointments/apt-0000000000000", &*world.monitor, 403, "forbidden"),
        ("/appointments/apt-0000000000000", &*world.admin, 404, "not_found"),
        ("/appointments/nonsense", &*world.admin, 404, "not_found"),
        ("/nowhere", &*world.admin, 404, "not_found"),
        ("/verify", &*world.admin, 405, "method_not_allowed"),
        ("/appointments?from=noon", &*world.admin, 400, "malformed_query"),
    ] {
        refused(world.get(path, token).await, status, code).await;
    }
    assert_eq!(world.get("/patients", &world.admin).await.status(), StatusCode::OK);
    assert_eq!(world.get("/metrics", &world.monitor).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_cancelled_appointment_is_over() {
    let world = World::new().await;
    let booked = world.booked().await;
    let path = format!("/appointments/{}", booked.id());
    for _ in 0..2 {
        let answer = world.api(Method::DELETE, &path, &world.scheduler).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    }
    let read: Value = world.get(&path, &world.scheduler).await.json().await.unwrap();
    assert_eq!(read["state"], "cancelled");
    let invite = json!({"role": "guest"});
    refused(world.post(&format!("{path}/links"), &world.scheduler, &invite).await, 409, "already_over").await;
}

#[tokio::test]
async fn patients_and_providers_are_made_found_and_checked() {
    let world = World::new().await;
    world.booked().await;
    let found: Value = world.get("/patients?q=bl", &world.scheduler).await.json().await.unwrap();
    assert_eq!(found["items"][0]["name"], "Bea Blue");
    assert_eq!(found["items"][0]["birth_date"], "1948-02-29");
    let bad = json!({"name": "\u{202e}", "birth_date": "1948-02-30"});
    let problem = refused(world.post("/patients", &world.scheduler, &bad).await, 422, "invalid").await;
    assert_eq!(problem["errors"].as_array().unwrap().len(), 2);
    let disabled = world.make("/providers", json!({"name": "Off", "telehealth_enabled": false})).await;
    let read: Value =
        world.get(&format!("/providers/{}", disabled["id"].as_str().unwrap()), &world.scheduler).await.json().await.unwrap();
    assert_eq!(read, disabled);
}
