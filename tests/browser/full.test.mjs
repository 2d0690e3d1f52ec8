// A server that is full: what people read, and that they come in by themselves when there is room.

import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { violations } from './support/axe.mjs';
import { PHONE, startBrowser } from './support/browser.mjs';
import { host, inVisit, join, wait } from './support/people.mjs';
import { full } from './support/pretend.mjs';
import { startServer } from './support/server.mjs';
import { until } from './support/until.mjs';

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

/** The server has no room for this page, so many times; when it was asked. */
async function refuse(page, times) {
  const asked = [];
  await page.route('**/seats', (route) => {
    asked.push(Date.now());
    return asked.length > times ? route.continue() : route.fulfill(full(2));
  });
  return asked;
}

const admit = (provider, { name }) =>
  provider.getByRole('listitem').filter({ hasText: name }).getByRole('button', { name: 'Admit', exact: true }).click();

const reads = async (page) => {
  await page.getByRole('heading', { name: 'The server is full just now' }).waitFor();
  const words = page.getByRole('status').filter({ hasText: 'We try again by ourselves in 2 seconds' });
  await words.waitFor();
  assert.match(await words.textContent(), /Your place is kept.*If it is urgent, call 555 0100\.$/);
};

test('a provider for whom there is no room reads so, keeps the seat, and comes in when there is some', async () => {
  server = await startServer();
  const page = await browser.page({ viewport: PHONE });
  const asked = await refuse(page, 2);
  await page.goto(server.provider);
  await join(page);
  await reads(page);
  assert.deepEqual(await violations(page), []);
  const heading = page.getByRole('heading', { name: 'The server is full just now' });
  assert.ok(await heading.evaluate((element) => element === document.activeElement), 'the keyboard is where the words are');
  const { visit_id: visit } = await server.appointment();
  const { participants } = await server.staff('get', `/visits/${visit}`);
  assert.equal(participants.find(({ role }) => role === 'provider').presence, 'admitted');
  await inVisit(page);
  assert.equal(asked.length, 3);
  assert.ok(asked[1] - asked[0] >= 2_000 && asked[2] - asked[1] >= 2_000, 'no sooner than the server said');
  assert.deepEqual(page.mishaps, []);
});

test('a patient who was let in and for whom there is no room yet is told so, and asks no sooner whatever else happens', async () => {
  server = await startServer();
  const [link, other] = server.patients;
  const [patient, second] = [await browser.page(), await browser.page()];
  await wait(second, other);
  const asked = await refuse(patient, 1);
  await wait(patient, link);
  const provider = await browser.page();
  await host(provider, server.provider);
  await admit(provider, link);
  await reads(patient);
  // News of the visit is no reason to ask again.
  await admit(provider, other);
  await inVisit(second);
  await inVisit(patient);
  assert.equal(asked.length, 2);
  assert.ok(asked[1] - asked[0] >= 2_000);
  assert.deepEqual(patient.mishaps, []);
});

test('who leaves while the server is full gives the place back', async () => {
  server = await startServer();
  const page = await browser.page();
  await refuse(page, Infinity);
  await page.goto(server.provider);
  await join(page);
  await reads(page);
  await page.getByRole('button', { name: 'Leave' }).and(page.locator('#waiting-leave')).click();
  await page.getByRole('heading', { name: 'You left the visit' }).waitFor();
  const { visit_id: visit } = await server.appointment();
  await until('the seat is free', async () => {
    const { participants } = await server.staff('get', `/visits/${visit}`);
    return participants.find(({ role }) => role === 'provider').presence === 'left';
  });
});
