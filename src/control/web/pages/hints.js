// What a person cannot notice of their own devices: a microphone that hears nothing, a picture that is black.

import { Ear, decibels } from './meter.js';

const LOOK_EVERY_MS = 500;
/** Every so many looks at the picture too: twice within the patience for a black one. More often would cost a phone. */
const PICTURE_EVERY = 10;
/** Even a quiet room, through the browser's noise suppression, is louder than this. Only a dead microphone is not. */
const DEAD_DB = -95;
/** Below this brightness (0 to 255), everywhere, there is nothing to see: a dark room still has a screen's light. */
const BLACK = 24;
/** How long something must be wrong before it is said. Shorter would scold a pause; longer would lose a sentence. */
const PATIENCE_MS = { unheard: 6_000, muted: 2_000, black: 6_000 };
/** How long it may stay wrong before the equipment itself is suspected. */
const EQUIPMENT_MS = 30_000;

/** The brightest point of RGBA pixels, 0 to 255. */
export function brightest(pixels) {
  let most = 0;
  for (let at = 0; at < pixels.length; at += 4) {
    most = Math.max(most, 0.2126 * pixels[at] + 0.7152 * pixels[at + 1] + 0.0722 * pixels[at + 2]);
  }
  return most;
}

/** What is wrong at this moment: a set of words of `text.hints`. What is not known (`null`) is not wrong. */
export function wrongNow({ microphoneOn, deviceMuted, level, cameraOn, brightness }) {
  const wrong = new Set();
  if (microphoneOn && deviceMuted) wrong.add('muted');
  else if (microphoneOn && level !== null && level < DEAD_DB) wrong.add('unheard');
  if (cameraOn && brightness !== null && brightness < BLACK) wrong.add('black');
  return wrong;
}

/** Remembers since when something is wrong, and says it once it has lasted. */
export class Patience {
  #since = new Map();

  /** The gravest of what has been wrong long enough: `{ hint, equipment }`, or null. */
  look(wrong, now) {
    for (const hint of this.#since.keys()) if (!wrong.has(hint)) this.#since.delete(hint);
    for (const hint of wrong) if (!this.#since.has(hint)) this.#since.set(hint, now);
    for (const hint of ['muted', 'unheard', 'black']) {
      const lasted = now - (this.#since.get(hint) ?? Infinity);
      if (lasted >= PATIENCE_MS[hint]) return { hint, equipment: lasted >= EQUIPMENT_MS };
    }
    return null;
  }
}

/** Looks at the person's own devices during a visit; `onHint` gets `{ hint, equipment }` or null, on each change. */
export class Hints {
  #capture;
  #onHint;
  #patience = new Patience();
  #ear = null;
  #heard = null;
  #timer = null;
  #turn = 0;
  #brightness = null;
  #said = null;
  #closed = false;

  constructor({ capture, onHint }) {
    this.#capture = capture;
    this.#onHint = onHint;
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
  }

  close() {
    this.#closed = true;
    clearInterval(this.#timer);
    this.#ear?.close();
    this.#ear = null;
  }

  #look() {
    const { microphone, camera } = this.#capture;
    if (microphone !== this.#heard) {
      this.#ear?.close();
      this.#ear = microphone && new Ear(microphone);
      this.#heard = microphone;
    }
    const sources = this.#capture.sources();
    const samples = this.#ear?.hear();
    this.#turn = (this.#turn + 1) % PICTURE_EVERY;
    if (!camera) this.#brightness = null;
    else if (this.#turn === 0) void this.#lookAtPicture(camera);
    const wrong = wrongNow({
      microphoneOn: sources.microphone,
      deviceMuted: microphone?.muted ?? false,
      level: samples ? decibels(samples) : null,
      cameraOn: sources.camera,
      brightness: this.#brightness,
    });
    const hint = this.#patience.look(wrong, performance.now());
    if (JSON.stringify(hint) === JSON.stringify(this.#said)) return;
    this.#said = hint;
    this.#onHint(hint);
  }

  async #lookAtPicture(camera) {
    // A hidden page paints nothing, and that is not black.
    if (document.hidden) return;
    const pixels = await onePicture(camera);
    if (!this.#closed && this.#capture.camera === camera) this.#brightness = pixels && brightest(pixels);
  }
}

/**
 * One picture of a camera, small, as RGBA; null if none came. It is taken beside the picture that is shown: a canvas
 * that copies from a video in view makes the browser paint every frame of it the slow way, from then on.
 */
async function onePicture(camera) {
  const video = document.createElement('video');
  video.muted = true;
  video.srcObject = new MediaStream([camera]);
  try {
    await video.play();
    const canvas = new OffscreenCanvas(16, 9);
    const pen = canvas.getContext('2d', { willReadFrequently: true });
    pen.drawImage(video, 0, 0, canvas.width, canvas.height);
    return pen.getImageData(0, 0, canvas.width, canvas.height).data;
  } catch {
    return null; // The camera went meanwhile, or this browser cannot: what is not known is not wrong.
  } finally {
    video.srcObject = null;
  }
}
