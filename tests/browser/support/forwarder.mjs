// The bad network between the browsers and the server: `tests/support/forwarder/orders.rs` says what it can be told.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import dgram from 'node:dgram';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { startServerBehind } from './server.mjs';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');
const PROGRAM = path.resolve(ROOT, process.env.QUARTET_FORWARDER ?? 'target/debug/examples/forwarder');

/** Everyone who is here and who comes later. */
export const EVERYONE = '*';
/** Nothing arrives. */
export const OUTAGE = { loss: 1 };

/** A server that browsers reach through a forwarder only: `{ server, forwarder }`. */
export async function startBehindForwarder() {
  const mediaPort = await freePort();
  const forwarder = await startForwarder({ to: `127.0.0.1:${mediaPort}` });
  try {
    return { forwarder, server: await startServerBehind({ advertise: forwarder.address, mediaPort }) };
  } catch (error) {
    await forwarder.stop();
    throw error;
  }
}

async function startForwarder({ to }) {
  const child = spawn(PROGRAM, ['--listen', '127.0.0.1:0', '--to', to], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  // Orders are answered in their order.
  const answer = async () => {
    const { value, done } = await lines.next();
    assert.ok(!done, 'the forwarder ended');
    const said = JSON.parse(value);
    assert.ok(!said.error, said.error);
    return said;
  };
  const order = (what) => {
    child.stdin.write(`${JSON.stringify(what)}\n`);
    return answer();
  };
  const { listening: address } = await Promise.race([answer(), once(child, 'error').then(([error]) => Promise.reject(error))]);

  return {
    address,

    /** From now on this is done to what `client` sends (`up`) and gets (`down`); a direction that is left out stays. */
    set: (client, { up, down }) => order({ set: { client, up, down } }),

    /** Another address of this client, as the server sees it. */
    rebind: (client) => order({ rebind: { client } }),

    /** What was done to the packets of `client` so far: `{ up, down }`. */
    tally: async (client) => (await order({ tally: {} })).clients[client],

    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.stdin.end();
      await ended;
    },
  };
}

/** By what name the forwarder knows the page's newest connection. */
export function clientOf(page) {
  return page.evaluate(() => /^a=ice-ufrag:(.*)$/m.exec(window.observed.peers.at(-1).localDescription.sdp)[1].trim());
}

/** A UDP port that nobody has just now. */
async function freePort() {
  const socket = dgram.createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  await once(socket, 'close');
  return port;
}
