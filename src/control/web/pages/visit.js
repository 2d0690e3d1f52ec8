// The visit itself: the tiles, and the person's own switches.

import { reasonOf } from './capture.js';
import { serverNow } from './clock.js';
import { byId, face, say } from './dom.js';
import { remaining } from './early.js';
import { callSentence, openHelp } from './help.js';
import { Hints } from './hints.js';
import { Host } from './host.js';
import { Layout } from './layout.js';
import { Offer } from './offer.js';
import { Quality } from './quality.js';
import { Sharing } from './sharing.js';
import { Sight } from './sight.js';
import { Tiles } from './tiles.js';
import { announce } from './views.js';
import { Watching } from './watching.js';
import { text, timeOf } from './text.js';

/** People who have a tile: those with a seat. */
const SEATED = ['admitted', 'joined', 'reconnecting'];
const LEVELS_EVERY_MS = 250;
const LOOK_EVERY_MS = 10_000;

export class VisitStep {
  #capture;
  #layout = new Layout();
  #sharing = new Sharing({ onProblem: (words) => this.#notice('device', words) });
  #connection = null;
  #tiles = null;
  #sight = null;
  #watching = null;
  #quality = null;
  #host = null;
  #switching = false;
  #notices = { connection: null, server: null, device: null, hint: null };
  #offer;
  #hints = null;
  #closesAt = null;
  /** How the server measures the own connection. */
  #measured = null;
  /** Whether the person has read the advice for it. */
  /** Whether the advice has been read out since it is due, and whether it was closed. */
  #adviceTold = false;
  #adviceClosed = false;
  #timer = null;
  #lookTimer = null;

