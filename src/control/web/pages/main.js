// The way of one person: link → verify → (too early) → devices → waiting → visit → left or ended.

import { showAdvice, checkBrowser } from './advice.js';
import { Problem, VisitApi } from './api.js';
import * as api from './api.js';
import { keepAwake } from './awake.js';
import { pause } from './backoff.js';
import { Capture, alreadyAllowed } from './capture.js';
import { hearTime } from './clock.js';
import { Connection } from './connection.js';
import { Copies } from './copies.js';
import { DevicesStep } from './devices.js';
import { busy, byId, say } from './dom.js';
import { waitUntilOpen } from './early.js';
import { Watch } from './events.js';
import { loadHelp } from './help.js';
import * as session from './session.js';
import { fillTexts, text } from './text.js';
import { Terms, VerifyForm, refusal } from './verify.js';
import { announce, show, showProblem, shown } from './views.js';
import { VisitStep } from './visit.js';
import { WaitingStep } from './waiting.js';

/** Presences of someone who has a seat, or for whom one is kept. */
const SEATED = ['admitted', 'joined', 'reconnecting'];

/** When a full server is asked again, if it does not say. */
const FULL_S = 5;
/** Those who were refused in one moment must not all come back in one. */
const SPREAD_MS = 1_000;

const after = (time) => new Promise((done) => setTimeout(done, time));

/** How someone came to be out of the visit, and what they can do. */
function leftWords(reason) {
  switch (reason) {
    case 'removed':
      return [text.removedHeading, text.removedLead];
    case 'lost':
      return [text.lostHeading, text.lostLead];
    case 'not_connected':
      return [text.notConnectedHeading, text.notConnectedLead];
    default:
      return [text.leftHeading, text.leftLead];
  }
}

class Journey {
  #capture = new Capture();
  #copies = new Copies();
  #terms = new Terms();
  #devices = new DevicesStep({ capture: this.#capture, onJoin: () => this.#join() });
  #waiting = new WaitingStep({ capture: this.#capture, onLeave: () => void this.#leave() });
  #visit = new VisitStep({ capture: this.#capture, onLeave: () => void this.#leave() });
  #me = null;
  #api = null;
  #watch = null;
  #connection = null;
  #attempts = 0;
  #askingToWait = false;
  /** The next try at a server that was full. */
  #nextTry = null;
  /** Where the windows of this browser tell each other who has just been seated. */
  #windows = globalThis.BroadcastChannel ? new BroadcastChannel('seated') : null;

