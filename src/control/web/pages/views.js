// One document, one step at a time. The camera's stream lives in the document, so no step may load another.

import { byId } from './dom.js';
import { text } from './text.js';

const VIEWS = ['browser', 'verify', 'early', 'devices', 'waiting', 'visit', 'left', 'ended', 'problem'];

/** Which step is shown. */
export function shown() {
  return document.body.dataset.view;
}

/** Shows one step and takes keyboard and screen reader to its heading. Showing it again moves nothing. */
export function show(name) {
  if (shown() === name) return;
  for (const other of VIEWS) byId(`view-${other}`).hidden = other !== name;
  document.body.dataset.view = name;
  const heading = byId(`${name}-heading`);
  document.title = `${heading.textContent} · ${text.product}`;
  window.scrollTo(0, 0);
  heading.focus({ preventScroll: true });
}

let told = [];

/** Tells a screen reader something that happened elsewhere on the page. What happens in one moment is one text. */
export function announce(message) {
  told.push(message);
  if (told.length > 1) return;
  queueMicrotask(() => {
    byId('announcer').textContent = told.join(' ');
    told = [];
  });
}

/** Shows what went wrong and what to do now; `reload` where loading the page again may help. */
export function showProblem(heading, lead, { reload = false } = {}) {
  byId('reload').hidden = !reload;
  byId('problem-heading').textContent = heading;
  byId('problem-lead').textContent = lead;
  show('problem');
}
