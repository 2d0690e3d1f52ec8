// A real browser and a participant that shares no code with the server: each checks what the other sends.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { leave, startBrowser } from './support/browser.mjs';
import { arriving } from './support/media.mjs';
import { host } from './support/people.mjs';
import { startServer } from './support/server.mjs';
import { until } from './support/until.mjs';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const BOT = path.resolve(ROOT, process.env.QUARTET_BOT ?? 'target/debug/examples/bot');
const SECONDS = 8;

let server;
let browser;

before(async () => {
  [server, browser] = await Promise.all([startServer(), startBrowser()]);
});

after(async () => {
  await browser?.stop();
  await server?.stop();
});

/** The bot as a patient: it sends back what the provider sends, and says what it checked. */
function startBot(link, options = []) {
  const child = spawn(BOT, [link.url, link.birth_date, String(SECONDS), ...options], { stdio: ['ignore', 'pipe', 'inherit'] });
  const said = [];
  createInterface({ input: child.stdout }).on('line', (line) => said.push(JSON.parse(line)));
  const ended = once(child, 'exit');
  return {
    says: (state) => until(`the bot is ${state}`, () => said.find((line) => line.state === state)),
    async end() {
      const [code] = await ended;
      assert.equal(code, 0, 'the bot found nothing wrong');
    },
  };
}

for (const [profile, options, chosen] of [
  ['AES-GCM', [], 'Srtp_Aead_Aes_128_Gcm'],
  ['AES-CM where nothing else is offered', ['--aes-cm'], 'Srtp_Aes128_Cm_Hmac_Sha1_80'],
]) {
  test(`a browser decodes its own sound and picture, echoed by a stranger under ${profile}`, async () => {
    const provider = await browser.page();
    await host(provider, server.provider);
    const link = server.patients[options.length];
    const bot = startBot(link, options);
    await bot.says('waiting');
    await provider.getByRole('listitem').filter({ hasText: link.name }).getByRole('button', { name: 'Admit', exact: true }).click();
    assert.equal((await bot.says('joined')).srtp, chosen);

    await until('the echo is seen and heard', async () => {
      const echo = (await arriving(provider))[link.name];
      return echo?.video.frames >= 30 && echo.audio.energy > 1e-6;
    });
    const left = await bot.says('left');
    await bot.end();
    assert.ok(left.sound > 100 && left.pictures > 100, JSON.stringify(left));
    assert.equal(left.gaps, 0, 'every line is one unbroken sequence');
    await leave(provider);
  });
}
