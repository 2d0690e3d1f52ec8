// Everyone's tiles: who has one, what arrives for whom, and which are large.

import { Floor, SCREEN, YOU, arrange } from './arrangement.js';
import { OtherTile, Tile } from './tile.js';
import { roleName, text } from './text.js';

/** Where a seat's line arrives: the name of its media stream. */
const lineOf = (seat) => `seat${seat}`;
const SCREEN_LINE = 'screen';

/** How loud is speech (the level is a linear amplitude). */
const SPEECH = 0.02;

export class Tiles {
  #grid;
  #layout;
  #speakerId;
  #tell;
  #lines = new Map();
  #others = new Map();
  #own;
  #screen = null;
  #floor = new Floor();
  #settling = null;
  #followLayout = () => this.#arrange();

  /** `onShown` is told what is shown where, whenever that changes: see [`Sight`]. */
  constructor(grid, { you, layout, speakerId, onSoundBlocked, onShown }) {
    this.#grid = grid;
    this.#layout = layout;
    this.#speakerId = speakerId;
    this.#tell = { onSoundBlocked, onShown };
    const role = roleName(you.role);
    this.#own = new Tile(you, { 'data-you': true, 'aria-label': text.ownTile(you.name, role) }, text.you);
    grid.replaceChildren(this.#own.element);
    layout.addEventListener('change', this.#followLayout);
    this.#arrange();
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
  setOwn(camera, sources, { facesAway, connection }) {
    this.#own.setVideo(camera);
    this.#own.video.classList.toggle('mirrored', !facesAway);
    this.#own.update({ ...sources, connection, presence: 'joined' });
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
    for (const person of people) {
      let known = this.#others.get(person.participant);
      if (!known) {
        known = { tile: new OtherTile(person, () => this.#layout.togglePin(person.participant)), person };
        this.#others.set(person.participant, known);
        came.push(person);
      }
      known.person = person;
      known.tile.update(person);
    }
    this.#place();
    this.#arrange();
    this.#attach();
    return { came, went };
  }

  /** The screen of whoever shares one; nobody's when there is none. */
  setScreen(person) {
    if (this.#screen?.participant === person?.participant) return;
    this.#screen?.tile.element.remove();
    this.#screen = null;
    if (person) {
      const tile = new Tile(person, { 'data-screen': true, 'aria-label': text.screenTile(person.name) }, text.screen);
      tile.update({ microphone: true, camera: true, presence: 'joined' });
      this.#screen = { tile, participant: person.participant };
      this.#grid.prepend(tile.element);
    }
    this.#attach();
    this.#arrange();
  }

  /** Who speaks, by the server's word: a participant, or null. Nobody looks at themselves in large for it. */
  setTalking(participant, { isYou }) {
    this.#own.speaks = isYou;
    for (const [other, { tile }] of this.#others) tile.speaks = other === participant;
    this.#settle(isYou ? null : participant);
  }

  /** Starts every sound again, from a click. */
  async play() {
    const played = await Promise.all([...this.#others.values()].map(({ tile }) => tile.play()));
    this.#tell.onSoundBlocked(played.includes(false));
  }

  /** Marks who is loud just now. */
  setLevels(levels) {
    for (const { tile, person } of this.#others.values()) {
      tile.speaking = person.microphone && (levels.get(lineOf(person.seat)) ?? 0) > SPEECH;
    }
  }

  clear() {
    clearTimeout(this.#settling);
    this.#layout.removeEventListener('change', this.#followLayout);
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

  get #bySeat() {
    return [...this.#others.values()].sort((a, b) => a.person.seat - b.person.seat);
  }

  /** By seat, oneself last. Only what stands wrong moves: a moved element would stop playing. */
  #place() {
    let before = this.#own.element;
    for (const { tile } of this.#bySeat.reverse()) {
      if (tile.element.nextElementSibling !== before) before.before(tile.element);
      before = tile.element;
    }
  }

  /** Gives the floor, now or as soon as who has it has had it long enough. */
  #settle(participant) {
    clearTimeout(this.#settling);
    const rest = this.#floor.take(participant, performance.now());
    if (rest === null) this.#arrange();
    else this.#settling = setTimeout(() => this.#settle(participant), rest);
  }

  /** Large and small are classes: the style sheet places them, and no element moves. */
  #arrange() {
    const { name, pins, hidesYou } = this.#layout;
    const others = this.#bySeat;
    const { large, small } = arrange({
      layout: name,
      others: others.map(({ person }) => person.participant),
      pins,
      recent: this.#floor.recent,
      screen: this.#screen !== null,
      hidesYou,
    });
    const put = (key, { element }) => {
      element.classList.toggle('large', large.includes(key));
      element.classList.toggle('small', small.includes(key));
      element.hidden = !large.includes(key) && !small.includes(key);
    };
    put(YOU, this.#own);
    if (this.#screen) put(SCREEN, this.#screen.tile);
    for (const { tile, person } of others) {
      put(person.participant, tile);
      tile.pinned = pins.includes(person.participant);
    }
    this.#grid.dataset.large = String(large.length);
    // One's own picture alone needs no strip: it lies in a corner of the others'.
    const corner = small.join() === YOU && !this.#screen;
    this.#grid.dataset.small = corner ? 'corner' : String(small.length);
    this.#grid.classList.toggle('with-screen', this.#screen !== null);
    this.#tell.onShown({
      pictures: others.map(({ tile, person }) => ({ seat: person.seat, element: tile.element, pinned: pins.includes(person.participant) })),
      screen: this.#screen?.tile.element ?? null,
    });
  }
}
