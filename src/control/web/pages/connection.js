// One seat's media: one RTCPeerConnection, one offer, one answer, for as long as it lives.
//
// Everything a visit of four can need is offered at once, so that people come, go, share and stop sharing
// without another negotiation. A path that breaks is mended by an ICE restart on the same connection; a connection
// that the server no longer has, or that is beyond repair, is replaced by a new one.

import { Problem } from './api.js';
import { pause } from './backoff.js';
import { Depths } from './depth.js';
import { iceFragment, renewedAnswer } from './fragment.js';
import { LAYERS, Layers } from './layers.js';

/** The other seats. */
const OTHERS = 3;

const SCREEN = [{ maxBitrate: 2_000_000 }];

/** A shorter break mends itself with the next checks; a longer one is a new network, which a restart finds. */
const RESTART_AFTER_MS = 2_000;
/** How long a connection may be broken before it is given up. ICE mends most breaks within five seconds. */
const PATIENCE_MS = 10_000;
/** How long a new connection may take. A slow phone needs some seconds; a dead path never comes. */
const OPENING_MS = 20_000;
/**
 * How long after an answer a view may still speak of the connection before it. Shorter, and a late event would throw
 * a good connection away; longer, and a server that lost us again would be believed too late.
 */
const SETTLE_MS = 1_500;
const TELL_AGAIN_MS = 2_000;
/**
 * How often it is looked at what arrives: often enough to act before the second loss that would be seen or heard, seldom enough
 * to cost nothing.
 */
const LOOK_EVERY_MS = 250;

/**
 * Must a page whose connection is `ours` make a new one, when the server says that `leg` carries it? The media
 * process, or the whole server, may have been started again: then nothing is left to mend, and nobody waits for ICE.
 */
export function mustReplace({ presence, leg }, { ours, connected }) {
  if (ours === null) return false;
  if (presence === 'reconnecting' && leg === null) return true;
  return leg !== ours && !connected;
}

/**
 * Events: `line` (`{ name, track }`: "seat2" or "screen" can be shown), `seated` (`{ seat, leg }`: the server has this
 * connection), `state` (`connected` or `reconnecting`), `refused` (a `Problem`: the seat is not ours any more),
 * `screenrefused` (someone else shares theirs).
 */
export class Connection extends EventTarget {
  #api;
  #capture;
  #copies;
  #peer = null;
  #senders = null;
  #layers = null;
  #screen = null;
  #seat = null;
  #leg = null;
  #answer = null;
  /** What the server said of us last. */
  #said = null;
  /** Until when an offer is on its way, or its answer so new that older news may follow. */
  #settling = null;
  #restarting = false;
  /** Whether this connection has been connected before. */
  #opened = false;
  #mending = null;
  #patience = null;
  #attempts = 0;
  #told = '';
  #telling = Promise.resolve();
  #closed = false;
  #followCapture = () => this.#sync();

