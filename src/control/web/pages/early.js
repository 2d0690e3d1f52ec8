// The page of who comes too early: when the visit opens, and on by itself when it does.

import { hearTime, serverNow } from './clock.js';
import { byId } from './dom.js';
import { opening, text } from './text.js';
import { show } from './views.js';

const LOOK_EVERY_MS = 1_000;

const MINUTE_MS = 60_000;

/** How long it still takes, in words: to the second in the last minute, rounded up before. */
export function remaining(ms) {
  if (ms < MINUTE_MS) return text.inSeconds(Math.max(0, Math.ceil(ms / 1_000)));
  const minutes = Math.ceil(ms / MINUTE_MS);
  if (minutes < 60) return text.inMinutes(minutes);
  const hours = Math.floor(minutes / 60);
  return hours < 24 ? text.inHours(hours, minutes % 60) : text.inDays(Math.floor(hours / 24));
}

/** Shows when the visit opens; resolves at that moment of the server's clock. */
export function waitUntilOpen({ opensAt, now }) {
  if (now) hearTime(now);
  const opens = Date.parse(opensAt);
  byId('early-heading').textContent = opening(opensAt, serverNow());
  show('early');
  return new Promise((open) => {
    const look = () => {
      const left = opens - serverNow();
      byId('early-countdown').textContent = remaining(left);
      if (left > 0) return;
      clearInterval(timer);
      document.removeEventListener('visibilitychange', look);
      open();
    };
    // A page in the background is looked at rarely, and one that slept not at all.
    const timer = setInterval(look, LOOK_EVERY_MS);
    document.addEventListener('visibilitychange', look);
    look();
  });
}
