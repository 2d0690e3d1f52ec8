// What only the provider has: who waits, letting them in, a word to them, sending people out, ending the visit.

import { serverNow } from './clock.js';
import { busy, byId, element, face, nameText, say } from './dom.js';
import { announce } from './views.js';
import { roleName, text } from './text.js';

const MINUTE_MS = 60_000;
const REFRESH_MS = 15_000;

const SEATED = ['admitted', 'joined', 'reconnecting'];

/** How long someone has waited, in words. */
export function waitedFor(since, now) {
  const minutes = Math.floor((now - new Date(since)) / MINUTE_MS);
  return minutes >= 1 ? text.waitingMinutes(minutes) : text.justNow;
}

/** What of someone's devices is worth knowing before they are let in: only what is amiss. */
export function devicesInWords(devices) {
  if (!devices) return '';
  return [
    devices.camera === false && text.devicesOf.camera,
    devices.microphone === false && text.devicesOf.microphone,
    devices.speaker === 'not_heard' && text.devicesOf.notHeard,
  ]
    .filter(Boolean)
    .join(', ');
}

/** A list with one row per person, in which no row moves that stands right: a moved row would lose the keyboard. */
class Rows {
  #list;
  #make;
  #rows = new Map();

  /** `make(person)` gives `{ element, … }`. */
  constructor(list, make) {
    this.#list = list;
    this.#make = make;
  }

