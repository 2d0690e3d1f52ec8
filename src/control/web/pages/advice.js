// What a page says of the browser it runs in.

import { byId, say } from './dom.js';
import { advise, missing } from './support.js';
import { text } from './text.js';
import { show } from './views.js';

const own = () => advise(navigator.userAgent);
const bySystem = (words, system) => words[system] ?? words.other;

async function copyLink() {
  try {
    await navigator.clipboard.writeText(location.href);
    byId('browser-copied').textContent = text.copied;
  } catch {
    // A window that may not write to the clipboard: the link is shown, chosen and ready to be copied by hand.
    byId('browser-link-field').hidden = false;
    byId('browser-link').value = location.href;
    byId('browser-link').select();
    byId('browser-copied').textContent = text.copyByHand;
  }
}

function showBrowser(heading, lead, lacks = []) {
  byId('browser-heading').textContent = heading;
  byId('browser-lead').textContent = lead;
  byId('browser-missing').textContent = lacks.map((lack) => text.missing[lack]).join(' ');
  byId('browser-copy').addEventListener('click', () => void copyLink());
  show('browser');
}

/**
 * Resolves when this browser can carry a visit. One that cannot is told which can; a window inside another app is told
 * how to get out of it, and may stay.
 */
export async function checkBrowser() {
  const { system, app } = own();
  const lacks = missing();
  const can = lacks.length === 0;
  if (can && app === null) return;
  await new Promise((stay) => {
    if (lacks.includes('secure')) showBrowser(text.insecureHeading, text.insecureLead);
    else if (app !== null) showBrowser(text.appHeading(app), bySystem(text.appLead, system), lacks);
    else showBrowser(text.unsupportedHeading, bySystem(text.unsupportedLead, system), lacks);
    byId('browser-stay').hidden = !can;
    byId('browser-stay').addEventListener('click', stay);
  });
}

/** One line about versions that are too old, or about a browser that works better: never a block. */
export function showAdvice(minimums) {
  const { old, preferred, version, system, systemVersion } = advise(navigator.userAgent, minimums);
  let words = null;
  if (old === 'system') words = system === 'ios' ? text.advice.systemIos(systemVersion) : text.advice.system(systemVersion);
  else if (old === 'browser') words = text.advice.browser(version);
  else if (!preferred) words = text.advice.preferred;
  say(byId('advice'), words);
}
