// The waiting room: says what is happening, and nothing of who else is there.

import { byId } from './dom.js';
import { text } from './text.js';

export class WaitingStep {
  #capture;
  #view = {};
  #away = false;

  constructor({ capture, onLeave }) {
    this.#capture = capture;
    byId('waiting-leave').addEventListener('click', onLeave);
    capture.addEventListener('change', () => this.#preview());
  }

  update(view) {
    this.#view = view;
    this.#say();
    this.#preview();
  }

  /** The server's events stay away, or are back. */
  setAway(away) {
    this.#away = away;
    this.#say();
  }

  #say() {
    const lead = byId('waiting-lead');
    const words = this.#words();
    // The same words again would be read out again.
    if (lead.textContent !== words) lead.textContent = words;
  }

  end() {
    byId('waiting-preview').srcObject = null;
  }

  #words() {
    if (this.#away) return text.offline;
    if (this.#view.room_full) return text.roomFull;
    return this.#view.provider_present ? text.waitingHere : text.waitingAway;
  }

  #preview() {
    const video = byId('waiting-preview');
    const { camera } = this.#capture;
    video.parentElement.hidden = !camera;
    if (camera && video.srcObject?.getVideoTracks()[0] === camera) return;
    video.srcObject = camera ? new MediaStream([camera]) : null;
  }
}
