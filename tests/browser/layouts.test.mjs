// What each person sees large, what the server is told of it, and what is said of a picture that stands or a poor line.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { violations } from './support/axe.mjs';
import { PHONE } from './support/browser.mjs';
import { arriving, keepSize, layers, remoteDescriptions, sealing } from './support/media.mjs';
import { host, inVisit, tile, wait } from './support/people.mjs';
import { pretend } from './support/pretend.mjs';
import { setting } from './support/setting.mjs';
import { until } from './support/until.mjs';

const here = setting();

const row = (page, name) => page.locator('#host-list').getByRole('listitem').filter({ hasText: name });

/** The provider and these people, all inside: `[provider, …]`, each page made with its own `options`. */
async function inside(links, options = {}) {
  const pages = [];
  for (const link of links) {
    const page = await here.newPage(options);
    await page.context().grantPermissions(['camera', 'microphone']);
    pages.push(page);
    await options.before?.(page);
    await wait(page, link, link.role ? { name: link.name, relationship: 'Interpreter' } : null);
  }
  const provider = await here.newPage();
  await host(provider, here.server.provider);
  for (const [at, { name }] of links.entries()) {
    await row(provider, name).getByRole('button', { name: 'Admit', exact: true }).click();
    await inVisit(pages[at]);
  }
  for (const page of pages) await page.locator('.tile').nth(links.length).waitFor();
  return [provider, ...pages];
}

/** All that `page` tells of what it watches, taken by a server that answers with `status`. */
async function listen(page, status = 204) {
  const heard = [];
  await page.route('**/seats/*/watching', (route) => {
    heard.push(route.request().postDataJSON());
    return route.fulfill({ status });
  });
  return heard;
}

/** The names of those who are shown large, in the order of the page. */
const large = (page) => page.locator('.tile.large .name').allTextContents();

/** What comes from the server is laid out a moment later: these are large in the end, and in this order. */
async function becomesLarge(page, names, words) {
  let seen;
  const same = async () => JSON.stringify((seen = await large(page))) === JSON.stringify(names);
  await until(words, same, { within: 5_000 }).catch(() => assert.deepEqual(seen, names, words));
}

/** The participant of this name in a view. */
const participant = (view, name) => view.participants.find((person) => person.name === name).participant;

/** Opens the menu and picks what says `words`, as a hand would. */
async function choose(page, words) {
  await page.getByRole('button', { name: 'Layout' }).click();
  await page.getByText(words, { exact: true }).click();
  await page.keyboard.press('Escape');
}

