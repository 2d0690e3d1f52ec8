// A picture of every step, on a phone and on a desktop, for people to look at: `results/`.
//
// A step that scrolls sideways, has a target too small for a thumb, or breaks a rule of WCAG that a machine can
// see, fails here.

import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { violations } from './support/axe.mjs';
import { DESKTOP, FOUR_AT_ONCE, PHONE, leave, startBrowser } from './support/browser.mjs';
import { fillBirthDate, host, inVisit, join, tile, verify, wait } from './support/people.mjs';
import { full, pretend } from './support/pretend.mjs';
import { startServer } from './support/server.mjs';

const RESULTS = path.join(path.dirname(fileURLToPath(import.meta.url)), 'results');
const SIZES = { phone: PHONE, desktop: DESKTOP };
/** WCAG 2.5.5 */
const TARGET_MIN = 44;

let server;
let browser;

before(async () => {
  await mkdir(RESULTS, { recursive: true });
  [server, browser] = await Promise.all([startServer(), startBrowser(FOUR_AT_ONCE)]);
});

after(async () => {
  await browser?.stop();
  await server?.stop();
});

/** Both sizes of what `page` shows now. */
async function shoot(page, name) {
  for (const [size, viewport] of Object.entries(SIZES)) {
    await page.setViewportSize(viewport);
    await page.screenshot({ path: path.join(RESULTS, `${name}-${size}.png`) });
    const { sideways, small } = await page.evaluate((least) => {
      const seen = [...document.querySelectorAll('button, select, input:not([type=radio], [type=checkbox]), summary')].filter((one) => one.checkVisibility());
      return {
        sideways: document.documentElement.scrollWidth > document.documentElement.clientWidth,
        small: seen.filter((one) => one.getBoundingClientRect().height < least).map((one) => one.id || one.textContent),
      };
    }, TARGET_MIN);
    assert.ok(!sideways, `${name} scrolls sideways on a ${size}`);
    assert.deepEqual(small, [], `${name} has targets that are too small on a ${size}`);
  }
  assert.deepEqual(await violations(page), [], name);
}

const FACEBOOK_IPHONE =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 [FBAN/FBIOS;FBAV/468.0]';
const OLD_FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:60.0) Gecko/20100101 Firefox/60.0';

/** Opens the menu and picks what says `words`. */
async function choose(page, words) {
  await page.getByRole('button', { name: 'Layout' }).click();
  await page.getByText(words, { exact: true }).click();
}

/** Takes the camera and microphone away from the page, the way a person's “no” does. */
function refuseDevices() {
  navigator.mediaDevices.getUserMedia = async () => {
    throw new DOMException('no', 'NotAllowedError');
  };
}

test('the way in', async () => {
  const [patient] = server.patients;
  const page = await browser.page();
  await page.goto(new URL('/join', patient.url).href);
  await page.getByRole('heading', { name: 'Please use your link' }).waitFor();
  await shoot(page, '00-no-link');

  await page.goto(patient.url);
  await page.getByRole('button', { name: 'Verify' }).waitFor();
  await shoot(page, '01-verify');

  await page.getByText('Read them here').click();
  await shoot(page, '02-verify-terms');

  await page.getByRole('radio', { name: 'I am someone else' }).check();
  await page.getByRole('button', { name: 'Verify' }).click();
  await page.getByText('Enter your name.').waitFor();
  await shoot(page, '03-verify-mistakes');

  await page.getByRole('radio', { name: 'I am the patient' }).check();
  await fillBirthDate(page, '1900-01-01');
  await page.getByRole('checkbox', { name: /terms/ }).check();
  await page.getByRole('button', { name: 'Verify' }).click();
  await page.getByText('We could not verify you.').waitFor();
  await shoot(page, '04-verify-refused');

  await verify(page, patient);
  await page.getByRole('button', { name: 'Request permissions' }).waitFor();
  assert.equal(new URL(page.url()).hash, '', 'the link left the address bar');
  await shoot(page, '05-devices');

  await page.evaluate(refuseDevices);
  await page.getByRole('button', { name: 'Request permissions' }).click();
  await page.getByRole('button', { name: 'Continue without camera' }).waitFor();
  await shoot(page, '06-devices-refused');
  await page.getByRole('button', { name: 'Continue without camera' }).click();
  await page.getByRole('button', { name: 'Continue and only listen' }).click();
  await page.getByText('You will hear and see the others.').waitFor();
  await shoot(page, '06-devices-listen');
  await leave(page);
});

