// The visit's state as the server tells it, for as long as anyone listens.

import { Problem } from './api.js';
import { hearTime } from './clock.js';
import { Stream } from './stream.js';

/** How long the stream may be away before a person is told. A blink is not news; a still picture is. */
const QUIET_MS = 2_000;

/**
 * Watches one visit. `onView` gets every state, the first at once; `onAway(true)` says that the server cannot
 * be reached and `onAway(false)` that it can again; `onLost` that this session opens nothing any more.
 */
export class Watch {
  #api;
  #tell;
  #stream;
  #quiet = null;
  #asking = false;
  #closed = false;

  constructor(api, { onView, onAway, onLost }) {
    this.#api = api;
    this.#tell = { onView, onAway, onLost };
    this.#stream = new Stream(api.participant, {
      view: (view) => this.#heard(view),
      open: () => this.#here(),
      gone: () => this.#gone(),
      broken: (refused) => this.#broken(refused),
    });
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#quiet);
    this.#stream.close();
  }

  /** The device has slept, or its network has changed: nothing that looks open is believed. */
  check() {
    this.#stream.renew();
    void this.#ask();
  }

  #here() {
    clearTimeout(this.#quiet);
    this.#quiet = null;
    this.#tell.onAway(false);
  }

  #heard(view) {
    if (this.#closed) return;
    hearTime(view.now);
    this.#here();
    this.#tell.onView(view);
  }

  #gone() {
    if (!this.#closed) this.#tell.onLost();
  }

  #broken(refused) {
    this.#quiet ??= setTimeout(() => this.#tell.onAway(true), QUIET_MS);
    if (refused) void this.#ask();
  }

  /** How things stand. The stream cannot say why it was refused: our session's end, or a server that starts. */
  async #ask() {
    if (this.#asking) return;
    this.#asking = true;
    try {
      this.#heard(await this.#api.view());
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      if ([401, 403, 404, 410].includes(problem.status)) this.#gone();
    } finally {
      this.#asking = false;
    }
  }
}
