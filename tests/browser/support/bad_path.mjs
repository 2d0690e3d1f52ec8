// Three people in a visit of which one has a bad path: the scene of a test, what everybody sees in it, and a table of it.

import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { after, afterEach, before, beforeEach } from 'node:test';
import { FOUR_AT_ONCE, startBrowser } from './browser.mjs';
import { cameraFile } from './camera.mjs';
import { startBehindForwarder } from './forwarder.mjs';
import { arriving, keepSize } from './media.mjs';
import { admitAll, host, inVisit, tile, wait } from './people.mjs';
import { quality, watch } from './quality.mjs';
import { Table } from './results.mjs';
import { until } from './until.mjs';

/** A picture's size is what it is when it stayed for so long: the server believes in a layer that was left out after eight seconds. */
const STEADY_MS = 10_000;

/** Fewer, between those whom nothing concerns, and the machine is too busy to tell anything of a server. */
const FRAMES_PER_SECOND_MIN = 8;

const COLUMNS = [
  'path', 'at', 'of', 'lost up', 'lost down', 'frames/s', 'freezes', 'longest freeze', 'it ended after', 'frozen', 'longest still', 'no packet',
  'concealed', 'worst second', 'lost in it', 'buffer: sound', 'picture', 'lost', 'NACK', 'PLI', 'heights',
];
export const percent = (share) => `${(share * 100).toFixed(2)} %`;
const ms = (time) => `${Math.round(time)} ms`;

export let browser;
/** Of the person whose path is bad, if their camera is another. */
let noisyBrowser = null;
/** The file with their camera's picture; none if the browser draws it. */
let camera = null;
export let server;
export let forwarder;
/** name → page: the provider last. */
export let pages;
let table;

/**
 * Each test of this file has the scene of its own; what it measures goes into `results/NAME`. With `noise`, in steps of brightness,
 * the person whose path is bad has a camera as cameras are; else all have what the browser draws, which is plain and costs little.
 */
export function onBadPaths(name, { noise = null } = {}) {
  table = new Table(name, '# What people saw and heard on bad paths', COLUMNS);

  before(async () => {
    browser = await startBrowser(FOUR_AT_ONCE);
    if (noise === null) return;
    camera = await cameraFile({ ...FOUR_AT_ONCE, noise });
    noisyBrowser = await startBrowser({ ...FOUR_AT_ONCE, camera });
  });

  after(async () => {
    await Promise.all([browser?.stop(), noisyBrowser?.stop()]);
    if (camera) await rm(camera);
  });

  beforeEach(async () => {
    ({ server, forwarder } = await startBehindForwarder());
    pages = await threeInside();
  });

  afterEach(async () => {
    await Promise.all([browser.closePages(), noisyBrowser?.closePages()]);
    await server?.stop();
    await forwarder?.stop();
  });
}

async function threeInside() {
  const inside = new Map();
  for (const link of server.patients.slice(0, 2)) {
    const page = await (inside.size === 0 && noisyBrowser ? noisyBrowser : browser).page();
    await wait(page, link);
    inside.set(link.name, page);
  }
  const provider = await browser.page();
  await host(provider, server.provider);
  await admitAll(provider, inside.keys());
  await Promise.all([...inside.values()].map(inVisit));
  const [patient] = inside.values();
  const name = await until('the provider is seen', async () => Object.keys(await arriving(patient)).find((one) => !inside.has(one)));
  inside.set(name, provider);
  // What a busy machine does to pictures is no answer to the path.
  await Promise.all([...inside.values()].map(keepSize));
  await Promise.all([...inside].map(([own, page]) => steady(page, [...inside.keys()].filter((one) => one !== own))));
  return inside;
}

/** Until the pictures of `names` at `page` have come in the size in which they stay. */
export async function steady(page, names) {
  let [since, before] = [Date.now(), ''];
  const look = async () => {
    const tiles = await arriving(page);
    const now = JSON.stringify(names.map((name) => (tiles[name]?.video.frames > 0 ? tiles[name].video.width : 0)));
    if (now !== before || names.some((name) => !tiles[name]?.video.frames)) [since, before] = [Date.now(), now];
    return Date.now() - since >= STEADY_MS;
  };
  await until(`${names.join(' and ')} are steady`, look, { within: 60_000 });
}

/** Everybody, by name, and whose path it is. */
export function cast() {
  const [[concerned, page], [other], [provider]] = pages;
  return { concerned, page, other, provider };
}

/** Everything that `name` sees of others, and others of them: `[at, of]`. */
export const across = (name) => [...pages.keys()].filter((one) => one !== name).flatMap((one) => [[name, one], [one, name]]);

/** What goes between those whom it does not concern. */
export const elsewhere = (name) => {
  const others = [...pages.keys()].filter((one) => one !== name);
  return others.flatMap((at) => others.filter((of) => of !== at).map((of) => [at, of]));
};

/** Everybody looks while `during` goes on: what is between whom, and what the forwarder did to `client` meanwhile. */
export async function measured(path, client, during) {
  const first = await forwarder.tally(client);
  const looks = await watch([...pages.values()], during);
  const last = await forwarder.tally(client);
  const did = Object.fromEntries(['up', 'down'].map((way) => [way, difference(first[way], last[way])]));
  const between = (at, of, from = 0, to = Infinity) => {
    const within = looks.get(pages.get(at)).filter((look) => look.at >= from && look.at <= to);
    return quality(within, of);
  };
  const { concerned } = cast();
  await table.add(
    ...across(concerned).map(([at, of]) => row(path, did, at, of, between(at, of))),
    ...elsewhere(concerned).map(([at, of]) => row(`${path}: untouched`, null, at, of, between(at, of))),
  );
  return { looks, did, between };
}

const difference = (first, last) => Object.fromEntries(Object.keys(last).map((name) => [name, last[name] - first[name]]));
const missing = ({ offered, lost, overflowed }) => (lost + overflowed) / offered;

const row = (path, did, at, of, seen) => [
  path, at, of, did ? percent(missing(did.up)) : '', did ? percent(missing(did.down)) : '',
  seen.framesPerSecond.toFixed(1), seen.freezes, ms(seen.longestFreeze), seen.longestFreeze > 0 ? ms(seen.longestFreezeAfter) : '', percent(seen.frozenShare), ms(seen.longestStill),
  ms(seen.longestSilent), percent(seen.concealedShare), ms(seen.worstSecond), ms(seen.mostSoundLost), ms(seen.soundWaits), ms(seen.pictureWaits),
  seen.lost, seen.nacks, seen.plis, inTime(seen.heights),
];

/** The heights, each but the first with the second since the beginning in which it came. */
const inTime = ([[first, height], ...changes]) => [height, ...changes.map(([at, now]) => `${((at - first) / 1_000).toFixed(1)} s: ${now}`)].join(', ');

/** Whether the machine could have shown good pictures. */
export const able = (pairs, between) =>
  pairs.map(([at, of]) => [`on a good path, ${of} at ${at}: s per frame`, 1 / between(at, of).framesPerSecond, 1 / FRAMES_PER_SECOND_MIN]);

/** Each of `bounds`, `[what, value, most]`, holds; all that do not are named. */
export function assertWithin(bounds) {
  const broken = bounds.filter(([, value, most]) => !(value <= most)).map(([what, value, most]) => `${what}: ${value}, at most ${most}`);
  assert.deepEqual(broken, []);
}

export const seatOf = (page, name) => tile(page, name).getAttribute('data-seat');
