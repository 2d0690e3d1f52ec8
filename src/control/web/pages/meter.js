// How loud the microphone is.

/** Below this the bar stays empty: a quiet room is not speech. */
const FLOOR_DB = -55;
const CEILING_DB = -10;
const READ_EVERY_MS = 80;

/** The mean power of a block of samples, in decibels of full scale. */
export function decibels(samples) {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return 10 * Math.log10(sum / samples.length + 1e-12);
}

/** Loudness of a block of samples between 0 and 1, on the scale of the ear. */
export function loudness(samples) {
  return Math.min(1, Math.max(0, (decibels(samples) - FLOOR_DB) / (CEILING_DB - FLOOR_DB)));
}

/** Listens to one track. */
export class Ear {
  #context = new AudioContext();
  #analyser = this.#context.createAnalyser();
  #samples;

  constructor(track) {
    // A context made without a click may start asleep.
    void this.#context.resume();
    this.#analyser.fftSize = 1024;
    this.#samples = new Float32Array(this.#analyser.fftSize);
    this.#context.createMediaStreamSource(new MediaStream([track])).connect(this.#analyser);
  }

  /** The newest samples; none while the browser keeps the ear asleep, which is not silence. */
  hear() {
    if (this.#context.state !== 'running') return null;
    this.#analyser.getFloatTimeDomainData(this.#samples);
    return this.#samples;
  }

  close() {
    void this.#context.close();
  }
}

/** Shows the level of a microphone in an element of role `meter` until it is stopped. */
export class Meter {
  #place;
  #bar;
  #ear = null;
  #track = null;
  #timer = null;

  constructor(place) {
    this.#place = place;
    this.#bar = place.firstElementChild;
  }

  /** Listens to `track`; to nothing when there is none. */
  listen(track) {
    if (track && track === this.#track) return;
    this.stop();
    if (!track) return;
    this.#track = track;
    this.#ear = new Ear(track);
    this.#timer = setInterval(() => this.#show(loudness(this.#ear.hear() ?? [0])), READ_EVERY_MS);
  }

  stop() {
    clearInterval(this.#timer);
    this.#ear?.close();
    this.#ear = null;
    this.#track = null;
    this.#show(0);
  }

  #show(level) {
    this.#place.setAttribute('aria-valuenow', String(Math.round(level * 100)));
    this.#bar.style.transform = `scaleX(${level.toFixed(3)})`;
  }
}
