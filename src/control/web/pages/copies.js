// How many copies the own sound carries. One, which a browser makes itself, is enough as long as seldom two packets in a row are lost.

/** Two in a row of so many are heard. Fewer, and sounds would cost more where they are whole already. */
const LOSSY = 0.08;
/**
 * So many of the server's reports, one a second, must say so: a path that has just grown narrow loses as much until the
 * browser sends less, and copies would make it narrower still.
 */
const SURE = 3;
/** Reports of less after which there are no more copies than one. */
const CALM = 10;

/** Whether more copies are wanted, by what share of the own sound each report says was lost. */
export class Wish {
  #more = false;
  /** Reports in a row that speak against what is. */
  #against = 0;

  hear(lost) {
    this.#against = lost >= LOSSY === this.#more ? 0 : this.#against + 1;
    if (this.#against >= (this.#more ? CALM : SURE)) [this.#more, this.#against] = [!this.#more, 0];
    return this.#more;
  }
}

/** The pages' policy wants a word for each script that is not an element of the document. */
const trusted = (url) => globalThis.trustedTypes?.createPolicy('copier', { createScriptURL: () => url }).createScriptURL('') ?? url;

/** Makes the copies of one page's microphone, whichever connection sends it. */
export class Copies {
  #worker = null;
  #ready = false;
  #wish = new Wish();
  #more = false;
  /** When the newest report that was heard came. */
  #heard = 0;

  /** Long before a connection is made: sound does not wait for the worker, and one that does not come is done without. */
  constructor() {
    const sends = globalThis.RTCRtpSender?.getCapabilities?.('audio')?.codecs.some(({ mimeType }) => mimeType === 'audio/red');
    if (!sends || !globalThis.RTCRtpScriptTransform) return;
    this.#worker = new Worker(trusted(new URL('./copier.js', import.meta.url).href), { type: 'module' });
    this.#worker.addEventListener('message', () => (this.#ready = true));
  }

  /** From the beginning of a connection, or browsers pass nothing through. */
  follow(sender) {
    if (this.#ready) sender.transform = new RTCRtpScriptTransform(this.#worker);
  }

  /** What the statistics of the connection say of how the own sound arrives. */
  hear(stats) {
    const report = stats.find(({ type, kind }) => type === 'remote-inbound-rtp' && kind === 'audio');
    if (!report || report.timestamp === this.#heard) return;
    this.#heard = report.timestamp;
    const more = this.#wish.hear(report.fractionLost ?? 0);
    if (more !== this.#more) this.#worker?.postMessage({ more });
    this.#more = more;
  }
}
