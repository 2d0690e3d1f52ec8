//! `/visits/{visit}/seats/{n}/watching`: what a page shows of the others, so that nothing else is sent to it.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::Shared;
use super::audit::NoAct;
use super::body::Json;
use super::caller::Caller;
use super::problem::Problem;
use super::routes::identify;
use super::seats::numbered;
use crate::base::{LegId, Seat};
use crate::control::registry::layout::{Asked, Shown};
use crate::control::schedule::Fault;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WatchingMessage {
    leg: Option<String>,
    #[serde(default)]
    pictures: Vec<PictureMessage>,
    screen: Option<ScreenMessage>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PictureMessage {
    seat: i64,
    height: i64,
    #[serde(default)]
    pinned: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ScreenMessage {
    height: i64,
}

pub(super) async fn watch(
    State(app): State<Shared>,
    caller: Caller,
    Path((visit, seat)): Path<(String, String)>,
    body: Json<WatchingMessage>,
) -> Result<Response, Problem> {
    let visit = identify(&visit)?;
    let who = caller.participant(visit)?.participant;
    let (leg, asked) = body.value.check().map_err(Problem::invalid)?;
    app.registry.show(visit, who, numbered(&seat)?, leg, &asked).await?;
    Ok((NoAct, StatusCode::NO_CONTENT).into_response())
}

impl WatchingMessage {
    /// What is shown and on which connection, or everything that is wrong with it.
    fn check(&self) -> Result<(Option<LegId>, Asked), Vec<Fault>> {
        let mut faults = Vec::new();
        let mut asked = Asked::default();
        let leg = self.leg.as_deref().and_then(|text| {
            text.parse().map_err(|_| faults.push(Fault::new("/leg", "invalid", "is not the name of a connection"))).ok()
        });
        if self.pictures.len() > Seat::COUNT {
            faults.push(Fault::new("/pictures", "too_many", "there is one picture to a seat"));
        }
        for (place, picture) in self.pictures.iter().enumerate().take(Seat::COUNT) {
            let pointer = |field| format!("/pictures/{place}/{field}");
            let height = height(picture.height, pointer("height"), &mut faults);
            match u8::try_from(picture.seat).ok().and_then(Seat::new) {
                None => faults.push(Fault::new(pointer("seat"), "out_of_range", "must be 0 to 3")),
                Some(seat) if asked.pictures[seat.index()].is_some() => {
                    faults.push(Fault::new(pointer("seat"), "duplicate", "this seat is named twice"));
                }
                Some(seat) => asked.pictures[seat.index()] = Some(Shown { height, pinned: picture.pinned }),
            }
        }
        asked.screen = self.screen.as_ref().map(|screen| height(screen.height, "/screen/height".to_owned(), &mut faults));
        if faults.is_empty() { Ok((leg, asked)) } else { Err(faults) }
    }
}

/// Rows of a display. No display has more than a `u16` counts.
fn height(rows: i64, pointer: String, faults: &mut Vec<Fault>) -> u16 {
    u16::try_from(rows).unwrap_or_else(|_| {
        faults.push(Fault::new(pointer, "out_of_range", "must be 0 to 65535"));
        0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<(String, &'static str)> {
        let message: WatchingMessage = serde_json::from_str(text).unwrap();
        let faults = message.check().err().unwrap_or_default();
        faults.into_iter().map(|fault| (fault.pointer, fault.code)).collect()
    }

    #[test]
    fn each_fault_is_named_where_it_is() {
        let five = r#"{"seat":0,"height":1},"#.repeat(5);
        for (text, expected) in [
            ("{}", &[][..]),
            (r#"{"pictures":[{"seat":3,"height":65535},{"seat":0,"height":0}],"screen":{"height":720}}"#, &[]),
            (r#"{"leg":"mine"}"#, &[("/leg", "invalid")]),
            (r#"{"pictures":[{"seat":4,"height":1}]}"#, &[("/pictures/0/seat", "out_of_range")]),
            (
                r#"{"pictures":[{"seat":-1,"height":-1}]}"#,
                &[("/pictures/0/height", "out_of_range"), ("/pictures/0/seat", "out_of_range")],
            ),
            (r#"{"pictures":[{"seat":1,"height":1},{"seat":1,"height":2}]}"#, &[("/pictures/1/seat", "duplicate")]),
            (r#"{"screen":{"height":65536}}"#, &[("/screen/height", "out_of_range")]),
        ] {
            let expected: Vec<_> = expected.iter().map(|(pointer, code)| ((*pointer).to_owned(), *code)).collect();
            assert_eq!(faults(text), expected, "{text}");
        }
        let five = format!(r#"{{"pictures":[{}]}}"#, five.trim_end_matches(','));
        assert_eq!(faults(&five)[0], ("/pictures".to_owned(), "too_many"));
    }
}
