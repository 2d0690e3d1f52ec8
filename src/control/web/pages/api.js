// The server's API, as far as these pages use it.

const BASE = '/api/v1';
/** Longer would leave a person before a dead button; shorter would give up on a slow phone. */
const TIMEOUT_MS = 15_000;

/** A refusal (problem+json, RFC 9457), or no answer at all: then `code` is `network`. */
export class Problem extends Error {
  constructor(status, body, retryAfter = null) {
    super(body.detail ?? body.title ?? `status ${status}`);
    this.status = status;
    this.code = body.code ?? 'unknown';
    this.detail = body.detail ?? '';
    this.opensAt = body.opens_at ?? null;
    this.now = body.now ?? null;
    /** In seconds, where the server says how long to wait. */
    this.retryAfter = /^\d+$/.test(retryAfter ?? '') ? Number(retryAfter) : null;
  }

  /** The same request may do better in a moment: nobody answered, or the server is not ready. */
  get passing() {
    return this.status === 0 || this.status >= 500;
  }

  /** The session opens nothing any more. */
  get final() {
    return [401, 403, 404, 410].includes(this.status);
  }
}

async function request(method, path, { participant, body, headers = {}, keepalive = false } = {}) {
  if (participant) headers['Quartet-Participant'] = participant;
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
  throw new Problem(answer.status, await answer.json().catch(() => ({})), answer.headers.get('Retry-After'));
}

const json = (value) => ({ body: JSON.stringify(value), headers: { 'Content-Type': 'application/json' } });

/** The name of a connection, as an answer's `ETag` carries it. */
const legOf = (answer) => answer.headers.get('ETag')?.replaceAll('"', '') ?? null;

/** `{ version, text }` */
export async function terms() {
  return (await request('GET', '/terms')).json();
}

/** `{ name, support: { phone, hours, tty }, browsers }` */
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

  get participant() {
    return this.#participant;
  }

  #send(method, path, more = {}) {
    return request(method, this.#visit + path, { participant: this.#participant, ...more });
  }

  /** The state of the visit as this participant may see it. */
  async view() {
    return (await this.#send('GET', '')).json();
  }

  /** Waiting begins; `devices` is what the test of them found. */
  async ready(devices) {
    await this.#send('POST', '/ready', json({ devices }));
  }

  /** Waits no longer. */
  async withdraw() {
    await this.#send('DELETE', '/ready', { keepalive: true });
  }

  /** Takes a seat with an SDP offer: `{ answer, seat, leg }`. */
  async sit(offer) {
    const answer = await this.#send('POST', '/seats', { body: offer, headers: { 'Content-Type': 'application/sdp' } });
    return { answer: await answer.text(), seat: answer.headers.get('Location').split('/').pop(), leg: legOf(answer) };
  }

  /** Restarts ICE (RFC 9725 §4.3.2): our new credentials for the server's. */
  async restart(seat, leg, fragment) {
    const headers = { 'Content-Type': 'application/trickle-ice-sdpfrag', 'If-Match': leg === null ? '*' : `"${leg}"` };
    const answer = await this.#send('PATCH', `/seats/${seat}`, { body: fragment, headers });
    return { fragment: await answer.text(), leg: legOf(answer) };
  }

  /** Tells the others, and the server, what may be forwarded. */
  async setSources(seat, sources) {
    await this.#send('PUT', `/seats/${seat}/sources`, json(sources));
  }

  /** Tells the server how large this page shows whom: what is not looked at is not sent. */
  async watch(seat, watching) {
    await this.#send('PUT', `/seats/${seat}/watching`, json(watching));
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

  /** Sends one person back to the waiting room. */
  async stepOut(participant) {
    await this.#send('POST', `/participants/${encodeURIComponent(participant)}/step-out`);
  }

  /** Takes one person out of the visit. */
  async remove(participant, { mayReturn }) {
    await this.#send('POST', `/participants/${encodeURIComponent(participant)}/remove`, json({ may_return: mayReturn }));
  }

  /** Says something to who waits; nothing takes it away. */
  async message(words) {
    await this.#send('POST', '/message', json({ text: words }));
  }

  /** Ends the visit for everyone. */
  async end() {
    await this.#send('POST', '/end');
  }
}
