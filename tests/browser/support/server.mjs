// A server of our own for each test file: `quartet demo` on a free port with a throw-away store.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { request } from 'playwright-core';
import { until } from './until.mjs';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');
/** The program that is tested. */
export const PROGRAM = path.resolve(ROOT, process.env.QUARTET_BIN ?? 'target/release/quartet');

/**
 * A running demo: what it printed, its API for staff, and `stop`. With a directory `data` it can be killed and
 * started again, and goes on where it was; `log` gets what it says on standard error.
 */
export async function startServer({ data = null, options = [], port = '0', log = 'inherit' } = {}) {
  const kept = data ? ['--data', data] : [];
  const child = spawn(PROGRAM, ['demo', '--json', '--port', port, ...kept, ...options], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', log],
  });
  const lines = createInterface({ input: child.stdout });
  const [line] = await Promise.race([once(lines, 'line'), ended(child)]);
  const demo = JSON.parse(line);
  return running(child, demo, () => startServer({ data, options, port: new URL(demo.base_url).port, log }));
}

/**
 * The same people and appointment under `quartet serve`, one worker of which receives media on this UDP port of the loopback
 * and tells browsers to come to `advertise` instead.
 */
export async function startServerBehind({ advertise, mediaPort }) {
  const data = await mkdtemp(path.join(os.tmpdir(), 'quartet-behind-'));
  const made = await startServer({ data });
  await made.stop();
  const demo = made.demo;
  const config = path.join(data, 'quartet.toml');
  await writeFile(config, configuration({ data, url: demo.base_url, advertise, mediaPort }));
  const child = spawn(PROGRAM, ['serve', '--config', config], { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] });
  child.once('exit', () => rm(data, { recursive: true, force: true }));
  const server = await running(child, demo, null);
  const ready = () => server.text('/readyz').then((said) => said === 'ready\n', () => false);
  try {
    await Promise.race([until('the server is ready', ready), ended(child)]);
    return server;
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/** What the demo takes for granted, said to `serve`, and where media is received. */
const configuration = ({ data, url, advertise, mediaPort }) => `
[server]
listen = ["127.0.0.1:${new URL(url).port}"]
public_url = "${url}"
certificate = "${data}/certificate.pem"
key = "${data}/key.pem"
runtime_directory = "${data}/run"
drain_seconds = 0
[media]
workers = 1
addresses = ["127.0.0.1"]
first_port = ${mediaPort}
advertise = ["${advertise}"]
[store]
path = "${data}/quartet.db"
[log]
level = "warn"
`;

/** Never fulfilled: fails when the program ends, or never began. */
const ended = (child) =>
  Promise.race([
    once(child, 'exit').then(([code]) => Promise.reject(new Error(`the server ended with ${code} before it was ready`))),
    once(child, 'error').then(([error]) => Promise.reject(error)),
  ]);

async function running(child, demo, again) {
  const api = await request.newContext({
    baseURL: demo.base_url,
    ignoreHTTPSErrors: true,
    extraHTTPHeaders: { Authorization: `Bearer ${demo.admin_token}` },
  });

  return {
    demo,
    provider: demo.provider_link,
    patients: demo.patient_links,
    url: demo.base_url,
    token: demo.admin_token,
    pid: child.pid,

    /** Asks the API as staff; the answer's body, if it has one. */
    staff: (method, path, body) => ask(api, method, `/api/v1${path}`, body),

    /** What the server says at this path, as text. */
    text: async (path) => (await api.get(path)).text(),

    /** The appointment of the demo, as staff see it. */
    async appointment() {
      return (await ask(api, 'get', '/api/v1/appointments')).items[0];
    },

    /** Ends it without a word, as a power cut does. Only with `data` can `again` follow. */
    async kill() {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      await api.dispose();
    },

    /** The same server, started again. */
    again,

    /** A link for one more person, made as staff make it. */
    async guestLink(name, role = 'guest') {
      const appointment = await this.appointment();
      const link = await ask(api, 'post', `/api/v1/appointments/${appointment.id}/links`, { role, name });
      return { url: new URL(link.url, demo.base_url).href, birth_date: demo.patient_links[0].birth_date, name };
    },

    async stop() {
      await api.dispose();
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    },
  };
}

async function ask(api, method, url, data) {
  const answer = await api[method](url, { data });
  if (!answer.ok()) throw new Error(`${method} ${url}: ${answer.status()} ${await answer.text()}`);
  const text = await answer.text();
  return text ? JSON.parse(text) : null;
}
