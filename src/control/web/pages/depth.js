// How long what arrives of a person waits before it is played: their sound and their picture alike, so that lips fit.
//
// Browsers reckon their buffers by how unevenly packets come, and take neither a copy of a sound, which comes with a later
// packet, nor a picture that was sent again to the server into account: both come in time for a deeper buffer only. A path
// that loses nothing keeps the browser's own, which is as short as can be.

/**
 * Where this share of what comes was missing `within` so many ms, a buffer is so deep, gravest first. Less would stand and stutter; more
 * would make people talk over each other. A longer time would see it later; a shorter one would hold a few losses for a path's nature,
 * and a packet that is long missed, which is asked for and so counted several times, for many.
 */
const DEPTHS = [
  { share: 0.15, within: 4_000, depth: 500 },
  { share: 0.01, within: 2_000, depth: 250 },
];
const WINDOW_MS = Math.max(...DEPTHS.map(({ within }) => within));
/** Losses in so many looks of that time: one burst is soon over. */
const LOSSES = 2;
/** A picture that stands nevertheless shows that its repairs come later still: a round trip more, up to so much in all. */
const DEEPER_MS = 100;
const DEEPEST_MS = 500;
/**
 * A buffer grows by so much in each look: browsers hold the picture for as long at once, and up to 150 ms more than it takes from one frame
 * to the next are no freeze to them. Less would leave repairs too late for longer.
 */
const STEP_MS = 100;
/** How long nothing must have asked for a depth until it shrinks, and by how much in each look: not to be heard. */
const CALM_MS = 20_000;
const SHALLOWER_MS = 25;

/** The depth of one person's buffers, in ms; 0 leaves it to the browser. */
export class Depth {
  /** What the last looks saw: `{ at, packets, missing }`. */
  #looks = [];
  /** What it is to be, and what it is. */
  #goal = 0;
  #depth = 0;
  /** When that goal was needed last. */
  #needed = -Infinity;

  /** Since the last look so many packets came, so many were missing, and the picture stood or did not. */
  look({ packets, missing, stood }, now) {
    this.#looks.push({ at: now, packets, missing });
    this.#looks = this.#looks.filter(({ at }) => now - at < WINDOW_MS);
    const least = DEPTHS.find(({ share, within }) => this.#loss(now, within) >= share)?.depth ?? 0;
    const needed = stood && least > 0 ? Math.min(Math.max(least, this.#goal + DEEPER_MS), DEEPEST_MS) : least;
    if (needed >= this.#goal) {
      this.#goal = needed;
      this.#needed = now;
    } else if (now - this.#needed >= CALM_MS) {
      this.#goal = Math.max(needed, this.#goal - SHALLOWER_MS);
    }
    this.#depth = Math.min(this.#goal, this.#depth + STEP_MS);
    return this.#depth;
  }

  /** The share that was missing in so many ms. */
  #loss(now, within) {
    const looks = this.#looks.filter(({ at }) => now - at < within);
    if (looks.filter(({ missing }) => missing > 0).length < LOSSES) return 0;
    const sum = (what) => looks.reduce((all, look) => all + look[what], 0);
    return sum('missing') / Math.max(1, sum('packets') + sum('missing'));
  }
}

/** What statistics of all that arrives say of some tracks together, counted from the beginning. */
export function arrived(stats, tracks) {
  const counts = { packets: 0, missing: 0, stood: 0 };
  for (const one of stats) {
    if (one.type !== 'inbound-rtp' || !tracks.has(one.trackIdentifier)) continue;
    counts.packets += one.packetsReceived ?? 0;
    // What its sender's path has lost is asked for, and comes; what the own path has lost may come before it is asked for.
    counts.missing += Math.max(one.nackCount ?? 0, one.packetsLost ?? 0);
    counts.stood += one.freezeCount ?? 0;
  }
  return counts;
}

/** The buffers of one connection's lines. */
export class Depths {
  /** line → `{ receivers, depth, before }` */
  #lines = new Map();

  /** This receiver is one of those of the line `name`. */
  add(name, receiver) {
    const line = this.#lines.get(name) ?? { receivers: [], depth: new Depth(), before: null };
    line.receivers.push(receiver);
    this.#lines.set(name, line);
  }

  /** What the statistics of the connection say of how the lines arrive. */
  hear(stats, now) {
    for (const line of this.#lines.values()) {
      const { receivers, depth, before } = line;
      const counts = arrived(stats, new Set(receivers.map(({ track }) => track.id)));
      line.before = counts;
      if (!before) continue;
      const grown = (what) => Math.max(0, counts[what] - before[what]);
      const wanted = depth.look({ packets: grown('packets'), missing: grown('missing'), stood: grown('stood') > 0 }, now);
      for (const receiver of receivers) {
        if ((receiver.jitterBufferTarget ?? 0) !== wanted) receiver.jitterBufferTarget = wanted || null;
      }
    }
  }
}
