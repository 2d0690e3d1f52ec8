// How long to wait before trying again.

/** The first try again comes so soon that a blink of the network goes unnoticed. */
const FIRST_MS = 250;
/**
 * A server that starts again is back within a second or two: a longer pause would keep people out of a room that is
 * open; a shorter one would have a whole clinic knock while the server is still waking.
 */
const LONGEST_MS = 2_000;

/** The pause before try number `attempt` (0 is the first again), spread so that not all come at once. */
export function pause(attempt, random = Math.random()) {
  const most = Math.min(LONGEST_MS, FIRST_MS * 2 ** attempt);
  return Math.round(most * (0.5 + random / 2));
}