const show = (page, state) =>
  page.evaluate((wanted) => {
    Object.defineProperty(document, 'visibilityState', { value: wanted, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  }, state);

test('the server is told how many pixels of the display each tile has, none in a hidden tab or tile, and what is pinned', async () => {
  const [link] = here.server.patients;
  let heard;
  const [, patient] = await inside([link], { deviceScaleFactor: 2, before: async (page) => (heard = await listen(page)) });
  const last = (holds) => () => heard.length > 0 && holds(heard.at(-1).pictures[0]);
  const shown = patient.locator('[data-seat="0"]');
  const steps = async () => Math.ceil(((await shown.boundingBox()).height * 2) / 90) * 90;
  await until('the tile’s pixels', last(({ height }) => height > 0));
  const { leg, pictures, screen } = heard.at(-1);
  assert.match(leg, /^leg-/);
  assert.deepEqual(pictures, [{ seat: 0, height: await steps() }]);
  assert.equal(screen, undefined, 'nobody shares a screen');

  await patient.setViewportSize(PHONE);
  const phone = await steps();
  assert.notEqual(phone, pictures[0].height);
  await until('the phone’s pixels', last(({ height }) => height === phone));

  await shown.getByRole('button', { name: /^Pin/ }).click();
  await until('the pin', last(({ pinned }) => pinned === true));
  await shown.getByRole('button', { name: /^Pin/ }).click();
  await until('no pin', last(({ pinned }) => pinned === undefined));

  await show(patient, 'hidden');
  await until('a hidden tab', last(({ height }) => height === 0));
  assert.equal(await shown.locator('audio').evaluate(({ paused }) => paused), false, 'its sound goes on');
  await show(patient, 'visible');
  await until('the tab again', last(({ height }) => height > 0));

  await shown.evaluate((element) => (element.style.display = 'none'));
  await until('a hidden tile', last(({ height }) => height === 0));
  await shown.evaluate((element) => (element.style.display = ''));
  await until('the tile again', last(({ height }) => height > 0));

  await pretend(patient, (view) => ({ ...view, participants: view.participants.map((person) => ({ ...person, screen: person.role === 'provider' })) }));
  await until('a screen', () => heard.at(-1).screen?.height > 0);
  assert.deepEqual(patient.mishaps, []);
});

test('a new connection is told everything again', async () => {
  const [link] = here.server.patients;
  let heard;
  const [, patient] = await inside([link], { before: async (page) => (heard = await listen(page)) });
  await until('something is told', () => heard.length > 0);
  const { leg } = heard.at(-1);
  await patient.evaluate(() => window.observed.peers.at(-1).close());
  await pretend(patient, (view) => ({ ...view, you: { ...view.you, leg: null, presence: 'reconnecting' } }));
  await until('it is told again', () => heard.at(-1).leg !== leg);
  assert.ok(heard.at(-1).pictures[0].height > 0);
});

test('a server that knows nothing of watching is asked once, and the visit is the same', async () => {
  const [link] = here.server.patients;
  let heard;
  const [, patient] = await inside([link], { before: async (page) => (heard = await listen(page, 404)) });
  await until('it is asked', () => heard.length > 0);
  await patient.setViewportSize(PHONE);
  await choose(patient, 'Who speaks is large');
  const before = await arriving(patient);
  await until('the picture goes on', async () => {
    const now = await arriving(patient);
    return Object.keys(now).every((name) => now[name].video.frames > before[name].video.frames + 10);
  });
  assert.equal(heard.length, 1);
  assert.deepEqual(patient.mishaps, []);
});

test('only the layers that somebody takes are sent, each at its size, and nothing is negotiated for it', async () => {
  const [link] = here.server.patients;
  const [, patient] = await inside([link]);
  await sealing(patient);
  let taken = ['q', 'h', 'f'];
  await pretend(patient, (view) => ({ ...view, you: { ...view.you, layers: taken } }));
  await until('all three', async () => Object.values(await layers(patient)).filter(({ active, width }) => active && width > 0).length === 3);
  const negotiated = 2;
  await until('the new paths that it looked for', async () => (await remoteDescriptions(patient)) === negotiated);
  await keepSize(patient);
  for (taken of [['q', 'h'], ['q'], [], ['h'], ['q', 'h', 'f']]) {
    await until(`${taken.join()} and no other`, async () => {
      const sent = await layers(patient);
      return ['q', 'h', 'f'].every((rid) => (sent[rid]?.active ?? false) === taken.includes(rid));
    });
    const before = await layers(patient);
    await until(`${taken.join()} go on`, async () => {
      const now = await layers(patient);
      return taken.every((rid) => now[rid].frames > (before[rid]?.frames ?? 0) + 3);
    });
    const now = await layers(patient);
    for (const rid of taken) assert.equal(now[rid].width, { q: 320, h: 640, f: 1280 }[rid], rid);
  }
  // A camera that goes and comes back while its layers change.
  await patient.getByRole('button', { name: 'Turn camera off' }).click();
  taken = ['q'];
  await patient.getByRole('button', { name: 'Turn camera on' }).click();
  await until('the smallest alone', async () => Object.values(await layers(patient)).filter(({ active }) => active).length === 1);
  assert.equal(await remoteDescriptions(patient), negotiated);
  assert.deepEqual(patient.mishaps, []);
});

test('layouts are chosen by keyboard, and remembered when the page is loaded again', async () => {
  const [link, other] = here.server.patients;
  const [, patient] = await inside([link, other]);
  const provider = await patient.locator('[data-seat="0"] .name').textContent();
  assert.equal((await large(patient)).length, 3, 'a grid at first');

  const button = patient.getByRole('button', { name: 'Layout' });
  await button.focus();
  await patient.keyboard.press('Enter');
  await patient.getByRole('group', { name: 'Layout' }).waitFor();
  await patient.keyboard.press('Tab');
  await patient.keyboard.press('ArrowDown');
  await patient.getByRole('radio', { name: 'Who speaks is large' }).and(patient.locator(':checked')).waitFor();
  assert.deepEqual(await large(patient), [provider]);
  assert.deepEqual(await violations(patient), [], 'the menu');
  await patient.keyboard.press('ArrowDown');
  assert.deepEqual(await large(patient), [provider, other.name]);
  await patient.keyboard.press('Tab');
  await patient.keyboard.press('Space');
  await patient.locator('[data-you]').waitFor({ state: 'hidden' });
  await patient.keyboard.press('Escape');
  await patient.getByRole('group', { name: 'Layout' }).waitFor({ state: 'hidden' });
  await until('the keyboard is back at the button', () => button.evaluate((one) => one === document.activeElement));

  const pin = patient.getByRole('button', { name: `Pin ${other.name}` });
  await pin.focus();
  await patient.keyboard.press('Enter');
  await pin.and(patient.locator('[aria-pressed="true"]')).waitFor();

  await patient.reload();
  await inVisit(patient);
  await tile(patient, other.name).waitFor();
  assert.equal(await pin.getAttribute('aria-pressed'), 'true');
  assert.deepEqual(await large(patient), [provider, other.name]);
  await patient.locator('[data-you]').waitFor({ state: 'hidden' });
  assert.deepEqual(patient.mishaps, []);
});

test('a browser that keeps nothing lays out as well, until the page is closed', async () => {
  const [link] = here.server.patients;
  const [, patient] = await inside([link], {
    before: (page) =>
      page.addInitScript(() => {
        const refuse = () => {
          throw new DOMException('no', 'SecurityError');
        };
        Object.defineProperty(window, 'localStorage', { get: refuse });
      }),
  });
  await choose(patient, 'Who speaks is large');
  await until('one is large', async () => (await large(patient)).length === 1);
  assert.deepEqual(patient.mishaps, []);
});

test('who speaks is marked and becomes large, oneself never', async () => {
  const [link, other] = here.server.patients;
  const [, patient] = await inside([link, other]);
  const provider = await patient.locator('[data-seat="0"] .name').textContent();
  await choose(patient, 'Who speaks is large');
  let speaker = other.name;
  await pretend(patient, (view) => ({ ...view, speaker: speaker && participant(view, speaker) }));
  const isLarge = (name) => until(`${name} is large`, async () => (await large(patient)).join() === name);
  await isLarge(other.name);
  await tile(patient, other.name).getByText('Speaking').waitFor();
  speaker = provider;
  await isLarge(provider);
  speaker = link.name;
  await patient.locator('[data-you]').getByText('Speaking').waitFor();
  assert.deepEqual(await large(patient), [provider]);
  speaker = null;
  await patient.getByText('Speaking').waitFor({ state: 'hidden' });
  assert.deepEqual(await large(patient), [provider]);
});

test('pins are kept large beside a screen, and an interpreter’s is offered in words', async () => {
  const [link] = here.server.patients;
  const interpreter = { ...(await here.server.guestLink('Ida Stern', 'interpreter')), role: 'interpreter' };
  const [provider, patient] = await inside([link, interpreter]);
  const name = await patient.locator('[data-seat="0"] .name').textContent();
  const pin = patient.getByRole('button', { name: 'Pin interpreter Ida Stern' });
  await pin.getByText('Pin interpreter').waitFor();
  await pin.click();
  assert.deepEqual(await large(patient), ['Ida Stern']);
  const other = patient.getByRole('button', { name: `Pin ${name}` });
  await other.focus();
  assert.equal(await other.evaluate((one) => getComputedStyle(one).opacity), '1', 'the keyboard shows a pin');
  await patient.keyboard.press('Enter');
  assert.deepEqual(await large(patient), [name, 'Ida Stern']);
  assert.deepEqual(await violations(patient), []);

  let shared = true;
  await pretend(patient, (view) => ({ ...view, participants: view.participants.map((one) => ({ ...one, screen: shared && one.name === name })) }));
  await patient.locator('[data-screen]').waitFor();
  await becomesLarge(patient, [name, name, 'Ida Stern'], 'the screen first');
  for (const words of ['Who speaks is large', 'Two side by side', 'Everyone the same size']) {
    await choose(patient, words);
    assert.deepEqual(await large(patient), [name, name, 'Ida Stern'], words);
  }
  assert.deepEqual(await violations(patient), []);
  shared = false;
  await patient.locator('[data-screen]').waitFor({ state: 'detached' });
  await other.click();
  await pin.click();
  assert.equal((await large(patient)).length, 3);
  assert.deepEqual([...patient.mishaps, ...provider.mishaps], []);
});

test('a paused picture is covered with words, a poor connection is marked, and both are announced once', async () => {
  const [link, other] = here.server.patients;
  const [, patient] = await inside([link, other]);
  await tile(patient, other.name).getByText('Connecting…').waitFor({ state: 'hidden' });
  await patient.evaluate(() => {
    window.announced = [];
    const place = document.getElementById('announcer');
    new MutationObserver(() => window.announced.push(place.textContent)).observe(place, { childList: true, characterData: true, subtree: true });
  });
  let bad = true;
  await pretend(patient, (view) => {
    const who = participant(view, other.name);
    return {
      ...view,
      you: { ...view.you, paused: bad ? [who] : [], connection: bad ? 'poor' : 'good' },
      participants: view.participants.map((one) => ({ ...one, connection: bad && one.participant === who ? 'poor' : 'good' })),
    };
  });
  const theirs = tile(patient, other.name);
  await theirs.getByText('Picture paused to keep the sound').waitFor();
  await until('the picture is covered', () => theirs.locator('video').evaluate((video) => getComputedStyle(video).visibility === 'hidden'));
  assert.equal(await theirs.locator('audio').evaluate(({ paused }) => paused), false);
  await theirs.getByText('Poor connection').waitFor();
  await patient.locator('[data-you]').getByText('Poor connection').waitFor();
  const advice = patient.getByText('Ask others on your network').first();
  await advice.waitFor();
  assert.deepEqual(await violations(patient), []);

  // A graver word stands alone for a while, and the advice that comes back is not read out again.
  const unplug = (route) => route.abort();
  await patient.route('**/api/v1/events?*', unplug);
  await advice.waitFor({ state: 'hidden' });
  await patient.unroute('**/api/v1/events?*', unplug);
  await advice.waitFor();
  await patient.getByRole('button', { name: 'Close' }).click();
  await advice.waitFor({ state: 'hidden' });

  bad = false;
  await theirs.getByText('Picture paused').waitFor({ state: 'hidden' });
  await theirs.getByText('Connecting…').waitFor({ state: 'hidden' });
  assert.equal(await theirs.locator('video').evaluate((video) => getComputedStyle(video).visibility), 'visible');
  bad = true;
  await theirs.getByText('Poor connection').waitFor();
  const announced = await patient.evaluate(() => window.announced);
  for (const words of [`${other.name} has a poor connection.`, `The picture of ${other.name} is paused`, 'Ask others on your network']) {
    assert.equal(announced.filter((one) => one.includes(words)).length, 1, words);
  }
  assert.deepEqual(patient.mishaps, []);
});

/** A screen of one colour that moves a little, instead of the browser's question. */
function screenToShare() {
  navigator.mediaDevices.getDisplayMedia = async () => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 640, height: 360 });
    const pen = canvas.getContext('2d');
    let turn = 0;
    setInterval(() => {
      pen.fillStyle = `hsl(${(turn += 5)} 70% 50%)`;
      pen.fillRect(0, 0, 640, 360);
    }, 100);
    return canvas.captureStream(10);
  };
}

