// What only the provider has: who waits, letting them in, ending the visit.

import { busy, byId, element, face, nameText, say } from './dom.js';
import { announce } from './views.js';
import { roleName, text } from './text.js';

const MINUTE_MS = 60_000;
const REFRESH_MS = 15_000;

/** How long someone has waited, in words. */
export function waitedFor(since, now) {
  const minutes = Math.floor((now - new Date(since)) / MINUTE_MS);
  return minutes >= 1 ? text.waitingMinutes(minutes) : text.justNow;
}

export class Host {
  #api;
  #rows = new Map();
  #people = [];
  #timer = null;
  #note = null;

  constructor(api) {
    this.#api = api;
    byId('host-admit-all').addEventListener('click', (event) => this.#admit(event.currentTarget, () => this.#api.admitAll()));
    face(byId('control-end'), 'end', text.endVisit);
    byId('control-end').addEventListener('click', () => byId('end-dialog').showModal());
    byId('end-cancel').addEventListener('click', () => byId('end-dialog').close());
    byId('end-confirm').addEventListener('click', () => this.#end());
  }

  begin() {
    byId('host').hidden = false;
    byId('control-end').hidden = false;
    this.#timer ??= setInterval(() => this.#refresh(), REFRESH_MS);
  }

  end() {
    clearInterval(this.#timer);
    this.#timer = null;
    byId('host').hidden = true;
    byId('control-end').hidden = true;
    byId('end-dialog').close();
  }

  update(view) {
    const here = ['verified', 'waiting'];
    this.#people = view.participants
      .filter((person) => here.includes(person.presence) && person.participant !== view.you.participant)
      .sort((a, b) => a.since.localeCompare(b.since));
    const waiting = this.#people.filter((person) => person.presence === 'waiting');
    this.#note = waiting.length > 0 && view.room_full ? text.hostFull : null;

    const stillThere = new Set(this.#people.map((person) => person.participant));
    for (const [participant, row] of this.#rows) {
      if (stillThere.has(participant)) continue;
      row.element.remove();
      this.#rows.delete(participant);
    }
    for (const person of this.#people) {
      const known = this.#rows.get(person.participant);
      if (!known) this.#rows.set(person.participant, this.#row(person));
      if (person.presence === 'waiting' && known?.presence !== 'waiting') announce(text.nowWaiting(person.name));
      this.#rows.get(person.participant).presence = person.presence;
    }
    byId('host-list').append(...this.#people.map((person) => this.#rows.get(person.participant).element));
    byId('host-count').textContent = waiting.length > 0 ? String(waiting.length) : '';
    byId('host-admit-all').hidden = waiting.length < 2;
    byId('host').classList.toggle('empty', this.#people.length === 0);
    this.#refresh();
  }

  #row(person) {
    const id = `waiting-${person.participant}`;
    const button = element('button', { class: 'primary', type: 'button', 'aria-describedby': id }, text.admit);
    button.addEventListener('click', () => this.#admit(button, () => this.#api.admit(person.participant)));
    const since = element('span', { class: 'hint' });
    const who = element('div', { class: 'host-who', id }, nameText(person.name), since);
    return { element: element('li', {}, who, button), button, since, presence: null };
  }

  #refresh() {
    const now = Date.now();
    for (const person of this.#people) {
      const { button, since } = this.#rows.get(person.participant);
      const ready = person.presence === 'waiting';
      button.hidden = !ready;
      since.textContent = `${roleName(person.role)} · ${ready ? waitedFor(person.since, now) : text.gettingReady}`;
    }
    say(byId('host-note'), this.#people.length === 0 ? text.hostNobody : this.#note);
  }

  async #admit(button, work) {
    await busy(button, button.textContent, async () => {
      try {
        await work();
      } catch (problem) {
        this.#note = problem.code === 'room_full' ? text.errors.roomFullAdmit : text.errors.unexpected;
        say(byId('host-note'), this.#note);
      }
    });
  }

  async #end() {
    await busy(byId('end-confirm'), text.endConfirm, async () => {
      try {
        await this.#api.end();
      } catch {
        this.#note = text.errors.unexpected;
        this.#refresh();
      }
      byId('end-dialog').close();
    });
  }
}