test('the ways that lead elsewhere', async () => {
  const [patient] = server.patients;
  const app = await browser.page({ userAgent: FACEBOOK_IPHONE });
  await app.goto(patient.url);
  await app.getByRole('heading', { name: 'Please leave Facebook' }).waitFor();
  await shoot(app, '30-inside-an-app');
  await leave(app);

  const old = await browser.page();
  await old.addInitScript(() => delete window.RTCPeerConnection);
  await old.goto(patient.url);
  await old.getByRole('heading', { name: 'This browser cannot join' }).waitFor();
  await shoot(old, '31-browser-cannot');
  await leave(old);

  const firefox = await browser.page({ userAgent: OLD_FIREFOX });
  await firefox.route('**/api/v1/site', (route) => route.fulfill({ json: { name: 'Clinic', support: {}, browsers: { firefox: 115 } } }));
  await firefox.goto(patient.url);
  await firefox.getByText('Your browser is old (version 60).').waitFor();
  await shoot(firefox, '32-browser-old');
  await leave(firefox);

  const down = await browser.page({ colorScheme: 'dark' });
  await down.route('**/api/v1/verify', (route) => route.abort());
  await down.route('**/api/v1/site', (route) => route.abort());
  await verify(down, patient);
  await down.getByText('The server cannot be reached.').waitFor();
  await down.getByText('Call the number in your invitation').first().waitFor();
  await shoot(down, '33-server-away-dark');
  await leave(down);

  for (const [name, ahead, colorScheme] of [['34-early', 47 * 60_000, 'light'], ['35-early-tomorrow-dark', 26 * 3_600_000, 'dark']]) {
    const early = await browser.page({ colorScheme });
    await early.route('**/api/v1/verify', (route) => {
      const now = Date.now();
      const body = { code: 'too_early', opens_at: new Date(now + ahead).toISOString(), now: new Date(now).toISOString() };
      return route.fulfill({ status: 403, contentType: 'application/problem+json', body: JSON.stringify(body) });
    });
    await verify(early, patient);
    await early.getByRole('heading', { name: /Your visit opens/ }).waitFor();
    await shoot(early, name);
    await leave(early);
  }

  const many = await browser.page();
  await many.route('**/api/v1/verify', (route) =>
    route.fulfill({ status: 429, headers: { 'Retry-After': '600' }, contentType: 'application/problem+json', body: '{"code":"too_many_tries"}' }),
  );
  await verify(many, patient);
  await many.getByText('Please wait 10 minutes').waitFor();
  await shoot(many, '36-too-many-tries');
  await leave(many);
});

test('a server that is full', async () => {
  const page = await browser.page();
  await page.route('**/seats', (route) => route.fulfill(full(60)));
  await page.goto(server.provider);
  await join(page);
  await page.getByRole('heading', { name: 'The server is full just now' }).waitFor();
  await shoot(page, '23-server-full');
});

