// The door as its people meet it: too early, wrong, locked, and opened again by staff.

import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { startBrowser } from './support/browser.mjs';
import { fillBirthDate, verify } from './support/people.mjs';
import { startServer } from './support/server.mjs';

let browser;
let server;

before(async () => {
  browser = await startBrowser();
});

after(async () => {
  await browser?.stop();
});

afterEach(async () => {
  await browser.closePages();
  await server?.stop();
});

test('who comes too early reads when the visit opens, and is let on at that minute by the server’s clock', async () => {
  // Years from this browser's own clock: only the server can know that ten seconds are left.
  server = await startServer({ options: ['--clock', '2031-03-03T08:29:50Z', '--starts-in', '31'] });
  const { opens_at: opens } = await server.appointment();
  assert.equal(opens, '2031-03-03T08:30:00.000Z');
  const page = await browser.page({ timezoneId: 'UTC' });
  const begun = Date.now();
  await verify(page, server.patients[0]);
  await page.getByRole('heading', { name: /^Your visit opens/ }).waitFor();
  assert.match(await page.getByRole('timer').textContent(), /second/);
  await page.getByRole('button', { name: 'Request permissions' }).waitFor();
  assert.ok(Date.now() - begun > 3_000, 'it waited');
  const records = (await server.staff('get', '/audit?limit=500')).items.filter(({ action }) => action === 'door.verify');
  const let_in = records.find(({ outcome }) => outcome === 'done');
  assert.ok(let_in.at >= opens, `let in at ${let_in.at}`);
  assert.equal(records[0].outcome, 'too_early');
  assert.deepEqual(page.mishaps, []);
});

test('five wrong dates lock a link, for the right date too, until staff unlock it', async () => {
  server = await startServer();
  const [link] = server.patients;
  const page = await browser.page();
  await page.goto(link.url);
  await page.getByRole('checkbox', { name: /terms/ }).check();
  const verdict = page.getByText('We could not verify you.');
  const attempt = async (date) => {
    await fillBirthDate(page, date);
    const answered = page.waitForResponse('**/api/v1/verify');
    await page.getByRole('button', { name: 'Verify' }).click();
    return (await answered).status();
  };
  for (let day = 1; day <= 5; day += 1) assert.equal(await attempt(`1900-01-0${day}`), 403);
  assert.equal(await attempt(link.birth_date), 403, 'locked');
  await verdict.waitFor();

  const appointment = await server.appointment();
  const locked = appointment.links.find(({ state }) => state === 'locked');
  assert.equal(locked.wrong_dates, 5);
  await server.staff('post', `/appointments/${appointment.id}/links/${locked.id}/unlock`);
  assert.equal(await attempt(link.birth_date), 200);
  await page.getByRole('button', { name: 'Request permissions' }).waitFor();
});

test('nobody accepts terms that they could not read: the box waits for them', async () => {
  server = await startServer();
  const page = await browser.page();
  let terms;
  const asked = new Promise((heard) => {
    void page.route('**/api/v1/terms', (route) => {
      terms = route;
      heard();
    });
  });
  await page.goto(server.patients[0].url);
  await asked;
  const box = page.getByRole('checkbox', { name: /terms/ });
  assert.equal(await box.isDisabled(), true);
  await fillBirthDate(page, server.patients[0].birth_date);
  await terms.continue();
  await box.check();
  await page.getByRole('button', { name: 'Verify' }).click();
  await page.getByRole('button', { name: 'Request permissions' }).waitFor();
});

test('terms that do not come are asked for again by whoever goes on', async () => {
  server = await startServer();
  const page = await browser.page();
  const unplug = (route) => route.abort();
  await page.route('**/api/v1/terms', unplug);
  await verify(page, server.patients[0]);
  await page.getByText('The terms could not be loaded').waitFor();
  await page.unroute('**/api/v1/terms', unplug);
  await page.getByRole('checkbox', { name: /terms/ }).check();
  await page.getByRole('button', { name: 'Verify' }).click();
  await page.getByText('The terms are new').waitFor();
  await page.getByRole('checkbox', { name: /terms/ }).check();
  await page.getByRole('button', { name: 'Verify' }).click();
  await page.getByRole('button', { name: 'Request permissions' }).waitFor();
});