  constructor({ capture, onLeave }) {
    this.#capture = capture;
    byId('tiles').setAttribute('aria-label', text.people);
    byId('controls').setAttribute('aria-label', text.controls);
    face(byId('control-leave'), 'leave', text.leave);
    face(byId('control-help'), 'help', text.help);
    face(byId('control-flip'), 'flip', text.flip);
    byId('control-microphone').addEventListener('click', () => this.#switchMicrophone());
    byId('control-camera').addEventListener('click', () => this.#switchCamera());
    byId('control-flip').addEventListener('click', () => this.#switch(() => this.#capture.flip()));
    byId('control-help').addEventListener('click', openHelp);
    byId('control-leave').addEventListener('click', onLeave);
    byId('visit-sound-on').addEventListener('click', () => this.#tiles?.play());
    byId('quality-reload').addEventListener('click', () => location.reload());
    byId('quality-close').addEventListener('click', () => {
      this.#adviceClosed = true;
      this.#showQuality();
    });
    capture.addEventListener('change', () => this.#showOwn());
    this.#offer = new Offer({
      capture,
      place: byId('visit-offer'),
      shown: () => this.#tiles !== null,
      onProblem: (error) => this.#notice('device', text.errors[reasonOf(error)]),
    });
  }

  /** Begins with a connection that is being opened; `you` is the person of this page. */
  begin(connection, you, api) {
    this.#connection = connection;
    this.#quality = new Quality();
    this.#sight = new Sight(() => this.#watching?.changed());
    this.#watching = new Watching({
      look: () => this.#sight.look(),
      tell: (seat, message) => api.watch(seat, message),
    });
    this.#tiles = new Tiles(byId('tiles'), {
      you,
      layout: this.#layout,
      speakerId: this.#capture.speakerId,
      onSoundBlocked: (blocked) => (byId('visit-sound').hidden = !blocked),
      onShown: (shown) => {
        this.#sight.follow(shown);
        byId('visit-alone').hidden = shown.pictures.length > 0 || !this.#layout.hidesYou;
      },
    });
    connection.addEventListener('line', ({ detail }) => this.#tiles?.setLine(detail.name, detail.track));
    connection.addEventListener('seated', ({ detail }) => this.#watching?.seated(detail));
    connection.addEventListener('state', ({ detail }) => {
      this.#notice('connection', detail === 'connected' ? null : text.reconnecting);
    });
    this.#sharing.begin(connection);
    if (you.role === 'provider') {
      this.#host ??= new Host(api);
      this.#host.begin();
    }
    this.#timer = setInterval(() => this.#tiles.setLevels(connection.levels()), LEVELS_EVERY_MS);
    this.#lookTimer = setInterval(() => {
      this.#showClosing();
      this.#showQuality();
    }, LOOK_EVERY_MS);
    this.#hints = new Hints({ capture: this.#capture, onHint: (found) => this.#hint(found) });
    this.#showOwn();
  }

  update(view) {
    if (!this.#tiles) return;
    const { you, speaker = null } = view;
    const others = view.participants
      .filter((person) => person.participant !== you.participant && person.seat !== null && SEATED.includes(person.presence))
      .map((person) => ({ ...person, paused: you.paused?.includes(person.participant) ?? false }));
    const { came, went } = this.#tiles.setOthers(others);
    if (came.length === 1) announce(text.joined(came[0].name));
    if (went.length === 1) announce(text.wentAway(went[0].name));
    const sharer = others.find((person) => person.screen) ?? null;
    this.#tiles.setScreen(sharer);
    this.#tiles.setTalking(speaker, { isYou: speaker === you.participant });
    this.#sharing.setOther(sharer);
    this.#measured = you.connection ?? null;
    const news = this.#quality.hear(you, others, performance.now());
    if (news) announce(news);
    this.#showOwnTile();
    this.#showQuality();
    this.#host?.update(view);
    this.#closesAt = view.closing ? view.closes_at : null;
    this.#showClosing();
  }

  /** The server's events stay away, or are back. */
  setAway(away) {
    this.#notice('server', away ? text.offline : null);
  }

  end() {
    clearInterval(this.#timer);
    clearInterval(this.#lookTimer);
    this.#hints?.close();
    this.#hints = null;
    this.#closesAt = null;
    this.#showClosing();
    this.#offer.clear();
    byId('help-dialog').close();
    this.#layout.close();
    this.#watching?.close();
    this.#watching = null;
    this.#sight?.close();
    this.#sight = null;
    this.#tiles?.clear();
    this.#tiles = null;
    this.#host?.end();
    this.#connection = null;
    this.#sharing.end();
    this.#quality = null;
    this.#measured = null;
    for (const kind of Object.keys(this.#notices)) this.#notice(kind, null);
    byId('visit-sound').hidden = true;
  }

  #showOwn() {
    if (!this.#tiles) return;
    const { microphone, camera } = this.#showOwnTile();
    this.#tiles.setSpeaker(this.#capture.speakerId);
    void this.#capture.canFlip().then((can) => (byId('control-flip').hidden = !can));
    face(byId('control-microphone'), microphone ? 'microphone' : 'microphone-off', microphone ? text.mute : text.unmute);
    face(byId('control-camera'), camera ? 'camera' : 'camera-off', camera ? text.cameraOff : text.cameraOn);
    byId('control-microphone').classList.toggle('off', !microphone);
    byId('control-camera').classList.toggle('off', !camera);
  }

  #showOwnTile() {
    const sources = this.#capture.sources();
    this.#tiles.setOwn(this.#capture.camera, sources, { facesAway: this.#capture.facesAway, connection: this.#measured });
    return sources;
  }

  async #switchMicrophone() {
    await this.#switch(async () => this.#capture.setMicrophone(!this.#capture.sources().microphone));
  }

  async #switchCamera() {
    await this.#switch(async () => this.#capture.setCamera(!this.#capture.sources().camera));
  }

  /** One change at a time: a second press while a device opens would undo what is not yet done. */
  async #switch(change) {
    if (this.#switching) return;
    this.#switching = true;
    this.#notice('device', null);
    try {
      await change();
    } catch (error) {
      this.#notice('device', text.errors[reasonOf(error)]);
    }
    this.#switching = false;
    this.#connection?.sourcesChanged();
    this.#showOwn();
  }

  #showClosing() {
    const closing = this.#closesAt && text.closing(timeOf(this.#closesAt), remaining(Date.parse(this.#closesAt) - serverNow()));
    const place = byId('visit-closing');
    // The same words again would be read out again.
    if (place.textContent !== (closing ?? '')) say(place, closing);
  }

  #hint(found) {
    const words = found && [text.hints[found.hint], found.equipment && text.equipment(callSentence())].filter(Boolean).join(' ');
    this.#notice('hint', words);
  }

  /** Advice for the own connection, until it is read or not needed: a graver word stands alone. */
  #showQuality() {
    const due = this.#quality?.advises(performance.now()) ?? false;
    if (!due) this.#adviceTold = this.#adviceClosed = false;
    const { server, connection } = this.#notices;
    const hidden = !due || this.#adviceClosed || Boolean(server ?? connection);
    if (!hidden && !this.#adviceTold) {
      this.#adviceTold = true;
      announce(text.qualityAdvice);
    }
    byId('visit-quality').hidden = hidden;
  }

  /** One line, the gravest first. */
  #notice(kind, message) {
    this.#notices[kind] = message;
    const { server, connection, device, hint } = this.#notices;
    const words = server ?? connection ?? device ?? hint;
    // The same words again would be read out again.
    if (byId('visit-notice').textContent !== (words ?? '')) say(byId('visit-notice'), words);
    this.#showQuality();
  }
}
