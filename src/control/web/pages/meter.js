// How loud the microphone is, as a bar.

/** Below this the bar stays empty: a quiet room is not speech. */
const FLOOR_DB = -55;
const CEILING_DB = -10;
const READ_EVERY_MS = 80;

/** Loudness of a block of samples between 0 and 1, on the scale of the ear. */
export function loudness(samples) {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  const decibel = 10 * Math.log10(sum / samples.length + 1e-12);
  return Math.min(1, Math.max(0, (decibel - FLOOR_DB) / (CEILING_DB - FLOOR_DB)));
}

/** Shows the level of a microphone in an element of role `meter` until it is stopped. */
export class Meter {
  #place;
  #bar;
  #context = null;
  #timer = null;

  constructor(place) {
    this.#place = place;
    this.#bar = place.firstElementChild;
  }

  /** Listens to `track`; to nothing when there is none. */
  listen(track) {
    this.stop();
    if (!track) return;
    this.#context = new AudioContext();
    // A context made without a click may start asleep.
    void this.#context.resume();
    const ear = this.#context.createAnalyser();
    ear.fftSize = 1024;
    this.#context.createMediaStreamSource(new MediaStream([track])).connect(ear);
    const samples = new Float32Array(ear.fftSize);
    this.#timer = setInterval(() => {
      ear.getFloatTimeDomainData(samples);
      this.#show(loudness(samples));
    }, READ_EVERY_MS);
  }

  stop() {
    clearInterval(this.#timer);
    void this.#context?.close();
    this.#context = null;
    this.#show(0);
  }

  #show(level) {
    this.#place.setAttribute('aria-valuenow', String(Math.round(level * 100)));
    this.#bar.style.transform = `scaleX(${level.toFixed(3)})`;
  }
}
