// The waiting room: says what is happening, and nothing of who else is there.

import { byId } from './dom.js';
import { urgentSentence } from './help.js';
import { text } from './text.js';
import { announce } from './views.js';

export class WaitingStep {
  #capture;
  #view = {};
  #away = false;
  /** In how many seconds a full server is asked again; null while it is not full. */
  #full = null;

  constructor({ capture, onLeave }) {
    this.#capture = capture;
    byId('waiting-leave').addEventListener('click', onLeave);
    capture.addEventListener('change', () => this.#preview());
  }

  /** What is new of the visit; what is not said stays as it was. */
  update(view) {
    this.#view = { ...this.#view, ...view };
    this.#say();
    this.#preview();
  }

  /** The server's events stay away, or are back. */
  setAway(away) {
    this.#away = away;
    this.#say();
  }

  /** The server has no room for this person, and is asked again in so many seconds; `null`: there is room. */
  setFull(seconds) {
    this.#full = seconds;
    this.#say();
    this.#preview();
  }

  #say() {
    // The same words again would be read out again.
    const put = (place, words) => place.textContent !== words && (place.textContent = words);
    put(byId('waiting-heading'), this.#heading());
    put(byId('waiting-lead'), this.#words());
    const said = this.#view.message?.text ?? '';
    byId('waiting-message').hidden = !said;
    if (said && said !== byId('waiting-words').textContent) announce(text.waitingSaid(said));
    put(byId('waiting-words'), said);
  }

  get #stepped() {
    return this.#view.you?.reason === 'stepped_out';
  }

  end() {
    byId('waiting-preview').srcObject = null;
  }

  #heading() {
    if (this.#full !== null) return text.fullHeading;
    return this.#stepped ? text.waitingStepped : text.waitingHeading;
  }

  #words() {
    if (this.#away) return text.offline;
    if (this.#full !== null) return `${text.fullLead(this.#full)} ${urgentSentence()}`;
    if (this.#view.room_full) return text.roomFull;
    if (this.#stepped) return text.waitingSteppedLead;
    return this.#view.provider_present ? text.waitingHere : text.waitingAway;
  }

  #preview() {
    const video = byId('waiting-preview');
    const { camera } = this.#capture;
    video.parentElement.hidden = !camera;
    video.classList.toggle('mirrored', !this.#capture.facesAway);
    if (camera && video.srcObject?.getVideoTracks()[0] === camera) return;
    video.srcObject = camera ? new MediaStream([camera]) : null;
  }
}
