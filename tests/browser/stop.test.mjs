// An orderly stop: what runs goes on, nothing begins, and the server ends well.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { request } from 'playwright-core';
import { startBrowser } from './support/browser.mjs';
import { arriving } from './support/media.mjs';
import { host, inVisit, tile, wait } from './support/people.mjs';
import { mediaProcess } from './support/processes.mjs';
import { PROGRAM, startServer } from './support/server.mjs';
import { until } from './support/until.mjs';

let browser;
let data;
let serving;

before(async () => {
  data = await mkdtemp(path.join(os.tmpdir(), 'quartet-stop-'));
  browser = await startBrowser();
});

after(async () => {
  await browser?.stop();
  if (serving?.exitCode === null) serving.kill('SIGKILL');
  await rm(data, { recursive: true, force: true });
});

test('told to stop, the server is ready no more, lets the visit end, and ends well with its media process', async () => {
  // The demo makes people, links and a certificate; then the real server serves them.
  const demo = await startServer({ data });
  const { port } = new URL(demo.url);
  await demo.stop();
  const config = path.join(data, 'quartet.toml');
  const place = (name) => JSON.stringify(path.join(data, name));
  await writeFile(
    config,
    `[server]\nlisten = ["127.0.0.1:${port}"]\npublic_url = "${demo.url}"\ncertificate = ${place('certificate.pem')}\nkey = ${place('key.pem')}\n` +
      `runtime_directory = ${place('run')}\n[media]\naddresses = ["127.0.0.1"]\nfirst_port = 0\n[store]\npath = ${place('quartet.db')}\n[log]\nlevel = "warn"\n`,
  );
  serving = spawn(PROGRAM, ['serve', '--config', config], { stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = once(serving, 'exit');
  const probe = await request.newContext({ baseURL: demo.url, ignoreHTTPSErrors: true });
  const ready = () => probe.get('/readyz').then((answer) => answer.status(), () => 0);
  await until('the server is ready', async () => (await ready()) === 200);

  const [link, other] = demo.patients;
  const [patient, provider] = [await browser.page(), await browser.page()];
  await wait(patient, link);
  await host(provider, demo.provider);
  await provider.getByRole('listitem').filter({ hasText: link.name }).getByRole('button', { name: 'Admit', exact: true }).click();
  await inVisit(patient);
  await tile(provider, link.name).waitFor();
  const frames = async () => (await arriving(provider))[link.name]?.video.frames ?? 0;
  await until('a picture', async () => (await frames()) > 0);

  serving.kill('SIGTERM');
  await until('it is ready no more', async () => (await ready()) === 503, { within: 1_000 });
  const before = await frames();
  await until('the picture goes on', async () => (await frames()) > before + 10);
  assert.equal(serving.exitCode, null);
  const late = await browser.page();
  await wait(late, other); // The visit runs, so its own people still come.

  await provider.getByRole('button', { name: 'End visit' }).click();
  await provider.getByRole('dialog').getByRole('button', { name: 'End visit for everyone' }).click();
  await patient.getByRole('heading', { name: 'The visit has ended' }).waitFor();
  const [code] = await ended;
  assert.equal(code, 0);
  await until('the media process has gone too', () => mediaProcess(data) === undefined);
  await probe.dispose();
});
