// A picture of every step, on a phone and on a desktop, for people to look at: `results/`.
//
// A step that scrolls sideways, has a target too small for a thumb, or breaks a rule of WCAG that a machine can
// see, fails here.

import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import axe from 'axe-core';
import { DESKTOP, PHONE, startBrowser } from './support/browser.mjs';
import { fillBirthDate, host, inVisit, join, tile, verify, wait } from './support/people.mjs';
import { startServer } from './support/server.mjs';

const RESULTS = path.join(path.dirname(fileURLToPath(import.meta.url)), 'results');
const SIZES = { phone: PHONE, desktop: DESKTOP };
/** WCAG 2.5.5 */
const TARGET_MIN = 44;

let server;
let browser;

before(async () => {
  await mkdir(RESULTS, { recursive: true });
  [server, browser] = await Promise.all([startServer(), startBrowser()]);
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

/** What axe finds: rule and place. */
async function violations(page) {
  await page.evaluate(axe.source);
  const { violations: found } = await page.evaluate(() => {
    const standard = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    return window.axe.run({ runOnly: { type: 'tag', values: standard } });
  });
  return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`);
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
  await page.context().close();
});

test('the visit', async () => {
  const [first, second, third] = server.patients;
  const page = await browser.page();
  await verify(page, first);
  await page.getByRole('button', { name: 'Request permissions' }).click();
  await page.getByRole('button', { name: 'Join' }).waitFor();
  await shoot(page, '07-devices-ready');
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

  const admit = (name) => provider.getByRole('listitem').filter({ hasText: name }).getByRole('button', { name: 'Admit', exact: true }).click();
  await admit(first.name);
  await inVisit(page);
  await tile(provider, first.name).getByText('Connecting…').waitFor({ state: 'hidden' });
  await shoot(provider, '12-two-provider');
  await shoot(page, '13-two-patient');
  await admit(second.name);
  await inVisit(pageTwo);
  await tile(page, second.name).getByText('Connecting…').waitFor({ state: 'hidden' });
  await shoot(page, '14-three-patient');
  await admit(third.name);
  await inVisit(pageThree);
  for (const { name } of server.patients) await tile(provider, name).getByText('Connecting…').waitFor({ state: 'hidden' });

  await pageThree.getByRole('button', { name: 'Turn camera off' }).click();
  await pageThree.getByRole('button', { name: 'Mute', exact: true }).click();
  await tile(provider, third.name).getByText('Camera off').waitFor();
  await tile(pageTwo, third.name).getByText('Camera off').waitFor();
  await shoot(provider, '15-four-provider');
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
