// A server of our own for each test file: `quartet demo` on a free port with a throw-away store.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { request } from 'playwright-core';

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
  const [line] = await Promise.race([
    once(lines, 'line'),
    once(child, 'exit').then(([code]) => Promise.reject(new Error(`the server ended with ${code} before it was ready`))),
    once(child, 'error').then(([error]) => Promise.reject(error)),
  ]);
  const demo = JSON.parse(line);
  const api = await request.newContext({
    baseURL: demo.base_url,
    ignoreHTTPSErrors: true,
    extraHTTPHeaders: { Authorization: `Bearer ${demo.admin_token}` },
  });

  return {
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
    again: () => startServer({ data, options, port: new URL(demo.base_url).port, log }),

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
