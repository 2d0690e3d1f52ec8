// A path that loses packets, both ways: pictures go on and sound is heard.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { able, across, assertWithin, cast, elsewhere, forwarder, measured, percent } from './bad_path.mjs';
import { clientOf } from './forwarder.mjs';

export const STILL_MS = 2_000;

/** Nobody notices. `freeze`, the longest, in ms; `concealed` is the share of sound that may be made up, at most. */
export const FIVE_PERCENT = { loss: 0.05, delay: 50, during: 60_000, freeze: 200, frozen: 1, concealed: 0.01 };
/** The picture may stand for this share of the time, `frozen`, and this share of the sound may be made up. */
export const TWENTY_PERCENT = { loss: 0.2, delay: 100, during: 30_000, freeze: Infinity, frozen: 0.05, concealed: 0.01 };

/** The test of a path that loses `loss` of its packets and is `delay` ms long, there and back, for so many ms. */
export function lossy({ loss, delay, during, freeze, frozen, concealed }) {
  const path = `${loss * 100} % loss, ${delay} ms`;
  test(`${path}: pictures go on and sound is heard`, async () => {
    const { concerned, page } = cast();
    const client = await clientOf(page);
    const bad = { loss, delay_ms: delay / 2 };
    await forwarder.set(client, { up: bad, down: bad });
    const { did, between } = await measured(path, client, during);
    for (const way of ['up', 'down']) assertShare(did[way].lost, did[way].offered, loss, way);
    assertWithin([
      ...able(elsewhere(concerned), between),
      ...across(concerned).flatMap(([at, of]) => {
        const seen = between(at, of);
        const where = `${of} at ${at}`;
        return [
          [`${where}: longest freeze, ms`, seen.longestFreeze, freeze],
          [`${where}: share of time frozen`, seen.frozenShare, frozen],
          [`${where}: still, ms`, seen.longestStill, STILL_MS],
          [`${where}: share of sound made up`, seen.concealedShare, concealed],
        ];
      }),
    ]);
  });
}

/** Whether the network was what it should be: a share within four standard deviations. */
function assertShare(counted, of, asked, what) {
  const bound = 4 * Math.sqrt((asked * (1 - asked)) / of);
  assert.ok(Math.abs(counted / of - asked) <= bound, `${what}: ${percent(counted / of)} of ${of}, asked ${percent(asked)}`);
}
