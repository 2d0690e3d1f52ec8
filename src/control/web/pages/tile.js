// One person's tile: picture, name, role, and in words what cannot be seen or heard.

import { element, icon, nameText } from './dom.js';
import { roleName, text } from './text.js';

/** The first letters of the first and the last name. */
export function initials(name) {
  const words = name.trim().split(/\s+/u);
  const first = (word) => [...word][0] ?? '';
  return (words.length > 1 ? first(words[0]) + first(words.at(-1)) : first(words[0])).toLocaleUpperCase();
}

/** Calls `then` once, when a picture newer than this moment is on the screen. */
function whenPicture(video, then) {
  if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(then);
  else video.addEventListener('timeupdate', then, { once: true });
}

export class Tile {
  #video = element('video', { playsinline: true, autoplay: true, muted: true });
  #state = element('span', { class: 'tile-state' });
  #cover;
  #label;
  #muted = element('span', { class: 'tile-muted' }, icon('microphone-off'), element('span', {}, text.tileMuted));
  /** Whether a picture has been seen since the camera was last off, absent or another's. */
  #seen = false;
  #waitingForPicture = false;
  #person = null;

  constructor({ name, role }, attributes, roleWord) {
    this.#cover = element(
      'div',
      { class: 'tile-cover' },
      element('span', { class: 'initials', 'aria-hidden': 'true' }, initials(name)),
      this.#state,
    );
    this.#label = element('div', { class: 'tile-label' }, nameText(name), element('span', { class: 'role' }, roleWord ?? roleName(role)));
    this.element = element('div', { class: 'tile', role: 'group', ...attributes }, this.#video, this.#cover, this.#label);
    // The attribute alone does not mute an element that a script makes.
    this.#video.muted = true;
  }

  get video() {
    return this.#video;
  }

  setVideo(track) {
    if (this.#video.srcObject?.getVideoTracks()[0] === track) return;
    this.#video.srcObject = track ? new MediaStream([track]) : null;
    this.#forgetPicture();
    if (track) void this.#video.play().catch(() => {}); // Replaced before it began: the next one plays.
    this.#show();
  }

  /** `{ microphone, camera, presence }` of the person. */
  update(person) {
    if (!person.camera) this.#forgetPicture();
    this.#person = person;
    this.#show();
  }

  #forgetPicture() {
    this.#seen = false;
  }

  #show() {
    const { camera = true, microphone = true, presence = 'joined' } = this.#person ?? {};
    if (microphone) this.#muted.remove();
    else this.#label.append(this.#muted);
    if (camera && !this.#seen && this.#video.srcObject) this.#awaitPicture();
    let state = null;
    if (presence === 'reconnecting') state = text.tileReconnecting;
    else if (!camera) state = text.tileCameraOff;
    else if (!this.#seen) state = text.tileConnecting;
    this.#state.textContent = state ?? '';
    this.#cover.hidden = state === null;
    this.element.classList.toggle('without-picture', !this.#seen || !camera);
  }

  #awaitPicture() {
    if (this.#waitingForPicture) return;
    this.#waitingForPicture = true;
    whenPicture(this.#video, () => {
      this.#waitingForPicture = false;
      this.#seen = this.#person?.camera ?? true;
      this.#show();
    });
  }
}

/** Someone else: a picture, and a sound that is theirs alone. */
export class OtherTile extends Tile {
  #audio = element('audio', { autoplay: true });

  constructor(person) {
    const label = text.tile(person.name, roleName(person.role));
    super(person, { 'data-seat': String(person.seat), 'aria-label': label });
    this.element.append(this.#audio);
  }

  setAudio(track) {
    if (this.#audio.srcObject?.getAudioTracks()[0] === track) return;
    this.#audio.srcObject = track ? new MediaStream([track]) : null;
  }

  /** An empty id is the usual speaker. */
  setSpeaker(id) {
    if ((this.#audio.sinkId ?? '') !== id) void this.#audio.setSinkId(id).catch(() => {}); // Unplugged: the usual one plays.
  }

  /** Resolves to false when the browser holds the sound back until a click. */
  async play() {
    if (!this.#audio.srcObject) return true;
    return this.#audio.play().then(
      () => true,
      (error) => error.name !== 'NotAllowedError',
    );
  }

  set speaking(speaking) {
    this.element.classList.toggle('speaking', speaking);
  }
}
