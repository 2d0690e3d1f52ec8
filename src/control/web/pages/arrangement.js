// Who is shown large and who small, in each layout, and who has the floor.

/** Keys beside the participants’ own. */
export const YOU = 'you';
export const SCREEN = 'screen';

export const LAYOUTS = ['grid', 'speaker', 'sides'];

/**
 * Everyone has one place: `{ large, small }`, lists of keys. `others` come by seat, `recent` are those who spoke, newest
 * first. A screen is large in every layout, and so is whoever is pinned; in a grid without either, everyone is.
 */
export function arrange({ layout, others, pins, recent, screen, hidesYou }) {
  const everyone = hidesYou ? others : [...others, YOU];
  const pinned = others.filter((one) => pins.includes(one));
  const dearest = [...new Set([...pinned, ...recent.filter((one) => others.includes(one)), ...everyone])];
  const most = { grid: pinned.length || everyone.length, speaker: pinned.length || 1, sides: Math.max(pinned.length, 2) }[layout];
  const large = screen ? [SCREEN, ...pinned] : dearest.slice(0, most);
  return { large, small: everyone.filter((one) => !large.includes(one)) };
}

/**
 * A large picture stays for so long at least. Shorter, and a cough would throw the faces about; longer, and the one who
 * speaks is looked for.
 */
const HOLD_MS = 1_000;

/** Remembers who spoke, and changes its mind at most once per hold. */
export class Floor {
  /** Newest first. */
  recent = [];
  #since = -Infinity;

  /** Someone speaks; returns how long to wait before this may be said again, or null when it is settled. */
  take(speaker, now) {
    if (speaker === null || speaker === this.recent[0]) return null;
    const rest = this.#since + HOLD_MS - now;
    if (rest > 0) return rest;
    this.recent = [speaker, ...this.recent.filter((one) => one !== speaker)];
    this.#since = now;
    return null;
  }
}
