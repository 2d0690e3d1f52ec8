// What is said of connections that are poor: to the eye on the tiles, here to the ear and as advice.

import { text } from './text.js';

/** The same words are not said again before this. A connection that wavers would talk over the visit otherwise. */
const AGAIN_MS = 60_000;
/** Advice stays until things have been good for so long, or it would come and go under the reader's eyes. */
const LINGER_MS = 10_000;

/** Hears every view, and decides what is new enough to be said. */
export class Quality {
  /** words → when they were said */
  #said = new Map();
  #poorUntil = -Infinity;
  #poor = false;

  /** What to tell a screen reader now: one text, or null. `others` are the seated, with `connection` and `paused`. */
  hear({ connection = null }, others, now) {
    if (this.#poor && connection !== 'poor') this.#poorUntil = now + LINGER_MS;
    this.#poor = connection === 'poor';
    const words = others.flatMap((person) => [
      ...(person.connection === 'poor' ? [text.hasPoor(person.name)] : []),
      ...(person.paused ? [text.isPaused(person.name)] : []),
    ]);
    const news = words.filter((one) => now - (this.#said.get(one) ?? -Infinity) >= AGAIN_MS);
    for (const one of words) this.#said.set(one, now);
    return news.join(' ') || null;
  }

  /** Whether advice for the own connection is due. */
  advises(now) {
    return this.#poor || now < this.#poorUntil;
  }
}
