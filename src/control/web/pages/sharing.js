// The person's own screen, shared with the others, and whose screen stands in its way.

import { canShareScreen, openScreen } from './capture.js';
import { byId, face, say } from './dom.js';
import { text } from './text.js';

export class Sharing {
  #connection = null;
  #screen = null;
  /** The name of someone else who shares. */
  #other = null;
  #onProblem;

  /** `onProblem(words)` says what did not work; null takes it back. */
  constructor({ onProblem }) {
    this.#onProblem = onProblem;
    byId('control-share').hidden = !canShareScreen();
    byId('control-share').addEventListener('click', () => void this.#switch());
  }

  begin(connection) {
    this.#connection = connection;
    connection.addEventListener('screenrefused', () => {
      this.#stop(connection, this.#screen);
      this.#onProblem(text.errors.shareTaken);
    });
    this.#show();
  }

  /** Who of the others shares their screen; nobody, when it is null. One screen at a time. */
  setOther(person) {
    this.#other = person?.name ?? null;
    this.#show();
  }

  end() {
    this.#connection = null;
    this.#screen = null;
    this.#other = null;
    this.#show();
  }

  async #switch() {
    const connection = this.#connection;
    this.#onProblem(null);
    if (!this.#screen && this.#other !== null) return this.#onProblem(text.errors.shareTaken);
    try {
      const track = this.#screen ? null : await openScreen();
      // The browser has a button of its own to stop sharing.
      track?.addEventListener('ended', () => this.#stop(connection, track));
      this.#screen = connection === this.#connection ? track : null;
      await connection.shareScreen(track);
    } catch (error) {
      // A person who closes the browser's question has changed their mind; nothing is wrong.
      if (error.name !== 'NotAllowedError') this.#onProblem(text.errors.share);
    }
    this.#show();
  }

  #stop(connection, track) {
    if (this.#screen !== track) return;
    this.#screen = null;
    void connection.shareScreen(null);
    this.#show();
  }

  #show() {
    const button = byId('control-share');
    const taken = this.#screen === null && this.#other !== null;
    if (this.#screen) face(button, 'share-stop', text.stopSharing);
    else face(button, 'share', taken ? text.sharedBy(this.#other) : text.share);
    button.toggleAttribute('aria-disabled', false);
    if (taken) button.setAttribute('aria-disabled', 'true');
    say(byId('visit-sharing'), this.#screen ? text.sharing : null);
  }
}