  constructor() {
    // The newest connection has the seat; two windows that both want it would take it from each other for ever.
    this.#windows?.addEventListener('message', ({ data }) => {
      if (this.#connection && data === this.#me.participant) this.#lost();
    });
  }

  async begin() {
    const token = location.hash.slice(1);
    const known = token ? await session.ofLink(token) : (session.load() ?? session.onlyOne());
    if (!token && known) return this.#resume(known);
    if (!token) return showProblem(text.linkHeading, text.linkLead);
    // A browser that was closed, or killed, with its person inside: nobody is asked twice who they are.
    if (known && (await this.#isInside(known))) return this.#resume(known);
    let form = null;
    if (location.pathname.startsWith('/provider')) {
      show('devices');
      this.#devices.begin(() => this.#verifyProvider(token));
    } else {
      form = new VerifyForm({
        token,
        terms: this.#terms,
        verify: async (claim) => {
          await this.#verify(claim);
          show('devices');
          this.#devices.begin();
        },
      });
      show('verify');
    }
    // Without the terms nobody goes on; whoever presses the button is told, and they are asked for again.
    await this.#terms.load().catch(() => {});
    form?.termsSettled();
  }

  /** Whoever holds a provider's link is not asked for a patient's birth date; the click accepts the terms. */
  async #verifyProvider(link) {
    if (!this.#terms.version) await this.#terms.load();
    await this.#verify({ link, terms: this.#terms.version });
  }

  /**
   * Trades the link for a session; who comes too early waits here, and the claim with them, in memory only. Throws a
   * `Problem`, on the page where it began.
   */
  async #verify(claim) {
    const from = shown();
    for (let attempt = 0; ; attempt += 1) {
      try {
        await this.#verified(await api.verify(claim), claim.link);
        return show(from);
      } catch (problem) {
        if (problem.code === 'too_early' && problem.opensAt) await waitUntilOpen(problem);
        else if (shown() !== 'early' || !problem.passing) {
          show(from);
          throw problem;
        }
        // All who wait for the same minute must not knock in the same moment, nor all the time.
        await after(pause(attempt));
      }
    }
  }

  /** From here on the cookie opens the visit: the token leaves the address bar and the history. */
  async #verified(me, link) {
    this.#be(me);
    await session.rememberLink(link, me);
  }

  #be(me) {
    history.replaceState(null, '', location.pathname);
    session.save(me);
    this.#me = me;
    this.#api = new VisitApi(me);
  }

  /** Whether someone who came in by this link before waits, or has a seat. Whoever else holds it verifies. */
  async #isInside(known) {
    try {
      const { you } = await new VisitApi(known).view();
      return you.presence === 'waiting' || SEATED.includes(you.presence);
    } catch (problem) {
      if (problem.final) session.forget(known);
      return false;
    }
  }

  /** A reload: back to where the person was, without a question where the browser allows it. */
  async #resume(known) {
    this.#be(known);
    let view;
    try {
      view = await this.#api.view();
    } catch (problem) {
      if (!problem.final) throw problem;
      return this.#lost();
    }
    this.#be({ ...known, name: view.you.name });
    hearTime(view.now);
    if (view.state === 'ended' || view.you.presence === 'ended') return this.#finish('ended');
    if (view.you.presence === 'left') return this.#finish('left', view.you.reason);
    const { camera, microphone } = view.you;
    if (view.you.presence !== 'verified' && (await alreadyAllowed())) {
      try {
        await this.#capture.reopen({ camera, microphone });
        return await this.#join();
      } catch {
        // The devices step says what is wrong with a device, and asks again.
      }
    }
    show('devices');
    return this.#devices.begin();
  }

  /** To the seat where one is kept, to the waiting room otherwise. Throws a `Problem`. */
  async #join() {
    const { you } = await this.#api.view();
    if (this.#me.role === 'provider' || SEATED.includes(you.presence)) await this.#sitOrWaitForRoom(you);
    else await this.#wait();
    this.#listen();
    keepAwake(true);
  }

  async #wait() {
    await this.#api.ready(this.#devices.findings);
    this.#waiting.setFull(null);
    this.#devices.end();
    show('waiting');
  }

  async #sitOrWaitForRoom(you) {
    try {
      await this.#sit(you);
    } catch (problem) {
      if (problem.code !== 'server_full') throw problem;
      await this.#waitForRoom(problem);
    }
  }

  /** The server is too busy for one more: it is asked again when it says, for as long as this page is open. */
  async #waitForRoom({ retryAfter }) {
    const seconds = retryAfter ?? FULL_S;
    // Who was let in has a place already; whoever needs nobody's leave gets one here, so that no other takes it.
    if (this.#me.role === 'provider') await this.#api.ready(this.#devices.findings);
    this.#devices.end();
    this.#waiting.setFull(seconds);
    show('waiting');
    clearTimeout(this.#nextTry);
    this.#nextTry = setTimeout(() => {
      this.#nextTry = null;
      void this.#joinAgain();
    }, seconds * 1_000 + Math.random() * SPREAD_MS);
  }

  /** Takes the seat. The page of the visit opens once the server has said yes. */
  async #sit(you) {
    const connection = new Connection(this.#api, this.#capture, this.#copies);
    this.#connection = connection;
    connection.addEventListener('refused', ({ detail }) => void this.#unseated(detail));
    this.#visit.begin(connection, { ...you, ...this.#me }, this.#api);
    try {
      await connection.open();
    } catch (problem) {
      this.#unseat();
      throw problem;
    }
    this.#attempts = 0;
    this.#waiting.setFull(null);
    this.#windows?.postMessage(this.#me.participant);
    this.#devices.end();
    this.#waiting.end();
    show('visit');
  }

  #listen() {
    this.#watch?.close();
    this.#watch = new Watch(this.#api, {
      onView: (view) => this.#follow(view),
      onAway: (away) => {
        this.#visit.setAway(away);
        this.#waiting.setAway(away);
      },
      onLost: () => this.#lost(),
    });
  }

  /** The device was asleep, or its network has changed: everything is looked at again at once. */
  check() {
    this.#watch?.check();
    this.#connection?.check();
  }

  /** The server says how things stand. */
  #follow(view) {
    const { presence, reason } = view.you;
    if (view.state === 'ended' || presence === 'ended') return this.#finish('ended');
    if (SEATED.includes(presence)) {
      if (this.#nextTry !== null) return this.#waiting.update(view);
      if (!this.#connection) void this.#admitted(view.you);
      else this.#connection.follow(view.you);
      return this.#visit.update(view);
    }
    if (presence === 'left') return this.#finish('left', reason);
    if (this.#connection && shown() === 'visit' && presence === 'waiting') {
      this.#unseat();
      show('waiting');
    }
    if (presence === 'verified' && shown() === 'waiting') void this.#waitAgain();
    return this.#waiting.update(view);
  }

  /** The server was started again and remembers who we are, but not that we wait. */
  async #waitAgain() {
    if (this.#askingToWait) return;
    this.#askingToWait = true;
    await this.#wait().catch(() => {}); // The next view says how it went.
    this.#askingToWait = false;
  }

  async #admitted(you) {
    try {
      await this.#sit(you);
      // What was said of the others while the seat was being taken.
      this.#visit.update(await this.#api.view());
    } catch (problem) {
      await this.#unseated(problem);
    }
  }

  /** The seat was refused, or taken back. */
  async #unseated(problem) {
    this.#unseat();
    if (['not_admitted', 'room_full'].includes(problem.code)) {
      await this.#wait();
      if (problem.code === 'room_full') this.#waiting.update({ room_full: true });
    } else if (problem.code === 'server_full') {
      await this.#waitForRoom(problem);
    } else if (problem.passing) {
      announce(text.errors.noMedia);
      setTimeout(() => void this.#joinAgain(), pause(this.#attempts));
      this.#attempts += 1;
    } else if (problem.code === 'offer_rejected') {
      this.#stop();
      showProblem(text.problemHeading, text.errors.offerRejected);
    } else if (problem instanceof Problem) {
      this.#lost();
    } else {
      throw problem;
    }
  }

  async #joinAgain() {
    // Meanwhile the person may have left, or an event may have brought them in.
    if (!this.#watch || this.#connection) return;
    await this.#join().catch((problem) => this.#unseated(problem));
  }

  #unseat() {
    this.#connection?.close();
    this.#connection = null;
    this.#visit.end();
  }

  async #leave() {
    const connection = this.#connection;
    this.#connection = null;
    this.#finish('left');
    // Told or not, this page is out; a server that cannot hear it frees the seat by itself.
    await (connection ? connection.leave() : this.#giveUp()).catch(() => {});
  }

  /** Gives back what this person has: a seat that is kept for them, or a place among those who wait. */
  async #giveUp() {
    const { you } = await this.#api.view();
    await (you.seat === null ? this.#api.withdraw() : this.#api.leave(you.seat));
  }

  #finish(view, reason = 'left') {
    this.#stop();
    const [heading, lead] = leftWords(reason);
    byId('left-heading').textContent = heading;
    byId('left-lead').textContent = lead;
    say(byId('left-alert'), null);
    if (view === 'ended') session.forget(this.#me);
    show(view);
  }

  /** This session opens nothing any more: another device has it, or its time is over. */
  #lost() {
    this.#stop();
    session.forget(this.#me);
    showProblem(text.replacedHeading, text.replacedLead);
  }

  #stop() {
    this.#watch?.close();
    this.#watch = null;
    clearTimeout(this.#nextTry);
    this.#nextTry = null;
    this.#unseat();
    this.#devices.end();
    this.#waiting.end();
    this.#capture.stop();
    keepAwake(false);
  }

  /** Back in after leaving, with the devices of before. */
  async rejoin() {
    say(byId('left-alert'), null);
    const { cameraOn: camera, microphoneOn: microphone } = this.#capture;
    try {
      await this.#capture.reopen({ camera, microphone });
    } catch {
      show('devices');
      return this.#devices.begin();
    }
    try {
      return await this.#join();
    } catch (problem) {
      this.#capture.stop();
      if (problem.final) return this.#lost();
      return say(byId('left-alert'), refusal(problem));
    }
  }
}

