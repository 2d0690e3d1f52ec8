// Devices that are refused, plugged, unplugged, silent or dark; and browsers that are windows of other apps.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PHONE } from './support/browser.mjs';
import { host, inVisit, verify, wait } from './support/people.mjs';
import { setting } from './support/setting.mjs';

const FACEBOOK_IPHONE =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 [FBAN/FBIOS;FBAV/468.0]';
const AGENTS = {
  'Remove “Blocked” beside camera and microphone.': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  'Set Camera and Microphone to “Allow” for this site.':
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15',
  'Touch the symbol to the left of the address, then “Website Settings”.':
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1',
  'Touch Permissions and allow Camera and Microphone.':
    'Mozilla/5.0 (Linux; Android 14; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36',
};

const here = setting();

const row = (page, name) => page.getByRole('listitem').filter({ hasText: name });

/** The step with the preview. */
async function devices(page, link) {
  await verify(page, link);
  await page.getByRole('button', { name: 'Request permissions' }).click();
  await page.getByRole('button', { name: 'Join' }).waitFor();
}

/** The browser says that the person said no, for good. */
function refuseAlways() {
  navigator.mediaDevices.getUserMedia = async () => {
    throw new DOMException('Permission denied', 'NotAllowedError');
  };
  navigator.permissions.query = async () => ({ state: 'denied' });
}

/** A microphone that gives nothing but zeros, and a camera with a cap on. */
function deadDevices() {
  const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    await open(wanted);
    const stream = new MediaStream();
    if (wanted.audio) stream.addTrack(new AudioContext().createMediaStreamDestination().stream.getAudioTracks()[0]);
    if (wanted.video) {
      const canvas = Object.assign(document.createElement('canvas'), { width: 640, height: 360 });
      const pen = canvas.getContext('2d');
      setInterval(() => pen.fillRect(0, 0, 640, 360), 100);
      stream.addTrack(canvas.captureStream(10).getVideoTracks()[0]);
    }
    return stream;
  };
}

/** `window.plug(kind, label)` and `window.unplug(which)` do what hands do; `window.holds(which)` says whether one is in use. */
function hands() {
  const { mediaDevices } = navigator;
  const list = mediaDevices.enumerateDevices.bind(mediaDevices);
  const open = mediaDevices.getUserMedia.bind(mediaDevices);
  const more = [];
  const opened = [];
  mediaDevices.enumerateDevices = async () => [...(await list()), ...more];
  // Whatever was plugged in here gives what the browser's own device gives.
  const real = (how) => (how && typeof how === 'object' ? { ...how, deviceId: undefined } : how);
  mediaDevices.getUserMedia = async (wanted) => {
    const stream = await open({ audio: real(wanted.audio), video: real(wanted.video) });
    const label = more.find(({ deviceId }) => deviceId === wanted.audio?.deviceId?.exact)?.label;
    for (const track of stream.getTracks()) {
      if (label) Object.defineProperty(track, 'label', { value: label });
      opened.push(track);
    }
    return stream;
  };
  window.plug = (kind, label) => {
    more.push({ kind, label, deviceId: label, groupId: '' });
    mediaDevices.dispatchEvent(new Event('devicechange'));
  };
  window.holds = (which) => opened.some((track) => track.kind === which && track.readyState === 'live');
  window.unplug = (kind) => {
    const track = opened.findLast((one) => one.kind === kind && one.readyState === 'live');
    track.stop();
    track.dispatchEvent(new Event('ended'));
  };
}

test('a test sound is asked about, and the provider reads who did not hear it', async () => {
  const [heard, unheard] = here.server.patients;
  const [one, two, provider] = [await here.newPage(), await here.newPage(), await here.newPage()];
  await devices(one, heard);
  await one.getByRole('button', { name: 'Play a test sound' }).click();
  await one.getByRole('group', { name: 'Did you hear it?' }).getByRole('button', { name: 'Yes' }).click();
  await one.getByText('Your speaker works.').waitFor();
  await one.getByRole('button', { name: 'Join' }).click();

  await devices(two, unheard);
  await two.getByRole('button', { name: 'Play a test sound' }).click();
  await two.getByRole('group', { name: 'Did you hear it?' }).getByRole('button', { name: 'No', exact: true }).click();
  await two.locator('#speaker-result').getByText('Turn the volume up').waitFor();
  await two.getByRole('button', { name: 'Play it again' }).click();
  await two.getByRole('group', { name: 'Did you hear it?' }).getByRole('button', { name: 'No', exact: true }).click();
  await two.getByRole('button', { name: 'Join' }).click();

  await host(provider, here.server.provider);
  await row(provider, unheard.name).getByText('did not hear the test sound').waitFor();
  await row(provider, heard.name).getByRole('button', { name: 'Admit', exact: true }).waitFor();
  assert.equal(await row(provider, heard.name).getByText('did not hear the test sound').count(), 0);
});

