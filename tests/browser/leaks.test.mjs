// After a whole visit: nothing of a person, and nothing that opens anything, where it does not belong.

import assert from 'node:assert/strict';
import { openSync, readFileSync, readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { startBrowser } from './support/browser.mjs';
import { arriving } from './support/media.mjs';
import { fillBirthDate, host, inVisit, join, tile, verify } from './support/people.mjs';
import { startServer } from './support/server.mjs';
import { until } from './support/until.mjs';

const GUEST = { name: 'Noor Haddad-Whitmore', relationship: 'Granddaughter' };
const MESSAGE = 'Running ten minutes behind';

let browser;
let server;
let data;
let log;

before(async () => {
  data = await mkdtemp(path.join(os.tmpdir(), 'quartet-leaks-'));
  log = path.join(data, 'log');
  browser = await startBrowser();
  server = await startServer({ data, options: ['--log', 'trace'], log: openSync(log, 'a') });
});

after(async () => {
  await browser?.stop();
  await server?.stop();
  await rm(data, { recursive: true, force: true });
});

test('log, metrics, audit, URLs and referrers show nobody, and the store no token', async () => {
  const [link, second] = server.patients;
  const asked = [];
  const watch = (page) => {
    page.on('request', async (request) => asked.push(`${request.url()} ${(await request.allHeaders().catch(() => ({}))).referer ?? ''}`));
    return page;
  };
  const [patient, guest, provider] = [watch(await browser.page()), watch(await browser.page()), watch(await browser.page())];

  await patient.goto(link.url);
  await fillBirthDate(patient, '1900-01-01');
  await patient.getByRole('checkbox', { name: /terms/ }).check();
  await patient.getByRole('button', { name: 'Verify' }).click();
  await patient.getByText('We could not verify you.').waitFor();
  await verify(patient, link);
  await join(patient);
  await verify(guest, second, GUEST);
  await join(guest);
  await host(provider, server.provider);
  const { visit_id: visit } = await server.appointment();
  await server.staff('post', `/visits/${visit}/message`, { text: MESSAGE });
  const row = (name) => provider.getByRole('listitem').filter({ hasText: name });
  await row(GUEST.name).waitFor();
  await row(link.name).getByRole('button', { name: 'Admit', exact: true }).click();
  await inVisit(patient);
  await tile(provider, link.name).waitFor();
  await until('a picture', async () => (await arriving(provider))[link.name]?.video.frames > 0);
  await patient.reload();
  await until('the address bar is bare', () => !patient.url().includes('#'));

  const pages = [patient, guest, provider];
  const cookies = (await Promise.all(pages.map((page) => page.context().cookies()))).flat().map(({ value }) => value);
  const addresses = await Promise.all(pages.map((page) => page.evaluate(() => location.href)));
  const metrics = await server.text('/metrics');
  const audit = JSON.stringify(await server.staff('get', '/audit?limit=500'));
  await server.staff('post', `/visits/${visit}/end`);
  await server.stop();

  const tokens = [server.provider, ...server.patients.map(({ url }) => url)].map((url) => url.split('#')[1]);
  const opens = [...tokens, ...cookies, server.token];
  const people = [
    ...server.patients.flatMap(({ name, birth_date }) => [name, birth_date]),
    ...Object.values(GUEST),
    '1900-01-01',
    'Okafor',
    MESSAGE,
  ];
  assert.ok(cookies.length >= 3 && opens.every((token) => token.length >= 32), 'there is something to look for');

  const logged = readFileSync(log, 'utf8');
  assert.match(logged, /presence/, 'the log was written');
  assert.match(audit, /presence\.joined/, 'the audit was written');
  assert.match(metrics, /quartet_datagrams_received_total/);
  for (const [place, text] of Object.entries({ log: logged, metrics, audit, urls: asked.join('\n'), addresses: addresses.join('\n') })) {
    for (const word of [...people, ...opens]) assert.ok(!decoded(text).includes(word), `${place} shows ${word}`);
  }
  assert.doesNotMatch(logged, /\b\d{1,3}(\.\d{1,3}){3}\b/, 'the log shows an address');

  const files = readdirSync(data, { recursive: true }).filter((name) => name.includes('quartet.db'));
  assert.ok(files.length > 0);
  for (const file of files) {
    const bytes = readFileSync(path.join(data, file));
    for (const token of opens) assert.ok(!bytes.includes(token), `${file} holds a token`);
  }
});

/** With what a URL may hide behind percent signs. */
function decoded(text) {
  return text + text.replace(/%[0-9A-F]{2}/gi, (hex) => String.fromCharCode(parseInt(hex.slice(1), 16)));
}
