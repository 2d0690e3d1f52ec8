// One event stream for all tabs of this browser: over HTTP/1.1 a browser has six connections to a server, and
// every tab with a stream of its own would take one of them for good.
//
// Who leads is a lock: the tab that holds it has the stream and passes on what arrives; when that tab closes, the
// browser gives the lock to the next. Who is watched is read from locks too, one per tab, so a tab that crashes is
// forgotten without having said goodbye. Where a browser has no locks or no channel, each tab has its own stream.

import { pause } from './backoff.js';

const CHANNEL = 'quartet-events';
const LEADER = 'quartet-leader';
const WATCHED = 'quartet-watches-';
/** How often the leader looks for tabs that are gone. What a crashed tab watched stays watched until then. */
const LOOK_EVERY_MS = 5_000;
/** How often a tab that can be seen asks for a sign of life: a frozen leader holds its lock and says nothing. */
const PING_EVERY_MS = 3_000;
/** A busy phone may take half a second to answer; a longer wait is a picture that stands still. */
const ANSWER_WITHIN_MS = 1_000;

/** What this module asks of the browser. */
export const browser = {
  locks: globalThis.navigator?.locks,
  Channel: globalThis.BroadcastChannel,
  Source: globalThis.EventSource,
  visible: () => document.visibilityState === 'visible',
};

/** The stream itself: one connection, made again whenever it breaks. */
class Feed {
  #world;
  #tell;
  #participants = [];
  #source = null;
  #retry = null;
  #attempt = 0;

  constructor(world, tell) {
    this.#world = world;
    this.#tell = tell;
  }

  /** Watches exactly these participants. */
  watch(participants) {
    if (participants.join() === this.#participants.join()) return;
    this.#participants = participants;
    this.open();
  }

  open() {
    this.close();
    if (this.#participants.length === 0) return;
    const query = this.#participants.map((one) => `participant=${encodeURIComponent(one)}`).join('&');
    const source = new this.#world.Source(`/api/v1/events?${query}`);
    this.#source = source;
    source.addEventListener('open', () => {
      this.#attempt = 0;
      this.#tell({ open: true });
    });
    source.addEventListener('visit', ({ data }) => this.#tell({ view: JSON.parse(data) }));
    source.addEventListener('gone', ({ data }) => this.#tell({ gone: JSON.parse(data).participant }));
    source.addEventListener('error', () => this.#broken(source.readyState === this.#world.Source.CLOSED));
  }

  close() {
    clearTimeout(this.#retry);
    this.#source?.close();
    this.#source = null;
  }

  /** A browser waits seconds before it tries again, and after a refusal it never does. */
  #broken(refused) {
    this.close();
    this.#tell({ broken: true, refused });
    this.#retry = setTimeout(() => this.open(), pause(this.#attempt));
    this.#attempt += 1;
  }
}

/**
 * What the server says of one participant, until it is closed. `tell` gets `view(view)`, `gone()`, `open()` and
 * `broken(refused)`.
 */
export class Stream {
  #participant;
  #tell;
  #world;
  #feed;
  #channel = null;
  #closed = false;
  /** Ends the wait for the leader's lock. */
  #standing = null;
  /** Gives the leader's lock back. */
  #abdicate = null;
  /** The newest view of each participant, for a tab that comes later. */
  #known = new Map();
  #look = null;
  #ping = null;
  #silence = null;
  #unwatch = null;

  constructor(participant, tell, world = browser) {
    this.#participant = participant;
    this.#tell = tell;
    this.#world = world;
    this.#feed = new Feed(world, (message) => this.#pass(message));
    if (!world.locks || !world.Channel) return void this.#feed.watch([participant]);
    this.#channel = new world.Channel(CHANNEL);
    this.#channel.addEventListener('message', ({ data }) => this.#hear(data));
    void this.#hold(WATCHED + participant, { mode: 'shared' }, (done) => {
      this.#unwatch = done;
      this.#channel.postMessage({ watching: participant });
      void this.#gather();
    });
    this.#stand();
    this.#ping = setInterval(() => this.#askForLife(), PING_EVERY_MS);
  }

  close() {
    this.#closed = true;
    this.#feed.close();
    for (const timer of [this.#look, this.#ping]) clearInterval(timer);
    clearTimeout(this.#silence);
    this.#standing?.abort();
    this.#abdicate?.();
    this.#unwatch?.();
    this.#channel?.postMessage({ watching: null });
    this.#channel?.close();
    this.#channel = null;
  }

  /** The network has changed, or the device has slept: what looks open may be dead. */
  renew() {
    if (!this.#channel || this.#abdicate) this.#feed.open();
    else {
      this.#channel.postMessage({ renew: true });
      this.#askForLife();
    }
  }

  /** Holds a lock until `begin`'s argument is called. Throws when it is closed before that, or taken over. */
  #hold(name, how, begin) {
    return this.#world.locks.request(name, how, () => new Promise((done) => (this.#closed ? done() : begin(done))));
  }

  /** Waits to lead, or takes the lead from a tab that has fallen silent. */
  #stand(how) {
    this.#standing?.abort();
    const standing = new AbortController();
    this.#standing = standing;
    // A lock that is taken over is never waited for, so there is nothing to abort.
    void this.#hold(LEADER, how ?? { signal: standing.signal }, (done) => this.#lead(done)).catch(() => {
      if (this.#standing === standing && !this.#closed) this.#yield();
    });
  }

  #lead(done) {
    this.#abdicate = done;
    clearTimeout(this.#silence);
    this.#silence = null;
    this.#look = setInterval(() => void this.#gather(), LOOK_EVERY_MS);
    void this.#gather();
  }

  /** Someone else leads now. */
  #yield() {
    this.#abdicate?.();
    this.#abdicate = null;
    clearInterval(this.#look);
    this.#feed.watch([]);
    this.#known.clear();
    this.#stand();
  }

  async #gather() {
    if (!this.#abdicate) return;
    const { held } = await this.#world.locks.query();
    if (!this.#abdicate || this.#closed) return;
    const names = held.filter(({ name }) => name.startsWith(WATCHED)).map(({ name }) => name.slice(WATCHED.length));
    this.#feed.watch([...new Set(names)].sort());
  }

  /** From the stream to every tab, this one too. */
  #pass(message) {
    if (message.view) this.#known.set(message.view.you.participant, message.view);
    if (message.gone) this.#known.delete(message.gone);
    this.#channel?.postMessage(message);
    this.#hear(message);
  }

  #hear(message) {
    if (this.#closed) return;
    if (!this.#abdicate) {
      clearTimeout(this.#silence);
      this.#silence = null;
    }
    if (message.view?.you.participant === this.#participant) this.#tell.view(message.view);
    if (message.gone === this.#participant) this.#tell.gone();
    if (message.open) this.#tell.open();
    if (message.broken) this.#tell.broken(message.refused);
    if (this.#abdicate) this.#serve(message);
  }

  /** What the other tabs ask of the leader. */
  #serve({ watching, ping, renew }) {
    if (watching !== undefined) {
      const view = this.#known.get(watching);
      if (view) this.#channel.postMessage({ view });
      void this.#gather();
    }
    if (ping) this.#channel.postMessage({ pong: true });
    if (renew) this.#feed.open();
  }

  #askForLife() {
    if (this.#abdicate || this.#silence || this.#closed || !this.#world.visible()) return;
    this.#channel.postMessage({ ping: true });
    this.#silence = setTimeout(() => {
      this.#silence = null;
      this.#stand({ steal: true });
    }, ANSWER_WITHIN_MS);
  }
}