test('a device that is plugged in is offered, and one that is unplugged is replaced, and both are said', async () => {
  const [link] = here.server.patients;
  const patient = await here.newPage();
  await patient.addInitScript(hands);
  await devices(patient, link);
  await patient.evaluate(() => window.plug('audioinput', 'Big Headset'));
  await patient.getByText('New microphone: Big Headset').waitFor();
  await patient.getByRole('button', { name: 'Use it' }).click();
  await patient.getByText('New microphone: Big Headset').waitFor({ state: 'hidden' });
  assert.ok((await patient.getByLabel('Microphone').locator('option').allTextContents()).includes('Big Headset'));
  // The old one is given back before the new one is taken.
  await patient.waitForFunction(() => window.holds('audio'));
  await patient.evaluate(() => window.unplug('audio'));
  await patient.getByText('Your microphone was unplugged. You now use').waitFor();

  await patient.getByRole('button', { name: 'Join' }).click();
  const provider = await here.newPage();
  await host(provider, here.server.provider);
  await row(provider, link.name).getByRole('button', { name: 'Admit', exact: true }).click();
  await inVisit(patient);
  await patient.waitForFunction(() => window.holds('video'));
  await patient.evaluate(() => window.unplug('video'));
  await patient.getByText('Your camera was unplugged. You now use').waitFor();
});

test('who was refused reads the way back in their own browser', async () => {
  const [link] = here.server.patients;
  for (const [step, userAgent] of Object.entries(AGENTS)) {
    const page = await here.newPage({ viewport: PHONE, userAgent });
    await page.addInitScript(refuseAlways);
    await verify(page, link);
    await page.getByRole('button', { name: 'Request permissions' }).click();
    await page.getByRole('alert').filter({ hasText: 'did not allow' }).waitFor();
    await page.getByRole('listitem').filter({ hasText: step }).waitFor();
  }
});

test('who can give neither camera nor microphone may come and listen, and the provider reads it', async () => {
  const [link] = here.server.patients;
  const patient = await here.newPage();
  await patient.addInitScript(refuseAlways);
  await verify(patient, link);
  await patient.getByRole('button', { name: 'Request permissions' }).click();
  await patient.getByRole('button', { name: 'Continue without camera' }).click();
  await patient.getByRole('button', { name: 'Continue and only listen' }).click();
  await patient.getByText('You will hear and see the others.').waitFor();
  await patient.getByRole('button', { name: 'Join' }).click();
  const provider = await here.newPage();
  await host(provider, here.server.provider);
  await row(provider, link.name).getByText('no camera, no microphone').waitFor();
  await row(provider, link.name).getByRole('button', { name: 'Admit', exact: true }).click();
  await inVisit(patient);
  await patient.getByRole('button', { name: 'Unmute' }).waitFor();
});

test('a window inside another app says how to leave it, copies the link, and may be stayed in', async () => {
  const [link] = here.server.patients;
  const page = await here.newPage({ viewport: PHONE, userAgent: FACEBOOK_IPHONE });
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.goto(link.url);
  await page.getByRole('heading', { name: 'Please leave Facebook for your visit' }).waitFor();
  await page.getByText('Open in Safari').waitFor();
  await page.getByRole('button', { name: 'Copy link' }).click();
  await page.getByText('The link is copied.').waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), link.url);
  await page.getByRole('button', { name: 'Stay here' }).click();
  await page.getByRole('heading', { name: 'Check in for your visit' }).waitFor();
});

test('a browser that cannot carry a visit is told which can, before anything is asked', async () => {
  const page = await here.newPage();
  await page.addInitScript(() => delete window.EventSource);
  await page.goto(here.server.patients[0].url);
  await page.getByRole('heading', { name: 'This browser cannot join' }).waitFor();
  await page.getByText('It cannot follow the visit.').waitFor();
  await page.getByRole('button', { name: 'Copy link' }).waitFor();
  await page.getByText('Need help?').first().waitFor();
});

test('a dead microphone and a dark camera are said in the visit, one after the other', async () => {
  const [link] = here.server.patients;
  const [patient, provider] = [await here.newPage(), await here.newPage()];
  await patient.addInitScript(deadDevices);
  await wait(patient, link);
  await host(provider, here.server.provider);
  await row(provider, link.name).getByRole('button', { name: 'Admit', exact: true }).click();
  await inVisit(patient);
  await patient.getByText('We cannot hear you.').waitFor();
  await patient.getByRole('button', { name: 'Mute', exact: true }).click();
  await patient.getByText('Your picture is black.').waitFor();
  await patient.getByText('something may be wrong with your equipment').waitFor({ timeout: 60_000 });
  await patient.getByRole('button', { name: 'Turn camera off' }).click();
  await patient.getByText('Your picture is black.').waitFor({ state: 'hidden' });
  assert.equal(await provider.getByText('We cannot hear you.').count(), 0);
});
