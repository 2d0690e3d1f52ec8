// The visit's state as the server tells it, for as long as anyone listens.

import { Problem } from './api.js';

/** How long the stream may be away before a person is told. A blink is not news. */
const QUIET_MS = 3_000;
const RETRY_MS = 2_000;

/**
 * Watches one visit. `onView` gets every state, the first at once; `onAway(true)` says that the server cannot
 * be reached and `onAway(false)` that it can again; `onLost` that this session opens nothing any more.
 */
export class Watch {
  #api;
  #tell;
  #source = null;
  #quiet = null;
  #retry = null;
  #closed = false;

  constructor(api, { onView, onAway, onLost }) {
    this.#api = api;
    this.#tell = { onView, onAway, onLost };
    this.#open();
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#quiet);
    clearTimeout(this.#retry);
    this.#source?.close();
  }

  #open() {
    this.#source = new EventSource(this.#api.eventsUrl());
    this.#source.addEventListener('open', () => this.#heard());
    this.#source.addEventListener('visit', (event) => {
      this.#heard();
      this.#tell.onView(JSON.parse(event.data));
    });
    this.#source.addEventListener('error', () => this.#broken());
  }

  #heard() {
    clearTimeout(this.#quiet);
    this.#quiet = null;
    this.#tell.onAway(false);
  }

  /** A browser comes back by itself after a lost connection, but never after a refusal. */
  #broken() {
    if (this.#closed) return;
    this.#quiet ??= setTimeout(() => this.#tell.onAway(true), QUIET_MS);
    if (this.#source.readyState === EventSource.CLOSED) this.#retry = setTimeout(() => this.#ask(), RETRY_MS);
  }

  /** Was it a refusal, or is the server merely starting again? */
  async #ask() {
    try {
      const view = await this.#api.view();
      if (this.#closed) return;
      this.#tell.onView(view);
      if (!this.#closed) this.#open();
    } catch (problem) {
      if (this.#closed) return;
      const refused = problem instanceof Problem && [401, 403, 404, 410].includes(problem.status);
      if (refused) this.#tell.onLost();
      else this.#retry = setTimeout(() => this.#ask(), RETRY_MS);
    }
  }
}
