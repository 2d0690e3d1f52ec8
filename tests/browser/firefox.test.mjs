// What Firefox and the server agree on, and what arrives of it. It is held to DTLS 1.2 here, so that a real browser
// tries the older handshake too; in `visit.test.mjs` it speaks the version it likes.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startBrowser } from './support/browser.mjs';
import { startFirefox } from './support/firefox.mjs';
import { AES_GCM, DTLS_1_2, arriving, remoteDescriptions, sealing, setLayer, statistics } from './support/media.mjs';
import { meet } from './support/people.mjs';
import { startServer } from './support/server.mjs';
import { until } from './support/until.mjs';

/** As the wire has it (RFC 6347 §4.1) it is 0xFEFD; Firefox counts as TLS does. */
const HELD_TO_DTLS_1_2 = { 'media.peerconnection.dtls.version.max': 0x0303 };

let server;
let browser;
let firefox;
/** In Chromium. */
let provider;
/** In Firefox. */
let patient;

before(async () => {
  [server, browser, firefox] = await Promise.all([startServer(), startBrowser(), startFirefox({ preferences: HELD_TO_DTLS_1_2 })]);
  patient = await firefox.page();
  provider = await browser.page();
  await meet(server, provider, patient);
});

after(async () => {
  await firefox?.stop();
  await browser?.stop();
  await server?.stop();
});

/** What arrives at `page` of the only other person. */
const ofTheOther = async (page) => Object.values(await arriving(page))[0];

/** Frames and packets of the other go on to arrive at `page` from here. */
async function goesOn(page) {
  const before = await ofTheOther(page);
  await until('picture and sound go on', async () => {
    const { video, audio } = await ofTheOther(page);
    return video.frames >= before.video.frames + 10 && audio.packets >= before.audio.packets + 10 && audio.energy > before.audio.energy;
  });
}

test('its media is sealed with DTLS 1.2 and AES-GCM, and both see and hear each other', async () => {
  assert.deepEqual(await sealing(patient), { version: DTLS_1_2, cipher: AES_GCM });
  await Promise.all([goesOn(patient), goesOn(provider)]);
});

test('a path that is looked for anew is found, on the same connection', async () => {
  const path = async () => (await statistics(patient, 'transport'))[0].selectedCandidatePairId;
  const before = await path();
  await patient.evaluate(() => window.dispatchEvent(new Event('online')));
  await until('a second answer', async () => (await remoteDescriptions(patient)) === 2);
  await until('a new path', async () => (await path()) !== before);
  await Promise.all([goesOn(patient), goesOn(provider)]);
  assert.equal(await patient.evaluate(() => window.observed.peers.length), 1);
});

test('each of its three layers arrives: the highest that it sends, on the same SSRC', async () => {
  const { ssrc } = (await ofTheOther(provider)).video;
  for (const [rid, width] of [['f', 1280], ['h', 640], ['q', 320]]) {
    await until(`${rid} arrives`, async () => (await ofTheOther(provider)).video.width === width);
    await goesOn(provider);
    assert.equal((await ofTheOther(provider)).video.ssrc, ssrc);
    if (rid !== 'q') await setLayer(patient, rid, false);
  }
  assert.deepEqual([...patient.mishaps, ...provider.mishaps], []);
});
