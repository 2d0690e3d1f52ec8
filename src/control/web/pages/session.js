// What a reload must find again: who we are in which visit. The link's token is never kept; the cookie,
// which no script can read, is what opens the visit.

const KEY = 'quartet';

/** Whoever verified in this tab, if anyone did. */
export function load() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY));
  } catch {
    return null; // Storage is forbidden here: a reload starts again from the link.
  }
}

/** Remembers `{ participant, visit, role, name }` for this tab. */
export function save({ participant, visit, role, name }) {
  try {
    sessionStorage.setItem(KEY, JSON.stringify({ participant, visit, role, name }));
  } catch {
    // As above: the visit goes on without it.
  }
}

/** Forgets it. */
export function forget() {
  try {
    sessionStorage.removeItem(KEY);
  } catch {
    // Nothing was kept.
  }
}
