// A test sound on the chosen speaker.

const NOTES_HZ = [523.25, 659.25, 783.99];
const NOTE_S = 0.28;

/** Plays three soft notes on the speaker with this id; an empty id is the usual one. */
export async function playTestSound(speakerId) {
  const context = new AudioContext();
  const out = context.createMediaStreamDestination();
  NOTES_HZ.forEach((pitch, place) => {
    const begin = context.currentTime + 0.1 + place * NOTE_S;
    const note = new OscillatorNode(context, { frequency: pitch });
    const volume = new GainNode(context, { gain: 0 });
    volume.gain.setValueAtTime(0, begin);
    volume.gain.linearRampToValueAtTime(0.25, begin + 0.03);
    volume.gain.exponentialRampToValueAtTime(0.001, begin + NOTE_S);
    note.connect(volume).connect(out);
    note.start(begin);
    note.stop(begin + NOTE_S);
    if (place === NOTES_HZ.length - 1) note.addEventListener('ended', () => void context.close());
  });
  const player = new Audio();
  player.srcObject = out.stream;
  if (speakerId) await player.setSinkId(speakerId);
  await player.play();
}
