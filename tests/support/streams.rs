//! What must be true of every line a receiver hears.

use super::browser::Heard;

/// Whether a line of sound is one stream: numbers go on by one, time does not go back.
pub(crate) fn assert_sound_is_continuous(heard: &[Heard]) {
    for pair in heard.windows(2) {
        let [before, after] = pair else { continue };
        assert_eq!(after.index, before.index.next(), "{before:?} {after:?}");
        let step = after.timestamp.wrapping_sub(before.timestamp);
        assert!((1..=48_000 * 30).contains(&step), "{step} ticks: {before:?} {after:?}");
    }
}

/// Whether a line of pictures is one stream of whole frames, each of one layer of one person.
pub(crate) fn assert_pictures_are_continuous(heard: &[Heard]) {
    let starts = |heard: &Heard| heard.picture.is_some_and(|picture| picture.starts_frame);
    let is_keyframe = |heard: &Heard| heard.picture.is_some_and(|picture| picture.starts_frame && picture.keyframe);
    assert!(heard.first().is_none_or(is_keyframe), "a picture begins with a keyframe");
    for pair in heard.windows(2) {
        let [before, after] = pair else { continue };
        assert_eq!(after.index, before.index.next(), "{before:?} {after:?}");
        let (old, new) = (before.picture.unwrap(), after.picture.unwrap());
        let same_frame = after.frame() == before.frame();
        assert_eq!(starts(after), !same_frame, "frames are not mixed: {before:?} {after:?}");
        if same_frame {
            assert_eq!(after.timestamp, before.timestamp);
            assert_eq!(after.picture_id(), before.picture_id());
            assert!(!before.marker);
            continue;
        }
        assert!(before.marker, "the frame before was whole: {before:?} {after:?}");
        let step = after.timestamp.wrapping_sub(before.timestamp);
        assert!((1..=90_000 * 30).contains(&step), "{step} ticks: {before:?} {after:?}");
        assert_eq!(after.picture_id(), (before.picture_id() + 1) & 0x7fff, "{before:?} {after:?}");
        assert_eq!(new.tl0_picture_index.unwrap(), old.tl0_picture_index.unwrap().wrapping_add(1));
        let keys = u8::from(is_keyframe(after));
        assert_eq!(new.key_index.unwrap(), (old.key_index.unwrap() + keys) & 0x1f, "{before:?} {after:?}");
        if (after.from(), after.layer()) != (before.from(), before.layer()) {
            assert!(is_keyframe(after), "another layer begins with a keyframe: {before:?} {after:?}");
        }
    }
}

/// The layers shown, in order, each once.
pub(crate) fn layers_shown(heard: &[Heard]) -> Vec<u8> {
    let mut layers: Vec<_> = heard.iter().map(Heard::layer).collect();
    layers.dedup();
    layers
}