  /** Shows exactly `people`, in this order: `[{ person, row }]`. */
  show(people) {
    const here = new Set(people.map(({ participant }) => participant));
    let lost = false;
    for (const [participant, { element: old }] of this.#rows) {
      if (here.has(participant)) continue;
      lost ||= old.contains(document.activeElement);
      old.remove();
      this.#rows.delete(participant);
    }
    const shown = people.map((person) => {
      if (!this.#rows.has(person.participant)) this.#rows.set(person.participant, this.#make(person));
      return { person, row: this.#rows.get(person.participant) };
    });
    shown.forEach(({ row }, place) => {
      if (this.#list.children[place] !== row.element) this.#list.insertBefore(row.element, this.#list.children[place] ?? null);
    });
    // Whoever had the keyboard is gone; it goes to the heading above, not to the top of the page.
    if (lost) byId('host-heading').focus({ preventScroll: true });
    return shown;
  }
}

export class Host {
  #api;
  #wide = matchMedia('(min-width: 60rem)');
  #waiting;
  #inside;
  #shown = [];
  #timer = null;
  #note = null;
  #leaving = null;
  #message = null;

  constructor(api) {
    this.#api = api;
    this.#waiting = new Rows(byId('host-list'), (person) => this.#waitingRow(person));
    this.#inside = new Rows(byId('host-inside'), (person) => this.#insideRow(person));
    byId('host-admit-all').addEventListener('click', (event) => this.#press(event.currentTarget, () => this.#api.admitAll()));
    face(byId('control-end'), 'end', text.endVisit);
    byId('control-end').addEventListener('click', () => byId('end-dialog').showModal());
    byId('end-cancel').addEventListener('click', () => byId('end-dialog').close());
    byId('end-confirm').addEventListener('click', () => this.#end());
    byId('remove-cancel').addEventListener('click', () => byId('remove-dialog').close());
    byId('remove-may-return').addEventListener('click', (event) => this.#remove(event.currentTarget, { mayReturn: true }));
    byId('remove-for-good').addEventListener('click', (event) => this.#remove(event.currentTarget, { mayReturn: false }));
    byId('message-form').addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#say(byId('message-text').value.trim());
    });
    byId('message-clear').addEventListener('click', () => void this.#say(''));
    this.#wide.addEventListener('change', () => this.#openWhereThereIsRoom());
  }

  begin() {
    byId('host').hidden = false;
    byId('control-end').hidden = false;
    this.#openWhereThereIsRoom();
    this.#timer ??= setInterval(() => this.#refresh(), REFRESH_MS);
  }

  /** Beside the faces everything is open; on a phone the faces come first. */
  #openWhereThereIsRoom() {
    byId('host-more').open = this.#wide.matches;
  }

  end() {
    clearInterval(this.#timer);
    this.#timer = null;
    byId('host').hidden = true;
    byId('control-end').hidden = true;
    byId('end-dialog').close();
    byId('remove-dialog').close();
  }

  update(view) {
    const others = view.participants.filter(({ participant }) => participant !== view.you.participant);
    const outside = others
      .filter(({ presence }) => ['verified', 'waiting'].includes(presence))
      .sort((a, b) => a.since.localeCompare(b.since));
    const waiting = outside.filter(({ presence }) => presence === 'waiting');
    this.#note = waiting.length > 0 && view.room_full ? text.hostFull : null;

    this.#shown = this.#waiting.show(outside);
    for (const { person, row } of this.#shown) {
      if (person.presence === 'waiting' && row.presence !== 'waiting') announce(text.nowWaiting(person.name));
      row.presence = person.presence;
    }
    const inside = others.filter(({ presence }) => SEATED.includes(presence)).sort((a, b) => a.seat - b.seat);
    this.#inside.show(inside);
    byId('host-alone').hidden = inside.length > 0;
    byId('host-count').textContent = waiting.length > 0 ? String(waiting.length) : '';
    byId('host-admit-all').hidden = waiting.length < 2;
    byId('host').classList.toggle('empty', outside.length === 0);
    if (this.#leaving && !inside.some(({ participant }) => participant === this.#leaving)) byId('remove-dialog').close();
    this.#showMessage(view.message?.text ?? '');
    this.#refresh();
  }

  #waitingRow(person) {
    const id = `waiting-${person.participant}`;
    const button = element('button', { class: 'primary', type: 'button', 'aria-describedby': id }, text.admit);
    button.addEventListener('click', () => this.#press(button, () => this.#api.admit(person.participant)));
    const about = element('span', { class: 'hint' });
    const devices = element('span', { class: 'hint amiss' });
    const who = element('div', { class: 'host-who', id }, nameText(person.name), about, devices);
    return { element: element('li', {}, who, button), button, about, devices, presence: null };
  }

  #insideRow(person) {
    const id = `inside-${person.participant}`;
    const button = (word, press) => {
      const made = element('button', { type: 'button', 'aria-describedby': id }, word);
      made.addEventListener('click', () => press(made));
      return made;
    };
    const about = element('span', { class: 'hint' }, text.personLine(roleName(person.role), person.relationship));
    const who = element('div', { class: 'host-who', id }, nameText(person.name), about);
    const actions = element(
      'div',
      { class: 'beside' },
      button(text.stepOut, (pressed) => this.#press(pressed, () => this.#api.stepOut(person.participant), text.steppingOut)),
      button(text.remove, () => this.#askRemove(person)),
    );
    return { element: element('li', { class: 'inside' }, who, actions) };
  }

  #refresh() {
    const now = serverNow();
    for (const { person, row } of this.#shown) {
      const ready = person.presence === 'waiting';
      row.button.hidden = !ready;
      const since = ready ? waitedFor(person.since, now) : text.gettingReady;
      const stepped = person.reason === 'stepped_out' && text.steppedOut;
      row.about.textContent = text.personLine(roleName(person.role), person.relationship, stepped, since);
      row.devices.textContent = ready ? devicesInWords(person.devices) : '';
    }
    say(byId('host-note'), this.#shown.length === 0 ? text.hostNobody : this.#note);
  }

  /** The provider's message as the server has it; what is being typed is left alone. */
  #showMessage(said) {
    if (said === this.#message) return;
    const before = this.#message ?? '';
    this.#message = said;
    const box = byId('message-text');
    if (box.value.trim() === before) box.value = said;
    byId('message-clear').hidden = !said;
    byId('message-state').textContent = said ? text.messageShown : before && text.messageGone;
  }

  async #say(words) {
    const button = byId(words ? 'message-send' : 'message-clear');
    const state = byId('message-state');
    await busy(button, button.textContent, async () => {
      try {
        await this.#api.message(words);
        if (!words) byId('message-text').value = '';
        if (!words) byId('message-text').focus({ preventScroll: true });
      } catch (problem) {
        state.textContent = refused(problem);
      }
    });
  }

  /** One press, and why it did not work. */
  async #press(button, work, word = button.textContent) {
    await busy(button, word, async () => {
      try {
        await work();
      } catch (problem) {
        this.#note = refused(problem);
        say(byId('host-note'), this.#note);
      }
    });
  }

  #askRemove(person) {
    this.#leaving = person.participant;
    byId('remove-heading').textContent = text.removeHeading(person.name);
    say(byId('remove-alert'), null);
    byId('remove-dialog').showModal();
  }

  async #remove(button, how) {
    await busy(button, button.textContent, async () => {
      try {
        await this.#api.remove(this.#leaving, how);
        byId('remove-dialog').close();
      } catch (problem) {
        say(byId('remove-alert'), refused(problem));
      }
    });
  }

  async #end() {
    await busy(byId('end-confirm'), text.endConfirm, async () => {
      try {
        await this.#api.end();
      } catch (problem) {
        this.#note = refused(problem);
        this.#refresh();
      }
      byId('end-dialog').close();
    });
  }
}

/** Why something that the provider asked for was not done. */
function refused(problem) {
  switch (problem.code) {
    case 'room_full':
      return text.errors.roomFullAdmit;
    case 'network':
      return text.errors.network;
    case 'not_waiting':
    case 'not_found':
      return text.errors.gone;
    default:
      return problem.status >= 500 ? text.errors.unavailable : text.errors.unexpected;
  }
}
