// Three people in a visit, and the path of one of them is bad: what they see and hear, what the others do, and how it ends.
//
// A path is bad in both directions and between one person and the server, unless a test says otherwise; what is said of its
// delay is there and back. The bounds are what the server promises. `results/impaired.md` has what was measured.
// They take minutes and a quiet machine, so they are a measurement (`make impaired`) and no part of `make test`, where the same rows
// are asserted on simulated paths (`tests/network/rows.rs`).

import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { test } from 'node:test';
import {
  able, across, assertWithin, browser, cast, elsewhere, forwarder, measured, onBadPaths, pages, percent, seatOf, server, steady,
} from './support/bad_path.mjs';
import { clientOf } from './support/forwarder.mjs';
import { FIVE_PERCENT, STILL_MS, TWENTY_PERCENT, lossy } from './support/loss.mjs';
import { tile } from './support/people.mjs';
import { plot } from './support/plot.mjs';

const SHORT_MS = 30_000;
/** When a rate falls or rises. */
const DOWN_MS = 2_000;
const QUEUE_MS = 200;
const UP_MS = 10_000;
const SOUND_LOST_MS = 200;
/** Longer than what is allowed, so that too much in it is seen; as long as a home's router has. */
const ROUTER_QUEUE_MS = 300;
/** Who is not concerned keeps this share of the frames: all have two cores together. */
const UNTOUCHED = 0.8;
const PUBLISHER_MS = 3_000;
/** A packet that is late is asked for once, and one in a hundred is late; five times that would be a storm. */
const NACKS = 0.05;
const SWITCH_WINDOW_MS = 10_000;

onBadPaths('impaired.md');

lossy(FIVE_PERCENT);
lossy(TWENTY_PERCENT);

test('2 Mbit/s, 300 kbit/s, 2 Mbit/s towards one: a lower layer and back, and the others notice nothing', async () => {
  const { concerned, page, other, provider } = cast();
  // One picture is left to share the narrow link with two sounds.
  await pages.get(other).getByRole('button', { name: 'Turn camera off' }).click();
  await tile(page, other).getByText('Camera off').waitFor();
  const client = await clientOf(page);
  const at = (bits_per_second) => forwarder.set(client, { down: { rate: { bits_per_second, queue_ms: ROUTER_QUEUE_MS } } });
  await at(2_000_000);
  await steady(page, [provider]);
  const queue = [];
  const narrow = {};
  const { between } = await measured('2 Mbit/s, 300 kbit/s, 2 Mbit/s down', client, async () => {
    const note = async (time) => {
      for (const end = Date.now() + time; Date.now() < end; await pause(100)) {
        const { queue_delay_ms: waits, bits_per_second: rate } = (await forwarder.tally(client)).down;
        queue.push({ at: Date.now(), waits, rate, estimate: await estimateOf(concerned) });
      }
    };
    await note(10_000);
    await at(300_000);
    narrow.from = Date.now();
    await note(20_000);
    await at(2_000_000);
    narrow.to = Date.now();
    await note(UP_MS + 5_000);
  });

  const seen = between(concerned, provider);
  await plot(
    browser,
    'narrow.png',
    `What one receiver gets of a path of 2 Mbit/s, 300 kbit/s, 2 Mbit/s`,
    [
      {
        title: 'Rate',
        unit: 'kbit/s',
        series: [
          { name: 'estimate', points: queue.filter(({ estimate }) => estimate !== null).map((look) => [look.at, look.estimate]) },
          { name: 'received', points: queue.map((look) => [look.at, look.rate / 1_000]) },
        ],
      },
      { title: 'Queue before the narrow place', unit: 'ms', series: [{ name: 'waits', points: queue.map((look) => [look.at, look.waits]) }] },
      { title: 'Picture', unit: 'rows', series: [{ name: 'height', points: seen.heights }] },
    ],
    [
      [narrow.from, '300 kbit/s'],
      [narrow.to, '2 Mbit/s'],
    ],
  );
  const heightAt = (time) => seen.heights.findLast(([since]) => since <= time)?.[1] ?? seen.heights[0][1];
  const upper = heightAt(narrow.from);
  const whileNarrow = seen.heights.filter(([since]) => since > narrow.from + DOWN_MS && since <= narrow.to).map(([, height]) => height);
  const back = seen.heights.find(([since, height]) => since > narrow.to && height >= upper)?.[0] ?? Infinity;
  const settled = queue.filter(({ at: time }) => time > narrow.from + DOWN_MS && time <= narrow.to);
  const untouched = [
    [other, provider],
    [other, concerned],
    [provider, concerned],
  ];
  assertWithin([
    ...able(untouched, between),
    [`height after ${DOWN_MS} ms`, Math.max(heightAt(narrow.from + DOWN_MS), ...whileNarrow), upper - 1],
    ['queue after that, ms', Math.max(...settled.map(({ waits }) => waits)), QUEUE_MS],
    ['back on the upper layer after, ms', back - narrow.to, UP_MS],
    ['longest stillness, ms', seen.longestStill, STILL_MS],
    // What is made up beyond that is the time by which sound comes later, behind a queue.
    ['most sound lost within a second, ms', Math.max(seen.mostSoundLost, between(concerned, other).mostSoundLost), SOUND_LOST_MS],
    ...untouched.map(([who, of]) => {
      const [before, then] = [between(who, of, 0, narrow.from), between(who, of, narrow.from, narrow.to)];
      return [`${of} at ${who}: frames lost`, 1 - then.framesPerSecond / before.framesPerSecond, 1 - UNTOUCHED];
    }),
  ]);
});

