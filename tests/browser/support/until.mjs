// Waiting for a condition, never for a time.

import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';

const LOOK_EVERY_MS = 100;

/**
 * Looks again and again until `look` gives something true, and returns it. Fails after `within` ms, in the words of `what`;
 * a function is asked for them then.
 */
export async function until(what, look, { within = 30_000 } = {}) {
  const deadline = Date.now() + within;
  let last;
  for (;;) {
    last = await look();
    if (last) return last;
    assert.ok(Date.now() < deadline, `${typeof what === 'function' ? what() : what}: not within ${within} ms`);
    await pause(LOOK_EVERY_MS);
  }
}
