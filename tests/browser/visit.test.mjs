// Four people in one visit, as they would do it: three in Chromium, one in Firefox.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { FOUR_AT_ONCE, PHONE, SMALL_DESKTOP, startBrowser } from './support/browser.mjs';
import { startFirefox } from './support/firefox.mjs';
import { AES_GCM, DTLS_1_3, arriving, remoteDescriptions, sealing } from './support/media.mjs';
import { host, inVisit, tile, verify, join, wait } from './support/people.mjs';
import { startServer } from './support/server.mjs';
import { until } from './support/until.mjs';

const WINDOW_MS = 10_000;
/** Within this time one window is whole. */
const WITHIN_MS = 60_000;
const QUIET_MS = 3_000;
const FRAMES_PER_SECOND_MIN = 8;
/** Energy of what a browser plays for a sound that does not come. */
const SILENCE = 1e-6;
/** Which patient has Firefox: not the one who leaves. */
const IN_FIREFOX = 1;

let server;
let browser;
let firefox;
/** name → page */
const pages = new Map();

before(async () => {
  [server, browser, firefox] = await Promise.all([startServer(), startBrowser(FOUR_AT_ONCE), startFirefox()]);
});

after(async () => {
  await firefox?.stop();
  await browser?.stop();
  await server?.stop();
});

/** Everything that arrived at `page` between two looks, at least `window` ms apart: name → rates. */
async function during(page, window) {
  const first = await arriving(page);
  const names = Object.keys(first);
  const [{ at }] = Object.values(first);
  await until(`${window} ms of media`, () => page.evaluate((end) => performance.now() >= end, at + window));
  const second = await arriving(page);
  return Object.fromEntries(
    names.map((name) => {
      const seconds = (second[name].at - first[name].at) / 1_000;
      const { video, audio } = second[name];
      return [
        name,
        {
          framesPerSecond: (video.frames - first[name].video.frames) / seconds,
          energy: audio.energy - first[name].audio.energy,
          packets: audio.packets - first[name].audio.packets,
        },
      ];
    }),
  );
}

const others = (name) => [...pages].filter(([other]) => other !== name);

/**
 * Everybody's picture and sound reach everybody else, for a whole window. The first ones may be those in which a machine of
 * two cores still starts four browsers' encoders and turns off the layers that nobody watches.
 */
async function everyoneSeesAndHearsEveryone() {
  await Promise.all(
    [...pages].map(async ([name, page]) => {
      const expected = others(name).map(([other]) => other).sort();
      let rates;
      const all = async () => {
        rates = await during(page, WINDOW_MS);
        assert.deepEqual(Object.keys(rates).sort(), expected);
        return Object.values(rates).every(({ framesPerSecond, energy }) => framesPerSecond >= FRAMES_PER_SECOND_MIN && energy > 0);
      };
      await until(`${name} has three tiles`, async () => Object.keys(await arriving(page)).length === expected.length);
      await until(() => `${name} sees and hears the other three; it got ${JSON.stringify(rates)}`, all, { within: WITHIN_MS });
    }),
  );
}

/** Looks at all the others until `holds` is true of what they got of `name` in one quiet window. */
async function atTheOthers(name, what, holds) {
  await Promise.all(
    others(name).map(([other, page]) =>
      until(`${other}: ${what} of ${name}`, async () => holds(await during(page, QUIET_MS)), { within: 40_000 }),
    ),
  );
}

test('three verify and wait, the provider admits all, and all four see and hear each other', async () => {
  const names = server.patients.map(({ name }) => name);
  await Promise.all(
    server.patients.map(async (link, place) => {
      const page = await (place === IN_FIREFOX ? firefox : browser).page({ viewport: PHONE });
      pages.set(link.name, page);
      await wait(page, link);
    }),
  );
  const provider = await browser.page({ viewport: SMALL_DESKTOP });
  await host(provider, server.provider);
  for (const name of names) await provider.getByRole('listitem').filter({ hasText: name }).waitFor();
  await provider.getByRole('button', { name: 'Admit all' }).click();

  const [first] = names;
  await inVisit(pages.get(first));
  const label = await pages.get(first).locator('[data-seat="0"]').getAttribute('aria-label');
  assert.match(label, /, Provider$/);
  pages.set(label.replace(/, Provider$/, ''), provider);
  await everyoneSeesAndHearsEveryone();
});

test('the media of both browsers is sealed with DTLS 1.3 and AES-GCM', async () => {
  for (const [name, page] of pages) assert.deepEqual(await sealing(page), { version: DTLS_1_3, cipher: AES_GCM }, name);
});

test('camera off and mute stop exactly this person’s picture and sound in the other three', async () => {
  for (const [name, page] of pages) {
    await page.getByRole('button', { name: 'Turn camera off' }).click();
    await page.getByRole('button', { name: 'Mute', exact: true }).click();
    await Promise.all(
      others(name).map(async ([, other]) => {
        await tile(other, name).getByText('Camera off').waitFor();
        await tile(other, name).getByText('Muted').waitFor();
        assert.equal(await other.locator('[data-seat]').getByText('Camera off').count(), 1);
        assert.equal(await other.locator('[data-seat]').getByText('Muted').count(), 1);
      }),
    );
    await atTheOthers(name, 'only silence and no picture', (rates) =>
      Object.entries(rates).every(([of, { framesPerSecond, energy, packets }]) =>
        of === name ? framesPerSecond === 0 && energy < SILENCE && packets === 0 : framesPerSecond > 0 && energy > 0,
      ),
    );
    await page.getByRole('button', { name: 'Turn camera on' }).click();
    await page.getByRole('button', { name: 'Unmute' }).click();
    await atTheOthers(name, 'picture and sound again', (rates) =>
      Object.values(rates).every(({ framesPerSecond, energy }) => framesPerSecond > 0 && energy > 0),
    );
  }
});

test('a fifth is told that the room is full, and takes the seat that one of the four leaves', async () => {
  const guest = await server.guestLink('Gabriela Stern');
  const fifth = await browser.page({ viewport: PHONE });
  await verify(fifth, guest, { name: guest.name, relationship: 'Sister' });
  await join(fifth);
  await fifth.getByText('The room is full').waitFor();

  const [leaver] = server.patients.map(({ name }) => name);
  const left = pages.get(leaver);
  await left.getByRole('button', { name: 'Leave' }).click();
  await left.getByRole('button', { name: 'Rejoin' }).waitFor();
  pages.delete(leaver);
  await Promise.all([...pages.values()].map((page) => tile(page, leaver).waitFor({ state: 'detached' })));

  const provider = [...pages.values()].at(-1);
  await provider.getByRole('listitem').filter({ hasText: guest.name }).getByRole('button', { name: 'Admit', exact: true }).click();
  await inVisit(fifth);
  pages.set(guest.name, fifth);
  await everyoneSeesAndHearsEveryone();
});

test('nobody negotiated more than once, and no page met anything that it did not expect', async () => {
  for (const [name, page] of pages) {
    assert.equal(await remoteDescriptions(page), 1, `${name} negotiated again`);
    assert.deepEqual(page.mishaps, [], name);
  }
});

test('the provider ends the visit for everyone', async () => {
  const provider = [...pages.values()].at(-2);
  await provider.getByRole('button', { name: 'End visit' }).click();
  await provider.getByRole('dialog').getByRole('button', { name: 'End visit for everyone' }).click();
  await Promise.all([...pages.values()].map((page) => page.getByRole('heading', { name: 'The visit has ended' }).waitFor()));
});
