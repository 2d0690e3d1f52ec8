// Sound with copies of what went before (RFC 2198): more of them than browsers make themselves.
//
//   for each copy, oldest first                                       the packet's own sound
//   |1| payload type (7) | timestamp offset (14) | length (10) |      |0| payload type (7) |
//   then the copies, then the sound itself

/** Three lost in a row are given back. More would cost more than the sound is worth; the server reads as many. */
const COPIES = 3;
/** All of a payload: with its header and trailer it passes every path. */
const BYTES_MAX = 1_000;

const FOLLOWS = 0x80;
const OFFSET_MAX = (1 << 14) - 1;
const LENGTH_MAX = (1 << 10) - 1;

/** The type and the own sound of a payload; null if it is no such thing. */
function read(payload) {
  let [at, copied] = [0, 0];
  for (; payload[at] & FOLLOWS; at += 4) copied += ((payload[at + 2] << 8) | payload[at + 3]) & LENGTH_MAX;
  const from = at + 1 + copied;
  return from <= payload.length ? { type: payload[at], sound: payload.slice(from) } : null;
}

/** The last sounds of one microphone. */
export class Sounds {
  /** Oldest first: `{ timestamp, sound }`. */
  #before = [];

  /** What to send in place of this payload: the same, or with copies of all the last sounds if there is `more`. */
  next(payload, timestamp, more) {
    const own = read(payload);
    if (!own) return payload;
    const copies = more ? this.#copies(own, timestamp) : [];
    this.#before = [...this.#before, { timestamp, sound: own.sound }].slice(-COPIES);
    return more ? write(own, copies) : payload;
  }

  /** Who reads them counts back: behind one that cannot be carried none can. */
  #copies({ sound }, timestamp) {
    const copies = [];
    let bytes = sound.length;
    for (const before of this.#before.toReversed()) {
      const offset = (timestamp - before.timestamp) >>> 0;
      const { length } = before.sound;
      bytes += length;
      if (offset < 1 || offset > OFFSET_MAX || length < 1 || length > LENGTH_MAX || bytes > BYTES_MAX) break;
      copies.unshift({ offset, sound: before.sound });
    }
    return copies;
  }
}

function write({ type, sound }, copies) {
  const heads = copies.flatMap(({ offset, sound: { length } }) => [FOLLOWS | type, offset >> 6, ((offset & 63) << 2) | (length >> 8), length & 255]);
  const all = [Uint8Array.from([...heads, type]), ...copies.map((copy) => copy.sound), sound];
  const payload = new Uint8Array(all.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of all) {
    payload.set(part, at);
    at += part.length;
  }
  return payload;
}
