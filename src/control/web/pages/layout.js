// How this person likes to see the visit: the menu, the pins, and what is remembered of both in this browser.

import { LAYOUTS } from './arrangement.js';
import { byId, face } from './dom.js';
import { text } from './text.js';

const KEY = 'quartet-layout';
/** More people than a visit can have of others; a browser need not remember those of all visits before. */
const PINS_MAX = 8;

/** A browser without popovers shows the grid, and still pins. */
const CAN_OPEN = 'popover' in HTMLElement.prototype;

function remembered() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? {};
  } catch {
    return {}; // The browser keeps nothing for pages like this one.
  }
}

function remember(choice) {
  try {
    localStorage.setItem(KEY, JSON.stringify(choice));
  } catch {
    // It holds as long as this page does.
  }
}

/** Event: `change`. */
export class Layout extends EventTarget {
  name;
  hidesYou;
  /** Participants, those pinned last at the end. */
  pins;
  #menu = byId('layout-menu');

  constructor() {
    super();
    const { name, hidesYou, pins } = remembered();
    this.name = LAYOUTS.includes(name) ? name : LAYOUTS[0];
    this.hidesYou = hidesYou === true;
    this.pins = Array.isArray(pins) ? pins.slice(-PINS_MAX) : [];
    face(byId('control-layout'), 'layout', text.layout);
    for (const place of [byId('control-layout'), this.#menu]) place.hidden = !CAN_OPEN;
    for (const radio of this.#menu.querySelectorAll('input[name="layout"]')) {
      radio.checked = radio.value === this.name;
      radio.addEventListener('change', () => this.#choose({ name: radio.value }));
    }
    byId('layout-hide').checked = this.hidesYou;
    byId('layout-hide').addEventListener('change', ({ target }) => this.#choose({ hidesYou: target.checked }));
  }

  /** Pins this participant, or lets go of them. */
  togglePin(participant) {
    const others = this.pins.filter((one) => one !== participant);
    const pins = others.length < this.pins.length ? others : [...others, participant].slice(-PINS_MAX);
    this.#choose({ pins });
  }

  /** The visit is over: a menu that is open goes with it. */
  close() {
    if (CAN_OPEN && this.#menu.matches(':popover-open')) this.#menu.hidePopover();
  }

  #choose(change) {
    Object.assign(this, change);
    remember({ name: this.name, hidesYou: this.hidesYou, pins: this.pins });
    this.dispatchEvent(new Event('change'));
  }
}
