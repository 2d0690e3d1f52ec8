// Who is let in, sent back, taken out and spoken to; who comes too early; and several tabs of one browser.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { host, inVisit, tile, verify, wait } from './support/people.mjs';
import { setting } from './support/setting.mjs';
import { until } from './support/until.mjs';

const here = setting();

const waiting = (page, name) => page.locator('#host-list').getByRole('listitem').filter({ hasText: name });
const inside = (page, name) => page.locator('#host-inside').getByRole('listitem').filter({ hasText: name });
const admit = (page, name) => waiting(page, name).getByRole('button', { name: 'Admit', exact: true }).click();

/** A patient and the provider, both in the visit. */
async function two(link) {
  const [patient, provider] = [await here.newPage(), await here.newPage()];
  await wait(patient, link);
  await host(provider, here.server.provider);
  await admit(provider, link.name);
  await inVisit(patient);
  await tile(provider, link.name).waitFor();
  return { patient, provider };
}

test('the provider sends someone back to wait and lets them in again', async () => {
  const [link] = here.server.patients;
  const { patient, provider } = await two(link);
  await inside(provider, link.name).getByRole('button', { name: 'Send to waiting room' }).click();
  await patient.getByRole('heading', { name: 'The provider asked you to wait a moment' }).waitFor();
  await tile(provider, link.name).waitFor({ state: 'detached' });
  await waiting(provider, link.name).getByText('Sent back to wait').waitFor();
  await admit(provider, link.name);
  await inVisit(patient);
  await tile(provider, link.name).waitFor();
});

test('who was removed and may return can wait again', async () => {
  const [link] = here.server.patients;
  const { patient, provider } = await two(link);
  await inside(provider, link.name).getByRole('button', { name: 'Remove', exact: true }).click();
  await provider.getByRole('dialog').getByRole('button', { name: 'Remove, may come back' }).click();
  await patient.getByRole('heading', { name: 'The provider ended your part of this visit' }).waitFor();
  await provider.getByRole('dialog').waitFor({ state: 'hidden' });
  await patient.getByRole('button', { name: 'Rejoin' }).click();
  await patient.getByRole('heading', { name: 'Waiting for the provider' }).waitFor();
  await admit(provider, link.name);
  await inVisit(patient);
});

test('who was removed for good is out, and the link takes them in no more', async () => {
  const [link] = here.server.patients;
  const { patient, provider } = await two(link);
  await inside(provider, link.name).getByRole('button', { name: 'Remove', exact: true }).click();
  await provider.getByRole('dialog').getByRole('button', { name: 'Remove for good' }).click();
  await patient.getByRole('heading', { name: 'This page is no longer connected' }).waitFor();
  await tile(provider, link.name).waitFor({ state: 'detached' });
  await verify(patient, link);
  await patient.getByText('We could not verify you.').waitFor();
});

test('what the provider says to the waiting room is read there, changed, and taken away', async () => {
  const [link, late] = here.server.patients;
  const [patient, latecomer, provider] = [await here.newPage(), await here.newPage(), await here.newPage()];
  await wait(patient, link);
  await host(provider, here.server.provider);
  await provider.getByLabel('Message to the waiting room').fill('I am ten minutes late.');
  await provider.getByRole('button', { name: 'Show message' }).click();
  await patient.locator('#waiting-words').getByText('I am ten minutes late.').waitFor();
  await provider.getByText('Your message is shown.').waitFor();
  await wait(latecomer, late);
  await latecomer.locator('#waiting-words').getByText('I am ten minutes late.').waitFor();
  await provider.getByLabel('Message to the waiting room').fill('Five minutes.');
  await provider.getByRole('button', { name: 'Show message' }).click();
  await patient.locator('#waiting-words').getByText('Five minutes.').waitFor();
  assert.match(await patient.locator('#announcer').textContent(), /Five minutes/);
  await provider.getByRole('button', { name: 'Take it away' }).click();
  await patient.locator('#waiting-message').waitFor({ state: 'hidden' });
  assert.equal(await provider.getByLabel('Message to the waiting room').inputValue(), '');
});

test('who comes too early reads when, and is let on by the server’s clock alone', async () => {
  const [link] = here.server.patients;
  const page = await here.newPage();
  // The server opens in three seconds of its own clock, which is five hours from the device's.
  const skew = 5 * 3_600_000;
  let opens = null;
  await page.route('**/api/v1/verify', async (route) => {
    opens ??= Date.now() + skew + 3_000;
    const now = Date.now() + skew;
    if (now >= opens) return route.continue();
    const iso = (ms) => new Date(ms).toISOString();
    return route.fulfill({
      status: 403,
      contentType: 'application/problem+json',
      body: JSON.stringify({ code: 'too_early', title: 'Too early', opens_at: iso(opens), now: iso(now) }),
    });
  });
  await verify(page, link);
  await page.getByRole('heading', { name: /Your visit opens/ }).waitFor();
  await page.getByRole('timer').getByText(/in \d seconds?/).waitFor();
  await page.getByRole('button', { name: 'Request permissions' }).waitFor();
});

