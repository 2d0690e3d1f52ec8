//! The bot as a program: joins with a link, sends back what it receives from one seat, and says on each line of its
//! output what it has checked so far. The browser that it echoes must be able to decode its own sound and picture.
//!
//!     bot LINK BIRTH_DATE SECONDS [--aes-cm]

#[path = "mod.rs"]
mod bot;

use std::time::{Duration, Instant};

use bot::http::Person;
use bot::media::Received;
use bot::sdp::{Kind, OPUS, VP8};
use bot::{BOTH_PROFILES, Bot, CLASSIC_PROFILE, Claim, Problem};
use rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use serde_json::json;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Problem> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, link, birth_date, seconds, options @ ..] = arguments.as_slice() else {
        return Err("usage: bot LINK BIRTH_DATE SECONDS [--aes-cm]".into());
    };
    let profiles = if options.iter().any(|option| option == "--aes-cm") { CLASSIC_PROFILE } else { BOTH_PROFILES };
    let person = Person::verify(link, Some(birth_date)).await?;
    person.ready().await?;
    println!("{}", json!({ "state": "waiting" }));
    person.wait_for("admitted").await?;
    let bot = Bot::join(person, profiles, Claim::Own).await?;
    println!("{}", json!({ "state": "joined", "srtp": format!("{:?}", bot.media.profile) }));
    let checked = echo(&bot, Duration::from_secs(seconds.parse()?)).await?;
    bot.person.leave(&bot.seated).await?;
    println!("{}", json!({ "state": "left", "sound": checked.sound, "pictures": checked.pictures, "gaps": checked.gaps }));
    Ok(())
}

/// What came in, opened and in order.
#[derive(Default)]
struct Checked {
    sound: u64,
    pictures: u64,
    gaps: u64,
}

async fn echo(bot: &Bot, long: Duration) -> Result<Checked, Problem> {
    let mut checked = Checked::default();
    let mut last_sequence = std::collections::HashMap::new();
    let end = Instant::now() + long;
    let mut asked = None;
    while Instant::now() < end {
        let Some(received) = bot.media.receive(Duration::from_millis(200)).await else { continue };
        let packet = match received {
            Received::Rtp(packet) => packet,
            // Whoever wants a keyframe of ours wants one of theirs.
            Received::Rtcp(packets) => {
                if packets.iter().any(|packet| packet.as_any().is::<PictureLossIndication>()) {
                    asked = None;
                }
                continue;
            }
        };
        let Some(line) = bot.answer.lines.get(&packet.header.ssrc) else { return Err("a packet of no line".into()) };
        let previous = last_sequence.insert(packet.header.ssrc, packet.header.sequence_number);
        checked.gaps +=
            u64::from(previous.is_some_and(|previous: u16| previous.wrapping_add(1) != packet.header.sequence_number));
        let (ssrc, payload_type) = match line.kind {
            Kind::Audio => {
                checked.sound += 1;
                (bot.audio_ssrc, OPUS)
            }
            Kind::Video => {
                checked.pictures += 1;
                (bot.video_ssrc, VP8)
            }
        };
        if line.stream != "seat0" {
            continue;
        }
        if line.kind == Kind::Video && asked.is_none() {
            let pli = PictureLossIndication { sender_ssrc: bot.video_ssrc, media_ssrc: packet.header.ssrc };
            bot.media.send_rtcp(&[Box::new(pli)]).await?;
            asked = Some(());
        }
        let mut back = packet;
        back.header.ssrc = ssrc;
        back.header.payload_type = payload_type;
        back.header.extension = false;
        back.header.extensions.clear();
        bot.media.send(&back).await?;
    }
    Ok(checked)
}
