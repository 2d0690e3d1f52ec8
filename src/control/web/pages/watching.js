// Tells the server how large each picture is shown here, so that it sends no more of it than is looked at.

import { pause } from './backoff.js';

/**
 * Heights are told in steps of so many pixels, rounded up. Finer, and every drag at a window's edge would be news;
 * coarser, and a small tile would be sent a picture of twice its size.
 */
const STEP_PX = 90;
/**
 * A picture that shrinks by less than this below its step is still told as large: a notice that comes takes some rows from every
 * tile and gives them back when it goes, and another layer would cost a keyframe each time. More, and a window that was made
 * smaller for good would get more than it shows.
 */
const SLACK_PX = STEP_PX / 2;
/** A change is told once it has rested so long. Shorter, and a layout on its way is told; longer, and it is felt. */
const REST_MS = 150;

/** The step of a height, where `known` is the step that was told before. */
function steps(height, known = 0) {
  const step = Math.ceil(height / STEP_PX) * STEP_PX;
  return height > 0 && step < known && height > known - STEP_PX - SLACK_PX ? known : step;
}

/** What is told of what is seen: `{ pictures: [{ seat, height, pinned }], screen }`, heights in the display's pixels. `known` was told last. */
export function told({ pictures, screen }, known = null) {
  const before = (seat) => known?.pictures.find((one) => one.seat === seat)?.height;
  return {
    pictures: pictures.map(({ seat, height, pinned }) => ({ seat, height: steps(height, before(seat)), ...(pinned && { pinned }) })),
    // Nobody's screen is not small: whoever shares one next is seen at once.
    ...(screen !== null && { screen: { height: steps(screen, known?.screen?.height) } }),
  };
}

/** Does `after` show a picture that `before` did not? Nobody waits for a face. */
export function appears(before, after) {
  const seen = (message, seat) => (message?.pictures.find((one) => one.seat === seat)?.height ?? 0) > 0;
  const screen = (message) => (message?.screen?.height ?? 0) > 0;
  return after.pictures.some(({ seat, height }) => height > 0 && !seen(before, seat)) || (screen(after) && !screen(before));
}

/**
 * Keeps the server's knowledge of one page as new as the page. `look()` says what is seen now, or null while nobody
 * knows yet; `tell(seat, message)` puts it and throws a `Problem`.
 */
export class Watching {
  #look;
  #tell;
  #place = null;
  #known = null;
  #timer = null;
  #telling = false;
  #failures = 0;
  #refused = false;
  #closed = false;

  constructor({ look, tell }) {
    this.#look = look;
    this.#tell = tell;
  }

  /** The server has our connection: `{ seat, leg }`. A new one knows nothing of what was told the one before. */
  seated({ seat, leg }) {
    if (this.#place?.seat === seat && this.#place.leg === leg) return;
    this.#place = { seat, leg };
    this.#known = null;
    this.#refused = false;
    this.#failures = 0;
    this.#after(REST_MS);
  }

  /** Something is seen larger, smaller, again or no more. */
  changed() {
    const message = this.#message();
    // While the server refuses, a pause stands between two tries, whatever is seen.
    if (message === null || this.#failures > 0) return;
    if (appears(this.#known, message)) void this.#send();
    else this.#after(REST_MS);
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #after(time) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#send(), time);
  }

  #message() {
    const seen = this.#place && this.#look();
    return seen && told(seen, this.#known);
  }

  /** One message at a time, and none that says what is known. */
  async #send() {
    clearTimeout(this.#timer);
    const [place, message] = [this.#place, this.#message()];
    if (this.#telling || this.#refused || this.#closed || message === null) return;
    if (JSON.stringify(message) === JSON.stringify(this.#known)) return;
    this.#telling = true;
    try {
      await this.#tell(place.seat, { leg: place.leg, ...message });
      if (place === this.#place) [this.#known, this.#failures] = [message, 0];
    } catch (problem) {
      if (place === this.#place) this.#failed(problem);
    } finally {
      this.#telling = false;
    }
    // What has changed while that was on its way.
    if (!this.#closed && this.#failures === 0) this.#after(REST_MS);
  }

  #failed(problem) {
    // Busy or away: the same again may do better. Any other refusal (a server that knows nothing of this, a connection
    // that is not the seat's any more) stands until there is a new connection.
    if (!problem.passing && problem.status !== 429) {
      this.#refused = true;
      return;
    }
    const asked = (problem.retryAfter ?? 0) * 1_000;
    this.#after(Math.max(asked, pause(this.#failures)));
    this.#failures += 1;
  }
}