test('layouts, pins, a screen, and what is poor', async (context) => {
  const own = await startServer();
  context.after(() => own.stop());
  const [first, second] = own.patients;
  const interpreter = await own.guestLink('Ida Stern', 'interpreter');
  const provider = await browser.page({ colorScheme: 'dark' });
  const [page, dark, third] = [await browser.page(), await browser.page({ colorScheme: 'dark', hasTouch: true, isMobile: true, viewport: PHONE }), await browser.page()];
  await wait(page, first);
  await wait(dark, second);
  await wait(third, interpreter, { name: interpreter.name, relationship: 'Interpreter' });
  await host(provider, own.provider);
  await provider.getByRole('listitem').filter({ hasText: interpreter.name }).waitFor();
  await provider.getByRole('button', { name: 'Admit all' }).click();
  for (const one of [page, dark, third]) await inVisit(one);
  for (const one of [page, dark]) await tile(one, interpreter.name).getByText('Connecting…').waitFor({ state: 'hidden' });
  await shoot(page, '40-four-interpreter');
  await choose(page, 'Who speaks is large');
  await page.keyboard.press('Escape');
  await shoot(page, '40-four-speaker');
  await page.getByRole('button', { name: 'Pin interpreter' }).click();
  await shoot(page, '40-four-pinned');
  await page.getByRole('button', { name: `Pin ${second.name}` }).click();
  await shoot(page, '40-four-two-pinned');
  await choose(dark, 'Who speaks is large');
  await dark.keyboard.press('Escape');
  await shoot(dark, '41-four-speaker-touch-dark');

  const poor = (view) => ({
    ...view,
    speaker: view.participants.find(({ name }) => name === interpreter.name).participant,
    you: { ...view.you, connection: 'poor', paused: [view.participants.find(({ name }) => name === first.name).participant] },
    participants: view.participants.map((one) => ({ ...one, connection: one.role === 'provider' ? 'poor' : 'good' })),
  });
  await pretend(dark, poor);
  await tile(dark, first.name).getByText('Picture paused').waitFor();
  await shoot(dark, '42-poor-touch-dark');
  await dark.getByRole('button', { name: 'Close' }).click();
  await shoot(dark, '42-poor-read-touch-dark');
  await pretend(third, (view) => ({ ...poor(view), speaker: null }));
  await tile(third, first.name).getByText('Picture paused').waitFor();
  await shoot(third, '42-poor-grid');

  await page.getByRole('button', { name: `Pin ${second.name}` }).click();
  await provider.evaluate(() => {
    navigator.mediaDevices.getDisplayMedia = async () => {
      const canvas = Object.assign(document.createElement('canvas'), { width: 1280, height: 720 });
      const pen = canvas.getContext('2d');
      setInterval(() => {
        Object.assign(pen, { fillStyle: '#f4f4f0', font: '48px sans-serif' }).fillRect(0, 0, 1280, 720);
        Object.assign(pen, { fillStyle: '#123' }).fillText(`Your results, ${new Date().toISOString().slice(0, 10)}`, 80, 120);
      }, 100);
      return canvas.captureStream(10);
    };
  });
  await provider.getByRole('button', { name: 'Share screen' }).click();
  await page.locator('[data-screen]').getByText('Connecting…').waitFor({ state: 'hidden' });
  await shoot(page, '43-screen-pinned');
  await shoot(provider, '43-sharing-dark');
  await page.getByRole('button', { name: 'Pin interpreter' }).click();
  await shoot(page, '43-screen');
  for (const one of [page, dark, third, provider]) {
    assert.deepEqual(one.mishaps, []);
    await leave(one);
  }
});