/** What a sleeping device or a new network is known by. */
function onWake(check) {
  document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && check());
  window.addEventListener('pageshow', ({ persisted }) => persisted && check());
  window.addEventListener('online', check);
  const network = navigator.connection;
  let kind = network?.type;
  // Most changes are of an estimate; only another kind of network is another path.
  network?.addEventListener('change', () => {
    if (network.type === kind) return;
    kind = network.type;
    check();
  });
}

async function start() {
  fillTexts(document);
  // Whom to call is help, not a condition.
  void loadHelp(({ browsers }) => showAdvice(browsers)).catch(() => {});
  byId('reload').addEventListener('click', () => location.reload());
  // Another link in the same tab changes only the fragment, which loads nothing by itself.
  window.addEventListener('hashchange', () => location.reload());
  for (const unexpected of ['error', 'unhandledrejection']) {
    window.addEventListener(unexpected, () => showProblem(text.problemHeading, text.problemLead, { reload: true }));
  }
  await checkBrowser();
  const journey = new Journey();
  onWake(() => journey.check());
  byId('rejoin').addEventListener('click', (event) => void busy(event.currentTarget, text.joining, () => journey.rejoin()));
  await journey.begin().catch((problem) => {
    const network = problem instanceof Problem && problem.passing;
    showProblem(text.problemHeading, network ? text.errors.network : text.problemLead, { reload: true });
  });
}

void start();
