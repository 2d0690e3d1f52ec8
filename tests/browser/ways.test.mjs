// The ways that are not straight: reloads, devices that are refused, second devices, leaving and coming back.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { arriving, remoteDescriptions } from './support/media.mjs';
import { host, inVisit, join, tile, verify, wait } from './support/people.mjs';
import { setting } from './support/setting.mjs';
import { until } from './support/until.mjs';

const here = setting();

const row = (page, name) => page.getByRole('listitem').filter({ hasText: name });
const admit = (page, name) => row(page, name).getByRole('button', { name: 'Admit', exact: true }).click();

/** Whatever camera there is, the browser says that the person said no. */
function refuseCamera() {
  const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    if (wanted.video) throw new DOMException('no', 'NotAllowedError');
    return open(wanted);
  };
}

test('a reload brings a person back to where they were, without a question', async () => {
  const [link] = here.server.patients;
  const patient = await here.newPage();
  await patient.context().grantPermissions(['camera', 'microphone']);
  await wait(patient, link);
  await patient.reload();
  await patient.getByRole('heading', { name: 'Waiting for the provider' }).waitFor();

  const provider = await here.newPage();
  await host(provider, here.server.provider);
  await admit(provider, link.name);
  await inVisit(patient);
  await patient.getByRole('button', { name: 'Mute', exact: true }).click();
  await tile(provider, link.name).getByText('Muted').waitFor();
  const seat = await tile(provider, link.name).getAttribute('data-seat');

  await patient.reload();
  await inVisit(patient);
  await patient.getByRole('button', { name: 'Unmute' }).waitFor();
  await tile(provider, link.name).getByText('Muted').waitFor();
  assert.equal(await tile(provider, link.name).getAttribute('data-seat'), seat);
});

test('who refuses the camera is told how to allow it, and can go on without', async () => {
  const [link] = here.server.patients;
  const patient = await here.newPage();
  await patient.addInitScript(refuseCamera);
  await verify(patient, link);
  await patient.getByRole('button', { name: 'Request permissions' }).click();
  await patient.getByRole('alert').filter({ hasText: 'did not allow' }).waitFor();
  await patient.getByRole('button', { name: 'Try again' }).click();
  await patient.getByRole('alert').filter({ hasText: 'did not allow' }).waitFor();
  await patient.getByRole('button', { name: 'Continue without camera' }).click();
  await patient.getByText('No camera').waitFor();
  await patient.getByRole('button', { name: 'Join' }).click();

  const provider = await here.newPage();
  await host(provider, here.server.provider);
  await admit(provider, link.name);
  await tile(provider, link.name).getByText('Camera off').waitFor();
  await patient.getByRole('button', { name: 'Turn camera on' }).waitFor();
});

test('who leaves can come back, and waits again', async () => {
  const [link] = here.server.patients;
  const [patient, provider] = [await here.newPage(), await here.newPage()];
  await wait(patient, link);
  await host(provider, here.server.provider);
  await admit(provider, link.name);
  await inVisit(patient);

  await patient.getByRole('button', { name: 'Leave' }).click();
  await tile(provider, link.name).waitFor({ state: 'detached' });
  await patient.getByRole('button', { name: 'Rejoin' }).click();
  await patient.getByRole('heading', { name: 'Waiting for the provider' }).waitFor();
  await admit(provider, link.name);
  await inVisit(patient);
  await tile(provider, link.name).waitFor();
});

test('one’s own picture is a mirror, and the name over it is not', async () => {
  const provider = await here.newPage();
  await host(provider, here.server.provider);
  const turned = await provider.locator('[data-you]').evaluate((tile) => [tile, tile.querySelector('video')].map((one) => getComputedStyle(one).transform));
  assert.deepEqual(turned, ['none', 'matrix(-1, 0, 0, 1, 0, 0)']);
});

test('on a new network the same connection finds new paths, and the picture goes on', async () => {
  const [link] = here.server.patients;
  const [patient, provider] = [await here.newPage(), await here.newPage()];
  await wait(patient, link);
  await host(provider, here.server.provider);
  await admit(provider, link.name);
  await inVisit(patient);
  const frames = async (page) => Object.values(await arriving(page))[0]?.video.frames ?? 0;
  for (const page of [patient, provider]) await until('the first pictures', async () => (await frames(page)) > 0);

  const restarted = patient.waitForResponse((answer) => answer.request().method() === 'PATCH');
  await patient.evaluate(() => window.dispatchEvent(new Event('online')));
  assert.equal((await restarted).status(), 200);
  await until('the new answer is taken', async () => (await remoteDescriptions(patient)) === 2);
  const before = await Promise.all([patient, provider].map(frames));
  for (const [at, page] of [patient, provider].entries()) await until('the pictures go on', async () => (await frames(page)) > before[at] + 30);
  assert.equal(await patient.evaluate(() => window.observed.peers.length), 1, 'nobody connected anew');
  await patient.getByText('Reconnecting…').waitFor({ state: 'hidden' });
});

test('who stops waiting is not shown as waiting', async () => {
  const [link] = here.server.patients;
  const [patient, provider] = [await here.newPage(), await here.newPage()];
  await wait(patient, link);
  await host(provider, here.server.provider);
  await row(provider, link.name).getByRole('button', { name: 'Admit', exact: true }).waitFor();
  await patient.getByRole('button', { name: 'Leave' }).click();
  await patient.getByRole('button', { name: 'Rejoin' }).waitFor();
  await row(provider, link.name).waitFor({ state: 'detached' });
});

test('the same link on a second device takes over from the first', async () => {
  const [link] = here.server.patients;
  const [first, second] = [await here.newPage(), await here.newPage()];
  await wait(first, link);
  await wait(second, link);
  await first.getByRole('heading', { name: 'This page is no longer connected' }).waitFor();
  const provider = await here.newPage();
  await host(provider, here.server.provider);
  await row(provider, link.name).waitFor(); // Once: two would be an error.
  assert.equal(await row(provider, link.name).count(), 1);
});

test('someone else with the patient’s birth date comes in under their own name', async () => {
  const [link] = here.server.patients;
  const [advocate, provider] = [await here.newPage(), await here.newPage()];
  await verify(advocate, link, { name: 'Noor Haddad', relationship: 'Daughter' });
  await join(advocate);
  await host(provider, here.server.provider);
  await row(provider, 'Noor Haddad').getByText('Guest').waitFor();
});
