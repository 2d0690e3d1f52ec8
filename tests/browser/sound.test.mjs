// What copies of sound are worth on a path that loses packets: one person's browser takes them, another's does not, and a
// third's page makes more of them than the browser would.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startBrowser } from './support/browser.mjs';
import { clientOf, startBehindForwarder } from './support/forwarder.mjs';
import { arriving } from './support/media.mjs';
import { admitAll, host, inVisit, wait } from './support/people.mjs';
import { quality, watch } from './support/quality.mjs';
import { until } from './support/until.mjs';

const LOSS = 0.05;
/** Of the way up: more than the one copy that browsers make themselves is good for. */
const MUCH_LOSS = 0.2;
const LONG_MS = 30_000;
/** What of the sound is made up: nobody hears it, or everybody does. */
const UNHEARD = 0.01;
const HEARD = 0.02;
/** Copies begin when losses have been told of. */
const BEGIN_MS = 5_000;

let browser;
let server;
let forwarder;

before(async () => {
  [browser, { server, forwarder }] = await Promise.all([startBrowser(), startBehindForwarder()]);
});

after(async () => {
  await browser?.stop();
  await server?.stop();
  await forwarder?.stop();
});

/** An offer of a browser that does not know RED (RFC 2198). */
function withoutCopies(offer) {
  const [, red] = /^a=rtpmap:(\d+) red\/48000\/2\r?$/m.exec(offer);
  const lines = offer.split('\r\n').filter((line) => !new RegExp(`^a=(rtpmap|fmtp|rtcp-fb):${red} `).test(line));
  return lines.map((line) => (line.startsWith('m=audio') ? line.replace(new RegExp(` ${red}(?= |$)`), '') : line)).join('\r\n');
}

test(`at ${LOSS * 100} % loss sound with copies is whole, and without them it is not; at ${MUCH_LOSS * 100} % upwards it is whole, too`, async () => {
  const [able, unable] = await Promise.all([browser.page(), browser.page()]);
  await unable.route('**/visits/*/seats', (route) => route.continue({ postData: withoutCopies(route.request().postData()) }));
  await Promise.all([wait(able, server.patients[0]), wait(unable, server.patients[1])]);
  const provider = await browser.page();
  await host(provider, server.provider);
  await admitAll(provider, server.patients.slice(0, 2).map((patient) => patient.name));
  await Promise.all([inVisit(able), inVisit(unable)]);
  const others = server.patients.map((patient) => patient.name);
  const name = await until('the provider is heard', async () => {
    const heard = Object.entries(await arriving(able)).filter(([, { audio }]) => audio.packets > 50);
    return heard.map(([one]) => one).find((one) => !others.includes(one));
  });

  for (const page of [able, unable]) await forwarder.set(await clientOf(page), { down: { loss: LOSS, delay_ms: 25 } });
  const looks = await watch([able, unable], BEGIN_MS + LONG_MS);
  const madeUp = (page) => {
    const [first] = looks.get(page);
    return quality(looks.get(page).filter(({ at }) => at >= first.at + BEGIN_MS), name).concealedShare;
  };
  const [whole, torn] = [madeUp(able), madeUp(unable)];
  assert.ok(whole < UNHEARD, `with copies ${(whole * 100).toFixed(2)} % is made up`);
  assert.ok(torn > HEARD, `without copies ${(torn * 100).toFixed(2)} % is made up`);

  for (const page of [able, unable]) await forwarder.set(await clientOf(page), { down: {} });
  await forwarder.set(await clientOf(provider), { up: { loss: MUCH_LOSS, delay_ms: 25 } });
  const [[, heard]] = await watch([able], BEGIN_MS + LONG_MS);
  const { concealedShare } = quality(heard.filter(({ at }) => at >= heard[0].at + BEGIN_MS), name);
  assert.ok(concealedShare < UNHEARD, `of who loses ${MUCH_LOSS * 100} % upwards ${(concealedShare * 100).toFixed(2)} % is made up`);
});