test('the visit', async () => {
  const [first, second, third] = server.patients;
  const page = await browser.page();
  await verify(page, first);
  await page.getByRole('button', { name: 'Request permissions' }).click();
  await page.getByRole('button', { name: 'Join' }).waitFor();
  await shoot(page, '07-devices-ready');
  await page.getByRole('button', { name: 'Play a test sound' }).click();
  await page.getByRole('group', { name: 'Did you hear it?' }).waitFor();
  await shoot(page, '07-speaker-asked');
  await page.getByRole('button', { name: 'No', exact: true }).click();
  await shoot(page, '07-speaker-not-heard');
  await page.getByRole('button', { name: 'Join' }).click();
  await page.getByRole('heading', { name: 'Waiting for the provider' }).waitFor();
  await shoot(page, '08-waiting');

  const provider = await browser.page();
  await provider.goto(server.provider);
  await provider.getByRole('button', { name: 'Request permissions' }).waitFor();
  await shoot(provider, '09-provider-devices');
  await join(provider);
  await inVisit(provider);
  const [pageTwo, pageThree] = [await browser.page({ colorScheme: 'dark' }), await browser.page()];
  await wait(pageTwo, second);
  await shoot(pageTwo, '10-waiting-dark');
  await wait(pageThree, third);
  await provider.getByRole('listitem').filter({ hasText: third.name }).waitFor();
  await shoot(provider, '11-provider-waiting');
  const open = (one, wanted) => one.locator('#host-more').evaluate((more, on) => (more.open = on), wanted);
  await open(provider, true);
  await provider.getByLabel('Message to the waiting room').fill('I am with another patient. It will take about ten minutes more, thank you for your patience.');
  await provider.getByRole('button', { name: 'Show message' }).click();
  await page.locator('#waiting-words').getByText('ten minutes').waitFor();
  await shoot(page, '08-waiting-message');
  await provider.getByText('Your message is shown.').waitFor();
  await shoot(provider, '11-provider-message');
  await open(provider, false);

  const admit = (name) => provider.getByRole('listitem').filter({ hasText: name }).getByRole('button', { name: 'Admit', exact: true }).click();
  await admit(first.name);
  await inVisit(page);
  await tile(provider, first.name).getByText('Connecting…').waitFor({ state: 'hidden' });
  await shoot(provider, '12-two-provider');
  await shoot(page, '13-two-patient');
  await choose(page, 'Who speaks is large');
  await shoot(page, '13-two-layout-menu');
  await page.keyboard.press('Escape');
  await shoot(page, '13-two-speaker');
  await admit(second.name);
  await inVisit(pageTwo);
  await tile(page, second.name).getByText('Connecting…').waitFor({ state: 'hidden' });
  await shoot(page, '14-three-speaker');
  await choose(page, 'Two side by side');
  await page.keyboard.press('Escape');
  await shoot(page, '14-three-sides');
  await choose(page, 'Everyone the same size');
  await page.keyboard.press('Escape');
  await shoot(page, '14-three-patient');
  await admit(third.name);
  await inVisit(pageThree);
  for (const { name } of server.patients) await tile(provider, name).getByText('Connecting…').waitFor({ state: 'hidden' });

  await pageThree.getByRole('button', { name: 'Turn camera off' }).click();
  await pageThree.getByRole('button', { name: 'Mute', exact: true }).click();
  await tile(provider, third.name).getByText('Camera off').waitFor();
  await tile(pageTwo, third.name).getByText('Camera off').waitFor();
  await shoot(provider, '15-four-provider');
  await open(provider, true);
  await shoot(provider, '15-four-provider-people');
  await provider.locator('#host-inside').getByRole('button', { name: 'Remove' }).nth(1).click();
  await shoot(provider, '15-remove');
  await provider.getByRole('dialog').getByRole('button', { name: 'Go back' }).click();
  await open(provider, false);
  await pageTwo.getByRole('button', { name: 'Help' }).click();
  await shoot(pageTwo, '16-help-dark');
  await pageTwo.getByRole('button', { name: 'Close' }).click();
  await shoot(pageTwo, '16-four-patient-dark');
  await shoot(pageThree, '17-four-patient-muted');

  const guest = await server.guestLink('Gabriela Stern');
  const fifth = await browser.page();
  await verify(fifth, guest, { name: guest.name, relationship: 'Sister' });
  await join(fifth);
  await fifth.getByText('The room is full').waitFor();
  await shoot(fifth, '18-room-full');
  await provider.getByRole('listitem').filter({ hasText: guest.name }).waitFor();
  await shoot(provider, '19-provider-full');

  const closes = new Date(Date.now() + 9 * 60_000).toISOString();
  await pretend(pageTwo, (view) => ({ ...view, closing: true, closes_at: closes }));
  await pageTwo.getByText('This visit closes at').waitFor();
  await shoot(pageTwo, '17-closing-dark');

  await provider.locator('#host-inside').evaluate((list) => (list.closest('details').open = true));
  const insideRow = (name) => provider.locator('#host-inside').getByRole('listitem').filter({ hasText: name });
  await insideRow(third.name).getByRole('button', { name: 'Send to waiting room' }).click();
  await pageThree.getByRole('heading', { name: 'The provider asked you to wait a moment' }).waitFor();
  await shoot(pageThree, '18-stepped-out');
  await admit(third.name);
  await inVisit(pageThree);
  await insideRow(third.name).getByRole('button', { name: 'Remove' }).click();
  await provider.getByRole('dialog').getByRole('button', { name: 'Remove, may come back' }).click();
  await pageThree.getByRole('heading', { name: 'The provider ended your part of this visit' }).waitFor();
  await shoot(pageThree, '20-removed');

  await page.getByRole('button', { name: 'Leave' }).click();
  await page.getByRole('button', { name: 'Rejoin' }).waitFor();
  await shoot(page, '20-left');
  await provider.getByRole('button', { name: 'End visit' }).click();
  await shoot(provider, '21-end');
  await provider.getByRole('dialog').getByRole('button', { name: 'End visit for everyone' }).click();
  await pageTwo.getByRole('heading', { name: 'The visit has ended' }).waitFor();
  await shoot(pageTwo, '22-ended-dark');
  for (const one of [page, provider, pageTwo, pageThree, fifth]) assert.deepEqual(one.mishaps, []);
});