test('two people in two tabs of one browser share one event stream, and a tab that closes hands it on', async () => {
  const [first, second] = here.server.patients;
  const one = await here.newPage();
  const two = await one.context().newPage();
  const open = new Set();
  const asked = [];
  one.context().on('request', (request) => {
    if (!new URL(request.url()).pathname.endsWith('/events')) return;
    open.add(request);
    asked.push(new URL(request.url()).searchParams.getAll('participant').length);
  });
  for (const end of ['requestfinished', 'requestfailed']) one.context().on(end, (request) => open.delete(request));
  await wait(one, first);
  await wait(two, second);
  await until('one stream for both', () => open.size === 1 && asked.at(-1) === 2);

  const provider = await here.newPage();
  await host(provider, here.server.provider);
  await one.getByText('The provider is here').waitFor();
  await two.getByText('The provider is here').waitFor();
  await one.close();
  await until('one stream for who is left', () => asked.at(-1) === 1);
  await admit(provider, second.name);
  await inVisit(two);
});

test('a tab that is loaded again is where it was, among other tabs', async () => {
  const [first, second] = here.server.patients;
  const one = await here.newPage();
  await one.context().grantPermissions(['camera', 'microphone']);
  const two = await one.context().newPage();
  await wait(one, first);
  await wait(two, second);
  for (const page of [one, two]) {
    await page.reload();
    await page.getByRole('heading', { name: 'Waiting for the provider' }).waitFor();
  }
  const provider = await here.newPage();
  await host(provider, here.server.provider);
  for (const page of [one, two]) await page.getByText('The provider is here').waitFor();
});

/** Presses Tab until what has the keyboard answers to `name`. */
async function tabTo(page, name) {
  await until(`the keyboard reaches ${name}`, async () => {
    await page.keyboard.press('Tab');
    return page.evaluate((wanted) => {
      const { activeElement: at } = document;
      const label = at.labels?.[0]?.textContent ?? at.getAttribute('aria-label') ?? at.textContent;
      return label.trim() === wanted;
    }, name);
  });
}

test('the whole way, from verifying to leaving, is open to a keyboard alone', async () => {
  const [{ url, birth_date, name }] = here.server.patients;
  const [patient, provider] = [await here.newPage(), await here.newPage()];
  const press = async (page, target, key = 'Enter') => {
    await tabTo(page, target);
    await page.keyboard.press(key);
  };
  await patient.goto(url);
  await patient.getByRole('button', { name: 'Verify' }).waitFor();
  const [year, month, day] = birth_date.split('-');
  for (const [field, digits] of [['Month', month], ['Day', day], ['Year', year]]) {
    await tabTo(patient, field);
    for (const digit of digits) await patient.keyboard.press(digit);
  }
  await press(patient, 'I accept the terms of this service', 'Space');
  await press(patient, 'Verify');
  await patient.getByRole('button', { name: 'Request permissions' }).waitFor();
  await press(patient, 'Request permissions');
  await patient.getByRole('button', { name: 'Join' }).waitFor();
  await press(patient, 'Play a test sound');
  await patient.getByRole('button', { name: 'Yes' }).waitFor();
  await press(patient, 'Yes');
  await patient.keyboard.press('Enter');
  await patient.getByRole('heading', { name: 'Waiting for the provider' }).waitFor();

  await provider.goto(here.server.provider);
  await provider.getByRole('button', { name: 'Request permissions' }).waitFor();
  await press(provider, 'Request permissions');
  await provider.getByRole('button', { name: 'Join' }).waitFor();
  await provider.keyboard.press('Enter');
  await waiting(provider, name).getByRole('button', { name: 'Admit', exact: true }).waitFor();
  await press(provider, 'Admit');
  await inVisit(patient);
  await inside(provider, name).waitFor();
  assert.equal(await provider.evaluate(() => document.activeElement.id), 'host-heading', 'the keyboard stays where it was at work');
  await press(provider, 'Remove');
  await provider.getByRole('dialog').waitFor();
  await provider.keyboard.press('Escape');
  await press(patient, 'Help');
  await patient.getByRole('dialog', { name: 'Help' }).waitFor();
  await patient.keyboard.press('Escape');
  await press(patient, 'Leave');
  await patient.getByRole('heading', { name: 'You left the visit' }).waitFor();
  await press(patient, 'Rejoin');
  await patient.getByRole('heading', { name: 'Waiting for the provider' }).waitFor();
});
