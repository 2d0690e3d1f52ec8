// One tile per person: picture, name, role, and in words what cannot be seen or heard.

import { element, icon, nameText } from './dom.js';
import { roleName, text } from './text.js';

/** Where a seat's line arrives: the name of its media stream. */
export const lineOf = (seat) => `seat${seat}`;
export const SCREEN_LINE = 'screen';

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

class Tile {
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
class OtherTile extends Tile {
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

/** How loud is speech (the level is a linear amplitude). */
const SPEECH = 0.02;

export class Tiles {
  #grid;
  #speakerId;
  #onSoundBlocked;
  #lines = new Map();
  #others = new Map();
  #own;
  #screen = null;

  constructor(grid, { you, speakerId, onSoundBlocked }) {
    this.#grid = grid;
    this.#speakerId = speakerId;
    this.#onSoundBlocked = onSoundBlocked;
    const role = roleName(you.role);
    this.#own = new Tile(you, { 'data-you': true, 'aria-label': text.ownTile(you.name, role) }, text.you);
    grid.replaceChildren(this.#own.element);
    this.#count();
  }

  /** A line of the connection can be shown from now on. */
  setLine(name, track) {
    const line = { ...this.#lines.get(name), [track.kind]: track };
    this.#lines.set(name, line);
    this.#attach();
  }

  /** Where the others are heard. */
  setSpeaker(id) {
    this.#speakerId = id;
    this.#attach();
  }

  /** The own picture and what is switched on. A camera that looks away from the person shows no mirror. */
  setOwn(camera, sources, { facesAway }) {
    this.#own.setVideo(camera);
    this.#own.video.classList.toggle('mirrored', !facesAway);
    this.#own.update({ ...sources, presence: 'joined' });
  }

  /** The others who are seated: who came, who went: `{ came: [person], went: [person] }`. */
  setOthers(people) {
    const came = [];
    const went = [];
    const present = new Set(people.map((person) => person.participant));
    for (const [participant, { tile, person }] of this.#others) {
      const now = people.find((other) => other.participant === participant);
      if (present.has(participant) && now.seat === person.seat) continue;
      tile.setVideo(null);
      tile.setAudio(null);
      tile.element.remove();
      this.#others.delete(participant);
      if (!now) went.push(person);
    }
    for (const person of [...people].sort((a, b) => a.seat - b.seat)) {
      let known = this.#others.get(person.participant);
      if (!known) {
        known = { tile: new OtherTile(person), person };
        this.#others.set(person.participant, known);
        came.push(person);
      }
      known.person = person;
      known.tile.update(person);
    }
    this.#place();
    this.#attach();
    return { came, went };
  }

  /** The screen of whoever shares one; nobody's when there is none. */
  setScreen(person) {
    if (this.#screen?.participant === person?.participant) return;
    this.#screen?.tile.element.remove();
    this.#screen = null;
    if (person) {
      const label = text.screenTile(person.name);
      const tile = new Tile(person, { 'data-screen': true, 'aria-label': label }, label);
      tile.update({ microphone: true, camera: true, presence: 'joined' });
      this.#screen = { tile, participant: person.participant };
      this.#grid.prepend(tile.element);
    }
    this.#attach();
    this.#count();
  }

  /** Starts every sound again, from a click. */
  async play() {
    const played = await Promise.all([...this.#others.values()].map(({ tile }) => tile.play()));
    this.#onSoundBlocked(played.includes(false));
  }

  /** Marks who speaks. */
  setLevels(levels) {
    for (const { tile, person } of this.#others.values()) {
      tile.speaking = person.microphone && (levels.get(lineOf(person.seat)) ?? 0) > SPEECH;
    }
  }

  clear() {
    for (const { tile } of this.#others.values()) {
      tile.setVideo(null);
      tile.setAudio(null);
    }
    this.#own.setVideo(null);
    this.#grid.replaceChildren();
  }

  #attach() {
    for (const { tile, person } of this.#others.values()) {
      const line = this.#lines.get(lineOf(person.seat));
      if (!line) continue;
      if (line.video) tile.setVideo(line.video);
      if (line.audio) tile.setAudio(line.audio);
      tile.setSpeaker(this.#speakerId);
    }
    this.#screen?.tile.setVideo(this.#lines.get(SCREEN_LINE)?.video ?? null);
    void this.play();
  }

  /** By seat, oneself last. Only what stands wrong moves: a moved element would stop playing. */
  #place() {
    const wanted = [...this.#others.values()].sort((a, b) => a.person.seat - b.person.seat).map(({ tile }) => tile.element);
    let before = this.#own.element;
    for (const tile of wanted.reverse()) {
      if (tile.nextElementSibling !== before) before.before(tile);
      before = tile;
    }
    this.#count();
  }

  #count() {
    this.#grid.dataset.people = String(this.#others.size + 1);
    this.#grid.classList.toggle('with-screen', this.#screen !== null);
  }
}
