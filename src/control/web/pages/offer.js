// What is said when a device comes or goes: a new one is offered, one that went has been replaced or is missed.

import { element } from './dom.js';
import { text } from './text.js';

/** The words for a device that was unplugged, and whatever took its place. */
export function unplugged({ kind, now }) {
  if (now !== null) return text.fellBack[kind](now);
  return kind === 'camera' ? text.errors.cameraLost : text.errors.microphoneLost;
}

/** One line in `place`, filled while `shown()`; `onProblem` gets what a browser throws when the device is taken. */
export class Offer {
  #place;

  constructor({ capture, place, shown, onProblem }) {
    this.#place = place;
    this.clear();
    capture.addEventListener('lost', ({ detail }) => shown() && this.#show(unplugged(detail)));
    capture.addEventListener('plugged', ({ detail }) => {
      if (!shown() || !detail.device.label) return;
      const use = element('button', { type: 'button' }, text.usePlugged);
      use.addEventListener('click', () => {
        this.clear();
        capture.use(detail).catch(onProblem);
      });
      this.#show(text.plugged[detail.kind](detail.device.label), use);
    });
  }

  clear() {
    this.#place.replaceChildren();
    this.#place.hidden = true;
  }

  #show(words, ...more) {
    this.#place.replaceChildren(element('span', {}, words), ...more);
    this.#place.hidden = false;
  }
}
