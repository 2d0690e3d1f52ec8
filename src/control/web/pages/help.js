// Whom to call, on every page and most of all where something has failed.

import { site } from './api.js';
import { pause } from './backoff.js';
import { byId, element } from './dom.js';
import { text } from './text.js';

let support = null;

/** The address that calls this number. */
export function telephone(number) {
  return `tel:${number.replace(/[^+\d]/g, '')}`;
}

function call(number, words = number) {
  return element('a', { href: telephone(number) }, words);
}

/** Whom to call, as elements; the invitation knows when the server could not be asked. */
function lines() {
  if (!support?.phone) return [element('p', {}, text.helpInvitation)];
  const { phone, hours, tty } = support;
  const parts = [element('p', {}, `${text.helpLead} `, call(phone))];
  if (hours) parts.push(element('p', {}, hours));
  if (tty) parts.push(element('p', {}, call(tty, text.helpTty(tty))));
  return parts;
}

function showHelp() {
  byId('help').replaceChildren(...lines());
  byId('help-lines').replaceChildren(...lines());
}

/** Whom to call when the equipment may be at fault, in one sentence. */
export function callSentence() {
  return support?.phone ? text.callSupport(support.phone) : text.helpInvitation;
}

/** Whom to call instead of waiting, in one sentence. */
export function urgentSentence() {
  return support?.phone ? text.urgent(support.phone) : text.urgentInvitation;
}

/** Asks for it until it is known; what is known stays known when the server does not. Gives `site` to `onSite`. */
export async function loadHelp(onSite) {
  byId('help-close').addEventListener('click', () => byId('help-dialog').close());
  showHelp();
  for (let attempt = 0; ; attempt += 1) {
    try {
      const known = await site();
      support = known.support;
      if (known.name) byId('site-name').textContent = known.name;
      showHelp();
      return onSite(known);
    } catch (problem) {
      if (!problem.passing) throw problem;
      await new Promise((done) => setTimeout(done, pause(attempt)));
    }
  }
}

/** Opens it over the visit. */
export function openHelp() {
  byId('help-dialog').showModal();
}
