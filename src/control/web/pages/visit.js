// The visit itself: the tiles, and the person's own switches.

import { canShareScreen, openScreen, reasonOf } from './capture.js';
import { serverNow } from './clock.js';
import { byId, face, say } from './dom.js';
import { remaining } from './early.js';
import { callSentence, openHelp } from './help.js';
import { Hints } from './hints.js';
import { Host } from './host.js';
import { Offer } from './offer.js';
import { Tiles } from './tiles.js';
import { announce } from './views.js';
import { text, timeOf } from './text.js';

/** People who have a tile: those with a seat. */
const SEATED = ['admitted', 'joined', 'reconnecting'];
const LEVELS_EVERY_MS = 250;
const CLOSING_EVERY_MS = 10_000;

export class VisitStep {
  #capture;
  #connection = null;
  #tiles = null;
  #host = null;
  #screen = null;
  #switching = false;
  #notices = { connection: null, server: null, device: null, hint: null };
  #offer;
  #hints = null;
  #closesAt = null;
  #timer = null;
  #closingTimer = null;

  constructor({ capture, onLeave }) {
    this.#capture = capture;
    byId('tiles').setAttribute('aria-label', text.people);
    byId('controls').setAttribute('aria-label', text.controls);
    face(byId('control-leave'), 'leave', text.leave);
    face(byId('control-help'), 'help', text.help);
    face(byId('control-flip'), 'flip', text.flip);
    byId('control-share').hidden = !canShareScreen();
    byId('control-microphone').addEventListener('click', () => this.#switchMicrophone());
    byId('control-camera').addEventListener('click', () => this.#switchCamera());
    byId('control-share').addEventListener('click', () => this.#switchScreen());
    byId('control-flip').addEventListener('click', () => this.#switch(() => this.#capture.flip()));
    byId('control-help').addEventListener('click', openHelp);
    byId('control-leave').addEventListener('click', onLeave);
    byId('visit-sound-on').addEventListener('click', () => this.#tiles?.play());
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
    this.#tiles = new Tiles(byId('tiles'), {
      you,
      speakerId: this.#capture.speakerId,
      onSoundBlocked: (blocked) => (byId('visit-sound').hidden = !blocked),
    });
    connection.addEventListener('line', ({ detail }) => this.#tiles?.setLine(detail.name, detail.track));
    connection.addEventListener('state', ({ detail }) => {
      this.#notice('connection', detail === 'connected' ? null : text.reconnecting);
    });
    connection.addEventListener('screenrefused', () => {
      this.#stopSharing(connection, this.#screen);
      this.#notice('device', text.errors.shareTaken);
    });
    if (you.role === 'provider') {
      this.#host ??= new Host(api);
      this.#host.begin();
    }
    this.#timer = setInterval(() => this.#tiles.setLevels(connection.levels()), LEVELS_EVERY_MS);
    this.#closingTimer = setInterval(() => this.#showClosing(), CLOSING_EVERY_MS);
    this.#hints = new Hints({ capture: this.#capture, onHint: (found) => this.#hint(found) });
    this.#showOwn();
  }

  update(view) {
    if (!this.#tiles) return;
    const others = view.participants.filter(
      (person) => person.participant !== view.you.participant && person.seat !== null && SEATED.includes(person.presence),
    );
    const { came, went } = this.#tiles.setOthers(others);
    if (came.length === 1) announce(text.joined(came[0].name));
    if (went.length === 1) announce(text.wentAway(went[0].name));
    this.#tiles.setScreen(others.find((person) => person.screen) ?? null);
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
    clearInterval(this.#closingTimer);
    this.#hints?.close();
    this.#hints = null;
    this.#closesAt = null;
    this.#showClosing();
    this.#offer.clear();
    byId('help-dialog').close();
    this.#tiles?.clear();
    this.#tiles = null;
    this.#host?.end();
    this.#connection = null;
    this.#screen = null;
    for (const kind of Object.keys(this.#notices)) this.#notice(kind, null);
    byId('visit-sound').hidden = true;
    this.#showSharing();
  }

  #showOwn() {
    if (!this.#tiles) return;
    const sources = this.#capture.sources();
    this.#tiles.setOwn(this.#capture.camera, sources, this.#capture);
    this.#tiles.setSpeaker(this.#capture.speakerId);
    void this.#capture.canFlip().then((can) => (byId('control-flip').hidden = !can));
    const { microphone, camera } = sources;
    face(byId('control-microphone'), microphone ? 'microphone' : 'microphone-off', microphone ? text.mute : text.unmute);
    face(byId('control-camera'), camera ? 'camera' : 'camera-off', camera ? text.cameraOff : text.cameraOn);
    byId('control-microphone').classList.toggle('off', !microphone);
    byId('control-camera').classList.toggle('off', !camera);
    this.#showSharing();
  }

  #showSharing() {
    const sharing = this.#screen !== null;
    face(byId('control-share'), sharing ? 'share-stop' : 'share', sharing ? text.stopSharing : text.share);
    say(byId('visit-sharing'), sharing ? text.sharing : null);
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

  async #switchScreen() {
    const connection = this.#connection;
    this.#notice('device', null);
    try {
      const track = this.#screen ? null : await openScreen();
      // The browser has a button of its own to stop sharing.
      track?.addEventListener('ended', () => this.#stopSharing(connection, track));
      this.#screen = track;
      await connection.shareScreen(track);
    } catch (error) {
      // A person who closes the browser's question has changed their mind; nothing is wrong.
      if (error.name !== 'NotAllowedError') this.#notice('device', text.errors.share);
    }
    this.#showSharing();
  }

  #stopSharing(connection, track) {
    if (this.#screen !== track) return;
    this.#screen = null;
    void connection.shareScreen(null);
    this.#showSharing();
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

  /** One line, the gravest first. */
  #notice(kind, message) {
    this.#notices[kind] = message;
    const { server, connection, device, hint } = this.#notices;
    say(byId('visit-notice'), server ?? connection ?? device ?? hint);
  }
}
