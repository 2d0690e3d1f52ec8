// WebDriver BiDi, as much of it as Firefox is asked for here.
//
// Playwright drives a Firefox of its own making, or with this protocol one newer than Debian's: it insists on commands that
// the long-term release does not know. What our tests need is small enough to be said directly.

import { EventEmitter, once } from 'node:events';
// Node has a WebSocket without a flag only from version 22 on.
import { WebSocket } from 'ws';

/** How long one command may take. Firefox opens its first window in some seconds on a busy machine, and never takes this long for anything. */
const ANSWER_WITHIN_MS = 30_000;

/** One conversation: `ask` for commands; what the browser says by itself is emitted under its method's name. */
export class Bidi extends EventEmitter {
  #socket;
  #asked = 0;
  /** id → what to do with the answer */
  #open = new Map();

  static async connect(url) {
    const socket = new WebSocket(url, { handshakeTimeout: ANSWER_WITHIN_MS });
    await once(socket, 'open');
    return new Bidi(socket);
  }

  constructor(socket) {
    super();
    this.#socket = socket;
    socket.on('message', (data) => this.#hear(JSON.parse(data)));
    socket.on('close', () => this.#giveUp());
    // What went wrong is followed by `close`.
    socket.on('error', () => {});
  }

  /** The answer to one command. Throws what the browser says against it, with its `code`. */
  ask(method, params = {}) {
    this.#asked += 1;
    const id = this.#asked;
    return new Promise((resolve, reject) => {
      const settle = (settled) => {
        clearTimeout(timer);
        this.#open.delete(id);
        settled();
      };
      const timer = setTimeout(() => {
        settle(() => reject(new Error(`${method}: no answer within ${ANSWER_WITHIN_MS} ms`)));
      }, ANSWER_WITHIN_MS);
      this.#open.set(id, {
        resolve: (result) => settle(() => resolve(result)),
        reject: (code, why) => settle(() => reject(Object.assign(new Error(`${method}: ${code}: ${why}`), { code }))),
      });
      this.#socket.send(JSON.stringify({ id, method, params }));
    });
  }

  close() {
    this.#socket.terminate();
  }

  #hear({ type, id, method, params, result, error, message }) {
    if (type === 'event') this.emit(method, params);
    else if (type === 'success') this.#open.get(id)?.resolve(result);
    else this.#open.get(id)?.reject(error, message);
  }

  #giveUp() {
    for (const { reject } of [...this.#open.values()]) reject('gone', 'the browser has ended');
  }
}
