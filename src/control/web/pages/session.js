// What a reload, or a browser that was killed, must find again: who we are in which visit. The link's token is never
// kept, nor a name where others could read it; the cookie, which no script can read, is what opens the visit.

/** In this tab. */
const KEY = 'quartet';
/** In this browser, for who opens the same link again: the link is known by its digest. */
const BY_LINK = 'quartet-link-';

/** Does something with a storage; where the browser forbids it, a reload starts again from the link. */
function attempt(work) {
  try {
    return work();
  } catch {
    return null;
  }
}

/** Whoever verified in this tab, if anyone did. */
export function load() {
  return attempt(() => JSON.parse(sessionStorage.getItem(KEY)));
}

/** Remembers `{ participant, visit, role, name }` for this tab. */
export function save({ participant, visit, role, name }) {
  attempt(() => sessionStorage.setItem(KEY, JSON.stringify({ participant, visit, role, name })));
}

async function digestOf(token) {
  const bytes = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(token)));
  return Array.from(bytes.subarray(0, 16), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Remembers for this browser who came in by a link. */
export async function rememberLink(token, { participant, visit, role }) {
  const key = BY_LINK + (await digestOf(token));
  attempt(() => localStorage.setItem(key, JSON.stringify({ participant, visit, role })));
}

/** Who last came in by this link in this browser: `{ participant, visit, role }`, if anyone did. */
export async function ofLink(token) {
  const key = BY_LINK + (await digestOf(token));
  return attempt(() => JSON.parse(localStorage.getItem(key)));
}

/** The one who is remembered in this browser; nobody, where there are several. */
export function onlyOne() {
  return attempt(() => {
    const keys = Object.keys(localStorage).filter((key) => key.startsWith(BY_LINK));
    return keys.length === 1 ? JSON.parse(localStorage.getItem(keys[0])) : null;
  });
}

/** Forgets someone, in this tab and in this browser. */
export function forget({ participant }) {
  attempt(() => {
    if (load()?.participant === participant) sessionStorage.removeItem(KEY);
    for (const key of Object.keys(localStorage).filter((name) => name.startsWith(BY_LINK))) {
      if (JSON.parse(localStorage.getItem(key))?.participant === participant) localStorage.removeItem(key);
    }
  });
}
