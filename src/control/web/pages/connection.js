// One seat's media: one RTCPeerConnection, one offer, one answer, for as long as it lives.
//
// Everything a visit of four can need is offered at once, so that people come, go, share and stop sharing
// without another negotiation. When a connection is beyond repair, a new one takes its place.

import { Problem } from './api.js';

/** The other seats. */
const OTHERS = 3;

/** Smallest first: the order in which browsers give up layers when they run short, last to first. */
const LAYERS = [
  { rid: 'q', scaleResolutionDownBy: 4, maxBitrate: 150_000 },
  { rid: 'h', scaleResolutionDownBy: 2, maxBitrate: 500_000 },
  { rid: 'f', scaleResolutionDownBy: 1, maxBitrate: 1_500_000 },
];
const SCREEN = [{ maxBitrate: 2_000_000 }];

/** How long a connection may be broken before it is given up. ICE mends most breaks within five seconds. */
const PATIENCE_MS = 10_000;
/** How long a new connection may take. A slow phone needs some seconds; a dead path never comes. */
const OPENING_MS = 20_000;
const RETRY_MS = [0, 1_000, 2_000, 4_000, 8_000];
const TELL_AGAIN_MS = 2_000;

/**
 * Events: `line` (`{ name, track }`: "seat2" or "screen" can be shown), `state` (`connected` or
 * `reconnecting`), `refused` (a `Problem`: the seat is not ours any more), `screenrefused` (someone else
 * shares theirs).
 */
export class Connection extends EventTarget {
  #api;
  #capture;
  #peer = null;
  #senders = null;
  #screen = null;
  #seat = null;
  #patience = null;
  #attempts = 0;
  #told = '';
  #telling = Promise.resolve();
  #closed = false;
  #followCapture = () => this.#sync();

  constructor(api, capture) {
    super();
    this.#api = api;
    this.#capture = capture;
    capture.addEventListener('change', this.#followCapture);
  }

  /** Takes the seat. Throws a `Problem` when it is refused. */
  async open() {
    const peer = this.#build();
    await peer.setLocalDescription(await peer.createOffer());
    const { answer, seat } = await this.#api.sit(peer.localDescription.sdp);
    if (peer !== this.#peer) return;
    this.#seat = seat;
    await peer.setRemoteDescription({ type: 'answer', sdp: answer });
    this.#told = '';
    this.#tellSources();
  }

  /** Gives the seat back. */
  async leave() {
    const seat = this.#seat;
    this.close();
    if (seat !== null) await this.#api.leave(seat);
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#patience);
    this.#capture.removeEventListener('change', this.#followCapture);
    this.#screen?.stop();
    this.#screen = null;
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
    await this.#senders?.screen.replaceTrack(track);
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
    for (let line = 0; line < OTHERS; line += 1) {
      peer.addTransceiver('audio', { direction: 'recvonly' });
      peer.addTransceiver('video', { direction: 'recvonly' });
    }
    peer.addTransceiver('video', { direction: 'recvonly' });

    const heard = this.#senders.heard;
    peer.addEventListener('track', ({ track, streams: [stream], receiver }) => {
      if (track.kind === 'audio') heard.set(stream.id, receiver);
      this.#say('line', { name: stream.id, track });
    });
    peer.addEventListener('connectionstatechange', () => this.#stateChanged(peer));
    this.#peer = peer;
    this.#giveUpAfter(OPENING_MS);
    return peer;
  }

  #stateChanged(peer) {
    if (peer !== this.#peer) return;
    switch (peer.connectionState) {
      case 'connected':
        clearTimeout(this.#patience);
        this.#attempts = 0;
        this.#say('state', 'connected');
        break;
      case 'disconnected':
        this.#say('state', 'reconnecting');
        this.#giveUpAfter(PATIENCE_MS);
        break;
      case 'failed':
      case 'closed':
        void this.#again();
        break;
      default: // `new` and `connecting`: on the way.
    }
  }

  #giveUpAfter(time) {
    clearTimeout(this.#patience);
    this.#patience = setTimeout(() => void this.#again(), time);
  }

  /** A new connection in place of the old: the newest one has the seat. */
  async #again() {
    clearTimeout(this.#patience);
    this.#peer?.close();
    this.#peer = null;
    this.#say('state', 'reconnecting');
    const wait = RETRY_MS[Math.min(this.#attempts, RETRY_MS.length - 1)];
    this.#attempts += 1;
    await new Promise((done) => setTimeout(done, wait));
    if (this.#closed || this.#peer) return;
    try {
      await this.open();
    } catch (problem) {
      if (this.#closed) return;
      const passing = problem instanceof Problem && (problem.status === 0 || problem.status >= 500);
      if (passing) void this.#again();
      else this.#say('refused', problem);
    }
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
      if (this.#closed || this.#seat === null) return;
      const sources = { ...this.#capture.sources(), screen: this.#screen !== null };
      const told = JSON.stringify(sources);
      if (told === this.#told) return;
      try {
        await this.#api.setSources(this.#seat, sources);
        this.#told = told;
      } catch (problem) {
        if (problem.code === 'screen_taken') this.dispatchEvent(new CustomEvent('screenrefused'));
        if (problem.code === 'network') setTimeout(() => this.#tellSources(), TELL_AGAIN_MS);
      }
    });
  }

  #say(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