  constructor(api, capture, copies) {
    super();
    this.#api = api;
    this.#capture = capture;
    this.#copies = copies;
    capture.addEventListener('change', this.#followCapture);
  }

  /** Takes the seat. Throws a `Problem` when it is refused. */
  async open() {
    const peer = this.#build();
    this.#leg = null;
    await peer.setLocalDescription(await peer.createOffer());
    const { answer, seat, leg } = await this.#api.sit(peer.localDescription.sdp);
    if (peer !== this.#peer) return;
    [this.#seat, this.#leg, this.#answer] = [seat, leg, answer];
    // Whatever was said before speaks of the connection before.
    this.#said = null;
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => this.#settled(), SETTLE_MS);
    await peer.setRemoteDescription({ type: 'answer', sdp: answer });
    this.#told = '';
    this.#tellSources();
    this.#say('seated', { seat, leg });
  }

  /** The server says how it sees us: our entry of a view. */
  follow(you) {
    this.#said = you;
    this.#layers?.want(you.layers);
    if (this.#settling === null) this.#compare();
  }

  /** The device has slept, or its network has changed: the path may be dead before ICE says so. */
  check() {
    if (['connected', 'disconnected'].includes(this.#peer?.connectionState)) void this.#restart();
  }

  /** Gives the seat back. */
  async leave() {
    const seat = this.#seat;
    this.close();
    if (seat !== null) await this.#api.leave(seat);
  }

  close() {
    this.#closed = true;
    this.#stopTimers();
    this.#capture.removeEventListener('change', this.#followCapture);
    this.#screen?.stop();
    this.#screen = null;
    this.#layers?.close();
    this.#peer?.close();
    this.#peer = null;
  }

  /** Tells the others what the person switched. The tracks themselves have changed already. */
  sourcesChanged() {
    this.#tellSources();
  }

  /** Sends this screen; `null` sends none. */
  async shareScreen(track) {
    this.#screen?.stop();
    this.#screen = track;
    // Who left while the browser still asked which screen, shares none.
    if (this.#closed) return track?.stop();
    // A connection that is just being replaced takes no track; its successor begins with it.
    await this.#senders?.screen.replaceTrack(track).catch(() => {});
    this.#tellSources();
  }

  /** How loud each seat is heard just now: name of the line → 0 to 1. */
  levels() {
    const levels = new Map();
    for (const [name, receiver] of this.#senders?.heard ?? []) {
      levels.set(name, receiver.getSynchronizationSources()[0]?.audioLevel ?? 0);
    }
    return levels;
  }

  get #connected() {
    return this.#peer?.connectionState === 'connected';
  }

  #build() {
    this.#peer?.close();
    const peer = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
    const { microphone, camera } = this.#capture;
    const send = (what, sendEncodings) => peer.addTransceiver(what, { direction: 'sendonly', sendEncodings }).sender;
    // The order is what the server counts on; a line without a track waits for one.
    this.#senders = {
      microphone: send(microphone ?? 'audio', []),
      camera: send(camera ?? 'video', LAYERS),
      screen: send(this.#screen ?? 'video', SCREEN),
      heard: new Map(),
    };
    this.#copies.follow(this.#senders.microphone);
    this.#layers?.close();
    this.#layers = new Layers(this.#senders.camera);
    for (let line = 0; line < OTHERS; line += 1) {
      peer.addTransceiver('audio', { direction: 'recvonly' });
      peer.addTransceiver('video', { direction: 'recvonly' });
    }
    peer.addTransceiver('video', { direction: 'recvonly' });

    const depths = new Depths();
    const heard = this.#senders.heard;
    peer.addEventListener('track', ({ track, streams: [stream], receiver }) => {
      if (track.kind === 'audio') heard.set(stream.id, receiver);
      depths.add(stream.id, receiver);
      this.#say('line', { name: stream.id, track });
    });
    peer.addEventListener('connectionstatechange', () => this.#stateChanged(peer));
    this.#peer = peer;
    void this.#look(peer, depths);
    this.#opened = false;
    this.#giveUpAfter(OPENING_MS);
    return peer;
  }

  /** Looks at how everything arrives, as long as this connection is ours. */
  async #look(peer, depths) {
    while (peer === this.#peer) {
      const stats = [...(await peer.getStats().catch(() => new Map())).values()];
      depths.hear(stats, performance.now());
      this.#copies.hear(stats);
      await new Promise((done) => setTimeout(done, LOOK_EVERY_MS));
    }
  }

  #stateChanged(peer) {
    if (peer !== this.#peer) return;
    clearTimeout(this.#mending);
    switch (peer.connectionState) {
      case 'connected':
        clearTimeout(this.#patience);
        this.#opened = true;
        this.#attempts = 0;
        this.#say('state', 'connected');
        break;
      case 'disconnected':
        this.#say('state', 'reconnecting');
        this.#mending = setTimeout(() => void this.#restart(), RESTART_AFTER_MS);
        this.#giveUpAfter(PATIENCE_MS);
        break;
      case 'failed':
      case 'closed':
        void this.#again();
        break;
      case 'connecting':
        this.#giveUpAfter(this.#opened ? PATIENCE_MS : OPENING_MS);
        break;
      default: // `new`: on the way.
    }
  }

  #giveUpAfter(time) {
    clearTimeout(this.#patience);
    this.#patience = setTimeout(() => void this.#again(), time);
  }

  #settled() {
    this.#settling = null;
    this.#compare();
  }

  #compare() {
    if (this.#closed || !this.#said || !mustReplace(this.#said, { ours: this.#leg, connected: this.#connected })) return;
    void this.#again();
  }

  /** New paths for the same connection, its keys and its lines: nobody else notices. */
  async #restart() {
    const peer = this.#peer;
    if (!peer || this.#leg === null || this.#restarting) return;
    this.#restarting = true;
    try {
      await peer.setLocalDescription(await peer.createOffer({ iceRestart: true }));
      const { fragment, leg } = await this.#api.restart(this.#seat, this.#leg, iceFragment(peer.localDescription.sdp));
      if (peer !== this.#peer) return;
      this.#leg = leg ?? this.#leg;
      this.#say('seated', { seat: this.#seat, leg: this.#leg });
      this.#answer = renewedAnswer(this.#answer, fragment);
      await peer.setRemoteDescription({ type: 'answer', sdp: this.#answer });
    } catch (problem) {
      if (peer !== this.#peer) return;
      // A path that works is not given up for a server that cannot be asked just now.
      const keep = problem.passing && this.#connected;
      if (keep) await peer.setLocalDescription({ type: 'rollback' }).catch(() => this.#again());
      else void this.#again();
    } finally {
      this.#restarting = false;
    }
  }

  /** A new connection in place of the old: the newest one has the seat. */
  async #again() {
    this.#stopTimers();
    this.#peer?.close();
    this.#peer = null;
    this.#leg = null;
    this.#say('state', 'reconnecting');
    const attempt = this.#attempts;
    this.#attempts += 1;
    // The first at once: nothing has been refused yet.
    if (attempt > 0) await new Promise((done) => setTimeout(done, pause(attempt - 1)));
    if (this.#closed || this.#peer) return;
    try {
      await this.open();
    } catch (problem) {
      if (this.#closed) return;
      // A full server is asked again by the page, at the pace that it says.
      if (problem instanceof Problem && problem.passing && problem.code !== 'server_full') void this.#again();
      else this.#say('refused', problem);
    }
  }

  #stopTimers() {
    for (const timer of [this.#patience, this.#mending, this.#settling]) clearTimeout(timer);
    this.#settling = null;
  }

  /** Puts the devices that are open now on their lines. */
  #sync() {
    if (!this.#senders) return;
    const { microphone, camera } = this.#capture;
    const put = (sender, track) => (sender.track === track ? null : sender.replaceTrack(track));
    void Promise.all([put(this.#senders.microphone, microphone), put(this.#senders.camera, camera)])
      // A connection that was closed meanwhile takes no track; its successor reads the devices anew.
      .catch(() => {});
    this.#tellSources();
  }

  /** One message at a time, the newest truth last. */
  #tellSources() {
    this.#telling = this.#telling.then(async () => {
      if (this.#closed || this.#leg === null) return;
      const sources = { ...this.#capture.sources(), screen: this.#screen !== null };
      const told = JSON.stringify(sources);
      if (told === this.#told) return;
      try {
        await this.#api.setSources(this.#seat, sources);
        this.#told = told;
      } catch (problem) {
        if (problem.code === 'screen_taken') this.dispatchEvent(new CustomEvent('screenrefused'));
        if (problem.passing) setTimeout(() => this.#tellSources(), TELL_AGAIN_MS);
      }
    });
  }

  #say(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