test('300 kbit/s from one who is seen: the others get what still fits within three seconds, and all of it again', async () => {
  const { concerned, page } = cast();
  const client = await clientOf(page);
  const narrow = {};
  const { between } = await measured('300 kbit/s up', client, async () => {
    await pause(5_000);
    await forwarder.set(client, { up: { rate: { bits_per_second: 300_000, queue_ms: ROUTER_QUEUE_MS } } });
    narrow.from = Date.now();
    await pause(SHORT_MS);
    await forwarder.set(client, { up: {} });
    narrow.to = Date.now();
    await pause(UP_MS);
  });
  assertWithin([
    ...able(elsewhere(concerned), between),
    ...across(concerned)
      .filter(([, of]) => of === concerned)
      .flatMap(([at, of]) => [
        [`${of} at ${at}: still, ms`, between(at, of).longestStill, PUBLISHER_MS],
        [`${of} at ${at}: still in the end, ms`, between(at, of, narrow.to + PUBLISHER_MS).longestStill, STILL_MS],
      ]),
  ]);
});

test('60 ms of jitter and 1 % out of order: no storm of NACKs, and no layer comes and goes', async () => {
  const { concerned, page } = cast();
  const client = await clientOf(page);
  const bad = { delay_ms: 20, jitter_ms: 60, reorder: 0.01 };
  await forwarder.set(client, { up: bad, down: bad });
  const { looks, did, between } = await measured('60 ms jitter, 1 % reordering', client, SHORT_MS);
  for (const way of ['up', 'down']) {
    assert.equal(did[way].lost + did[way].overflowed, 0, 'nothing is lost');
    const reordered = did[way].reordered / did[way].offered;
    assert.ok(reordered > 0.005 && reordered < 0.015, `${way}: ${percent(reordered)} out of order`);
  }
  const sent = looks.get(page).map((look) => look.sent);
  const asked = (sent.at(-1).nacks - sent[0].nacks) / (sent.at(-1).packets - sent[0].packets);
  assertWithin([
    ...able(elsewhere(concerned), between),
    [`NACKs to ${concerned} per packet`, asked, NACKS],
    ...across(concerned).flatMap(([at, of]) => {
      const seen = between(at, of);
      return [
        [`${of} at ${at}: NACKs per packet`, seen.nacks / seen.packets, NACKS],
        [`${of} at ${at}: switches in 10 s`, mostSwitches(seen.heights), 1],
      ];
    }),
  ]);
});

/** The most changes of height within a window. */
function mostSwitches([, ...changes]) {
  return Math.max(0, ...changes.map(([at]) => changes.filter(([other]) => other >= at && other < at + SWITCH_WINDOW_MS).length));
}

/** What the server thinks the path of this patient carries, in kbit/s. */
async function estimateOf(name) {
  const seat = Number(await seatOf(pages.get(cast().provider), name));
  const { visit_id: visit } = await server.appointment();
  const { people } = await server.staff('get', `/visits/${visit}/quality`);
  return people.find((person) => person.seat === seat)?.downlink?.estimate_kbps ?? null;
}
