//! Four people in a visit, through a whole shard on a clock of the test's own.

mod support;

use quartet::base::Seat;
use quartet::link::Event;
use quartet::link::terms::SourceKind;
use support::World;

#[test]
fn three_others_receive_each_packet_once() {
    let world = World::full();
    assert!(world.events.iter().filter(|event| matches!(event, Event::LegConnected { .. })).count() == 4);
    for receiver in Seat::ALL {
        let browser = world.browsers[receiver.index()].as_ref().unwrap();
        for number in 0..3 {
            let sender = receiver.on_line(usize::from(number)).unwrap();
            let sound = browser.on_line(SourceKind::Microphone, number);
            assert!(sound.len() > 95, "{receiver} hears {sender}: {}", sound.len());
            assert!(sound.iter().all(|heard| heard.from() == u8::from(sender) && heard.level == Some(33)));
            let pictures = browser.on_line(SourceKind::Camera, number);
            assert!(pictures.len() > 150, "{receiver} sees {sender}: {}", pictures.len());
            assert!(pictures.iter().all(|heard| heard.from() == u8::from(sender)));
        }
    }
}
