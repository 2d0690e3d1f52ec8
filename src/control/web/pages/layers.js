// Which layers of the camera are sent: a layer that nobody takes costs uplink, and a phone its battery.

import { pause } from './backoff.js';

/**
 * A narrow path gets half of the frames. With the three temporal layers that browsers make by themselves it could get a quarter, but so does
 * whoever loses one packet of the second layer at the wrong time: what refers to it cannot be shown until the next that refers to none.
 */
const scalabilityMode = 'L1T2';

/** Smallest first: the order in which browsers give up layers when they run short, last to first. */
export const LAYERS = [
  { rid: 'q', scaleResolutionDownBy: 4, maxBitrate: 150_000, scalabilityMode },
  { rid: 'h', scaleResolutionDownBy: 2, maxBitrate: 500_000, scalabilityMode },
  { rid: 'f', scaleResolutionDownBy: 1, maxBitrate: 1_500_000, scalabilityMode },
];

/**
 * How often one change is tried, over some ten seconds. A track that is just being replaced refuses for an instant;
 * a sender that refuses longer is tried again when the server next says how things stand.
 */
const TRIES_MAX = 8;

const ALL = LAYERS.map(({ rid }) => rid);

/** What the server takes of ours, as far as we know it. A server that says nothing takes all. */
const taken = (layers) => ALL.filter((rid) => layers?.includes(rid) ?? true).join();

/** Switches the layers of one sender, which begins with all. */
export class Layers {
  #sender;
  #wanted = taken(null);
  #sent = taken(null);
  #working = false;
  #closed = false;

  constructor(sender) {
    this.#sender = sender;
  }

  /** The layers that somebody takes: their names, or nothing where the server does not tell. */
  want(layers) {
    this.#wanted = taken(layers);
    if (!this.#working) void this.#work();
  }

  close() {
    this.#closed = true;
  }

  /** One change at a time, the newest wish last. */
  async #work() {
    this.#working = true;
    for (let failures = 0; failures < TRIES_MAX && !this.#closed && this.#sent !== this.#wanted; ) {
      const wanted = this.#wanted;
      try {
        await this.#send(wanted);
        this.#sent = wanted;
        failures = 0;
      } catch {
        // A track that is being replaced, or another change under way, makes the parameters stale.
        await new Promise((done) => setTimeout(done, pause(failures)));
        failures += 1;
      }
    }
    this.#working = false;
  }

  async #send(wanted) {
    const parameters = this.#sender.getParameters();
    // Without simulcast there is one encoding, without a name: whether it is sent the track decides alone.
    const named = parameters.encodings.filter(({ rid }) => rid);
    for (const encoding of named) encoding.active = wanted.split(',').includes(encoding.rid);
    if (named.length > 0) await this.#sender.setParameters(parameters);
  }
}
