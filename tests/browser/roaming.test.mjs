// A person's network changes, or goes away for a while: the same connection, the same seat, and pictures again within seconds.

import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { test } from 'node:test';
import { able, across, assertWithin, cast, elsewhere, forwarder, measured, onBadPaths, pages, seatOf } from './support/bad_path.mjs';
import { EVERYONE, OUTAGE, clientOf } from './support/forwarder.mjs';
import { arriving, remoteDescriptions, statistics } from './support/media.mjs';
import { tile } from './support/people.mjs';
import { until } from './support/until.mjs';

const REBIND_MS = 3_000;
const OUTAGE_MS = 20_000;
const TOLD_MS = 5_000;
const RESUME_MS = 4_000;

onBadPaths('roaming.md');

/** What a connection is made of: all of it is the same as long as it is the same connection. */
async function connection(page) {
  const [transport] = await statistics(page, 'transport');
  const pair = (await statistics(page, 'candidate-pair')).find(({ id }) => id === transport.selectedCandidatePairId);
  const server = (await statistics(page, 'remote-candidate')).find(({ id }) => id === pair.remoteCandidateId);
  const { dtlsState, dtlsRole, tlsVersion, srtpCipher, localCertificateId, remoteCertificateId } = transport;
  return {
    peers: await page.evaluate(() => window.observed.peers.length),
    negotiations: await remoteDescriptions(page),
    handshake: { dtlsState, dtlsRole, tlsVersion, srtpCipher, localCertificateId, remoteCertificateId },
    server: `${server.address}:${server.port}`,
  };
}

test('another NAT binding: pictures stand for three seconds at most, over the same connection, in the same seat', async () => {
  const { concerned, page, provider } = cast();
  const client = await clientOf(page);
  const before = { ...(await connection(page)), seat: await seatOf(pages.get(provider), concerned) };
  assert.equal(before.server, forwarder.address);
  const { between } = await measured('another NAT binding', client, async () => {
    await pause(3_000);
    assert.ok((await forwarder.rebind(client)).rebound > 0);
    await pause(REBIND_MS + 5_000);
  });
  assertWithin([
    ...able(elsewhere(concerned), between),
    ...across(concerned).map(([at, of]) => [`${of} at ${at}: still, ms`, between(at, of).longestStill, REBIND_MS]),
  ]);
  assert.deepEqual({ ...(await connection(page)), seat: await seatOf(pages.get(provider), concerned) }, before);
});

test('twenty seconds without a network: the others are told, and four seconds after it all is as before', async () => {
  const { concerned, page, other, provider } = cast();
  const hosting = pages.get(provider);
  const seat = await seatOf(hosting, concerned);
  // Everyone's and then not the others': connections that the page tries meanwhile are cut off as well.
  const spared = await Promise.all([other, provider].map((name) => clientOf(pages.get(name))));
  await forwarder.set(EVERYONE, { up: OUTAGE, down: OUTAGE });
  for (const client of spared) await forwarder.set(client, { up: {}, down: {} });
  const began = Date.now();
  await tile(hosting, concerned).getByText('Reconnecting…').waitFor({ timeout: TOLD_MS });
  const frames = async ([at, of]) => (await arriving(pages.get(at)))[of]?.video.frames ?? 0;
  const told = await frames([provider, concerned]);
  await pause(OUTAGE_MS - (Date.now() - began));
  const stood = await Promise.all(across(concerned).map(frames));
  assert.equal(await frames([provider, concerned]), told, 'nothing came through');
  await forwarder.set(EVERYONE, { up: {}, down: {} });
  const ended = Date.now();
  const took = await Promise.all(
    across(concerned).map(async (between, n) => {
      await until(`${between.join(' sees ')} again`, async () => {
        const now = await frames(between);
        return now > 0 && now !== stood[n];
      });
      return Date.now() - ended;
    }),
  );
  console.log(`# a 20 s outage: pictures move again after ${took.join(' ')} ms (${across(concerned).map((one) => one.join(' of ')).join(', ')})`);
  assertWithin(took.map((time) => ['again after, ms', time, RESUME_MS]));
  assert.equal(await seatOf(hosting, concerned), seat);
  await tile(hosting, concerned).getByText('Reconnecting…').waitFor({ state: 'hidden' });
});
