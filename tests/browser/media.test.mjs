// What two browsers and the server agree on, and what becomes of it when a layer stops.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startBrowser } from './support/browser.mjs';
import { AES_GCM, DTLS_1_3, arriving, layers, remoteDescriptions, sealing, setLayer } from './support/media.mjs';
import { meet } from './support/people.mjs';
import { startServer } from './support/server.mjs';
import { until } from './support/until.mjs';

/** A picture's way down by one layer may take this long. */
const LAYER_CHANGE_MS = 2_000;

let server;
let browser;
let provider;
let patient;

before(async () => {
  [server, browser] = await Promise.all([startServer(), startBrowser()]);
  patient = await browser.page();
  provider = await browser.page();
  await meet(server, provider, patient);
});

after(async () => {
  await browser?.stop();
  await server?.stop();
});

test('the media is sealed with DTLS 1.3 and AES-GCM', async () => {
  for (const page of [provider, patient]) {
    assert.deepEqual(await sealing(page), { version: DTLS_1_3, cipher: AES_GCM });
  }
});

test('all three layers of a camera are sent until it is clear that nobody takes one', async () => {
  const widths = Object.entries({ q: 320, h: 640, f: 1280 });
  for (const page of [provider, patient]) {
    await until('frames of q, h and f', async () => {
      const sent = await layers(page);
      return widths.every(([rid, width]) => sent[rid]?.frames >= 10 && (sent[rid].width === width || !sent[rid].active));
    });
    await until('the middle one is off', async () => {
      const { q, h, f } = await layers(page);
      return q.active && !h.active && f.active;
    });
  }
});

test('when the upper layer stops, the picture goes on with the one below within two seconds, on the same SSRC', async () => {
  const [name] = Object.keys(await arriving(patient));
  const video = async () => (await arriving(patient))[name].video;
  const before = await until('the upper layer arrives', async () => {
    const now = await video();
    return now.width === 1280 && now;
  });

  await setLayer(provider, 'f', false);
  const off = Date.now();
  const lower = await until('the middle layer arrives', async () => {
    const now = await video();
    return now.width === 640 && now;
  });
  const took = Date.now() - off;
  assert.ok(took <= LAYER_CHANGE_MS, `the picture stood for ${took} ms`);
  assert.equal(lower.ssrc, before.ssrc);
  const later = await until('the picture goes on', async () => {
    const now = await video();
    return now.frames >= lower.frames + 10 && now;
  });
  assert.equal(later.ssrc, before.ssrc);
  assert.equal(await remoteDescriptions(patient), 1);
});