test('a screen is taken and given from one to the other without a negotiation, and who may not share reads why', async () => {
  const [link, other] = here.server.patients;
  const [, one, two] = await inside([link, other], { before: (page) => page.addInitScript(screenToShare) });
  const share = (page) => page.locator('#control-share');
  const screenOf = (page, name) => page.getByRole('group', { name: `Screen of ${name}` });
  /** `from` shares, and `to` sees it move. */
  const shares = async (from, to, name) => {
    await share(from).click();
    await from.getByText('You are sharing your screen').waitFor();
    await screenOf(to, name).waitFor();
    const time = () => screenOf(to, name).locator('video').evaluate((video) => video.getVideoPlaybackQuality().totalVideoFrames);
    await until(`the screen of ${name} moves`, async () => (await time()) > 5);
  };
  await shares(one, two, link.name);
  await share(two).getByText(`Shared by ${link.name}`).waitFor();
  assert.equal(await share(two).getAttribute('aria-disabled'), 'true');
  await share(two).click({ force: true });
  await two.getByText('Someone else is sharing their screen.').waitFor();
  assert.deepEqual(await violations(two), []);

  await share(one).getByText('Stop sharing').waitFor();
  await share(one).click();
  await share(two).getByText('Share screen').waitFor();
  await shares(two, one, other.name);
  await share(one).getByText(`Shared by ${other.name}`).waitFor();
  await share(two).click();
  await screenOf(one, other.name).waitFor({ state: 'detached' });
  await shares(one, two, link.name);
  for (const page of [one, two]) {
    assert.equal(await remoteDescriptions(page), 1);
    assert.deepEqual(page.mishaps, []);
  }
});
