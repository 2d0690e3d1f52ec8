// The server's API, as far as these pages use it.

const BASE = '/api/v1';
/** Longer would leave a person before a dead button; shorter would give up on a slow phone. */
const TIMEOUT_MS = 15_000;

/** A refusal (problem+json, RFC 9457), or no answer at all: then `code` is `network`. */
export class Problem extends Error {
  constructor(status, body) {
    super(body.detail ?? body.title ?? `status ${status}`);
    this.status = status;
    this.code = body.code ?? 'unknown';
    this.detail = body.detail ?? '';
    this.opensAt = body.opens_at ?? null;
  }
}

async function request(method, path, { participant, body, type, keepalive = false } = {}) {
  const headers = {};
  if (participant) headers['Quartet-Participant'] = participant;
  if (type) headers['Content-Type'] = type;
  let answer;
  try {
    answer = await fetch(BASE + path, {
      method,
      headers,
      body,
      keepalive,
      cache: 'no-store',
      credentials: 'same-origin',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch {
    throw new Problem(0, { code: 'network' });
  }
  if (answer.ok) return answer;
  throw new Problem(answer.status, await answer.json().catch(() => ({})));
}

const json = (value) => ({ body: JSON.stringify(value), type: 'application/json' });

/** `{ version, text }` */
export async function terms() {
  return (await request('GET', '/terms')).json();
}

/** `{ name, support: { phone, hours, tty } }` */
export async function site() {
  return (await request('GET', '/site')).json();
}

/** Trades a link for a session cookie; tells who we are. */
export async function verify(claim) {
  return (await request('POST', '/verify', json(claim))).json();
}

/** One visit through the eyes of one participant. */
export class VisitApi {
  #visit;
  #participant;

  constructor({ visit, participant }) {
    this.#visit = `/visits/${encodeURIComponent(visit)}`;
    this.#participant = participant;
  }

  #send(method, path, more = {}) {
    return request(method, this.#visit + path, { participant: this.#participant, ...more });
  }

  /** The state of the visit as this participant may see it. */
  async view() {
    return (await this.#send('GET', '')).json();
  }

  /** Where the same state arrives whenever it changes. */
  eventsUrl() {
    return `${BASE}${this.#visit}/events?participant=${encodeURIComponent(this.#participant)}`;
  }

  /** Waiting begins. */
  async ready() {
    await this.#send('POST', '/ready');
  }

  /** Waits no longer. */
  async withdraw() {
    await this.#send('DELETE', '/ready', { keepalive: true });
  }

  /** Takes a seat with an SDP offer: `{ answer, seat }`. */
  async sit(offer) {
    const answer = await this.#send('POST', '/seats', { body: offer, type: 'application/sdp' });
    return { answer: await answer.text(), seat: answer.headers.get('Location').split('/').pop() };
  }

  /** Tells the others, and the server, what may be forwarded. */
  async setSources(seat, sources) {
    await this.#send('PUT', `/seats/${seat}/sources`, json(sources));
  }

  /** Gives the seat back. It is sent even if the page is closed at once. */
  async leave(seat) {
    await this.#send('DELETE', `/seats/${seat}`, { keepalive: true });
  }

  /** Lets one person in. */
  async admit(participant) {
    await this.#send('POST', '/admit', json({ participant }));
  }

  /** Lets in everyone for whom there is a seat. */
  async admitAll() {
    await this.#send('POST', '/admit', json({ all: true }));
  }

  /** Ends the visit for everyone. */
  async end() {
    await this.#send('POST', '/end');
  }
}
