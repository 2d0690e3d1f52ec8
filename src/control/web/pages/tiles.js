// Everyone's tiles: who has one, and what arrives for whom.

import { roleName, text } from './text.js';
import { OtherTile, Tile } from './tile.js';

/** Where a seat's line arrives: the name of its media stream. */
export const lineOf = (seat) => `seat${seat}`;
export const SCREEN_LINE = 'screen';

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
