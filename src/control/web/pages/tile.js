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

/** A word that stands in a tile's label, with the icon that says the same at a glance. */
const sign = (name, word) => element('span', { class: `tile-sign ${name}` }, icon(name), element('span', {}, word));

export class Tile {
  #video = element('video', { playsinline: true, autoplay: true, muted: true });
  #state = element('span', { class: 'tile-state' });
  #cover;
  #label;
  #signs = { muted: sign('microphone-off', text.tileMuted), poor: sign('poor', text.tilePoor), speaks: sign('speaking', text.tileSpeaks) };
  /** Whether a picture has been seen since the camera was last off, paused, absent or another's. */
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

  /** `{ microphone, camera, presence, paused, connection }` of the person. */
  update(person) {
    if (!person.camera || person.paused) this.#forgetPicture();
    this.#person = person;
    this.#sign('muted', !person.microphone);
    this.#sign('poor', person.connection === 'poor');
    this.#show();
  }

  /** Marks the one who speaks, as the server hears it. */
  set speaks(speaks) {
    this.#sign('speaks', speaks);
  }

  #sign(which, on) {
    const sign = this.#signs[which];
    if (on && !sign.isConnected) this.#label.append(sign);
    if (!on) sign.remove();
  }

  #forgetPicture() {
    this.#seen = false;
  }

  /** Whether pictures are on their way at all. */
  get #sends() {
    const { camera = true, paused = false } = this.#person ?? {};
    return camera && !paused;
  }

  #show() {
    const { camera = true, paused = false, presence = 'joined' } = this.#person ?? {};
    if (this.#sends && !this.#seen && this.#video.srcObject) this.#awaitPicture();
    let state = null;
    if (presence === 'reconnecting') state = text.tileReconnecting;
    else if (!camera) state = text.tileCameraOff;
    else if (paused) state = text.tilePaused;
    else if (!this.#seen) state = text.tileConnecting;
    this.#state.textContent = state ?? '';
    this.#cover.hidden = state === null;
    this.element.classList.toggle('without-picture', !this.#seen || !this.#sends);
  }

  #awaitPicture() {
    if (this.#waitingForPicture) return;
    this.#waitingForPicture = true;
    whenPicture(this.#video, () => {
      this.#waitingForPicture = false;
      this.#seen = this.#sends;
      this.#show();
    });
  }
}

/** Someone else: a picture, a sound that is theirs alone, and a pin that keeps the picture large. */
export class OtherTile extends Tile {
  #audio = element('audio', { autoplay: true });
  #pin;

  constructor(person, onPin) {
    const label = text.tile(person.name, roleName(person.role));
    super(person, { 'data-seat': String(person.seat), 'aria-label': label });
    // To someone who is Deaf an interpreter's picture is the sound: theirs is offered in words.
    const interprets = person.role === 'interpreter';
    const face = interprets ? [element('span', {}, text.pinInterpreter)] : [];
    const name = interprets ? text.pinInterpreterNamed(person.name) : text.pin(person.name);
    this.#pin = element('button', { class: 'pin', type: 'button', 'aria-label': name, title: name }, icon('pin'), ...face);
    this.#pin.classList.toggle('offered', interprets);
    this.element.classList.toggle('interprets', interprets);
    this.#pin.addEventListener('click', onPin);
    this.pinned = false;
    this.element.append(this.#pin, this.#audio);
  }

  set pinned(pinned) {
    this.#pin.setAttribute('aria-pressed', String(pinned));
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
