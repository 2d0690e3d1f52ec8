// What is not looked at is not sent, and what is looked at changes its layer without anybody seeing it.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { FOUR_AT_ONCE, PHONE, startBrowser } from './support/browser.mjs';
import { arriving, keepSize, layers, remoteDescriptions, statistics } from './support/media.mjs';
import { admitAll, host, inVisit, tile, wait } from './support/people.mjs';
import { startServer } from './support/server.mjs';
import { until } from './support/until.mjs';

/** A layer that nobody takes is off after five seconds; the rest is what messages and busy machines take. */
const OFF_MS = 8_000;
const ON_MS = 1_000;
/** `SWITCHES=1000` is what the server promises; fewer tell of it too, and do not take a quarter of an hour. */
const SWITCHES = Number(process.env.SWITCHES ?? 40);
/** A keyframe that is asked for comes within this time, or is asked for again. */
const SWITCH_MS = 5_000;

let server;
let browser;
let provider;
let patients;
/** The patient who is looked at. */
let seen;
/** What the provider's page has told last of what it shows. */
let watching;

before(async () => {
  [server, browser] = await Promise.all([startServer(), startBrowser(FOUR_AT_ONCE)]);
  patients = [];
  for (const link of server.patients.slice(0, 2)) {
    const page = await browser.page({ viewport: PHONE });
    await wait(page, link);
    patients.push(page);
  }
  provider = await browser.page();
  provider.on('request', (request) => {
    if (request.url().endsWith('/watching')) watching = request;
  });
  await host(provider, server.provider);
  await admitAll(provider, server.patients.slice(0, 2).map(({ name }) => name));
  await Promise.all(patients.map(inVisit));
  seen = server.patients[0].name;
  await until('everybody sees the patient', async () => {
    const views = await Promise.all([provider, patients[1]].map(arriving));
    return views.every((view) => view[seen]?.video.frames > 0);
  });
});

after(async () => {
  await browser?.stop();
  await server?.stop();
});

const hidden = (page, name, hide) => tile(page, name).evaluate((element, on) => void (element.style.display = on ? 'none' : ''), hide);
const active = async () => Object.values(await layers(patients[0])).filter((layer) => layer.active).length;

test('a camera that everybody hides is turned off at its sender, and is back within a second when somebody looks', async () => {
  const lookers = [provider, patients[1]];
  await Promise.all(lookers.map((page) => hidden(page, seen, true)));
  await until('no layer is sent', async () => (await active()) === 0, { within: OFF_MS });
  const before = await arriving(provider);
  await hidden(provider, seen, false);
  await until('the camera is sent', async () => (await active()) > 0, { within: ON_MS });
  await until('and seen', async () => (await arriving(provider))[seen].video.frames > before[seen].video.frames);
  await hidden(patients[1], seen, false);
});

test(`${SWITCHES} switches of the layer: no picture freezes, none is asked for, nothing is negotiated`, async () => {
  const video = await until('a picture', async () => (await arriving(provider))[seen]?.video);
  const stats = async () => (await statistics(provider, 'inbound-rtp')).find(({ ssrc }) => ssrc === video.ssrc);
  await keepSize(patients[0]);
  const seat = Number(await tile(provider, seen).getAttribute('data-seat'));
  // The page itself says nothing any more, and the test says it instead.
  await provider.route('**/seats/*/watching', (route) => route.fulfill({ status: 204 }));
  const show = async (height) => {
    const said = await provider.request.put(watching.url(), {
      headers: { 'Quartet-Participant': watching.headers()['quartet-participant'], Origin: new URL(watching.url()).origin },
      data: { pictures: [{ seat, height }] },
    });
    assert.equal(said.status(), 204, await said.text());
  };
  const before = await stats();
  for (let count = 0; count < SWITCHES; count += 1) {
    const [rows, width] = count % 2 === 0 ? [180, 320] : [720, 1280];
    await show(rows);
    let got;
    const right = async () => (got = await stats()).frameWidth === width;
    await until(() => `switch ${count}: ${width} wide, but ${got.frameWidth}`, right, { within: SWITCH_MS });
  }
  const now = await stats();
  const most = Math.ceil(SWITCHES / 100);
  assert.ok(now.freezeCount - before.freezeCount <= most, `${now.freezeCount - before.freezeCount} freezes`);
  assert.ok(now.pliCount - before.pliCount <= most, `${now.pliCount - before.pliCount} requests`);
  assert.equal(await remoteDescriptions(provider), 1);
});
