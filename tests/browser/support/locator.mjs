// Elements by what people know of them, for a page that Playwright does not drive. The words are Playwright's, so that
// `people.mjs` and the tests need not know which browser they talk to; only what they use is here.

import { until } from './until.mjs';

/** Elements that a page has now, or will have: each look begins at the document again. */
export class Locator {
  #page;
  #steps;

  constructor(page, steps = []) {
    this.#page = page;
    this.#steps = steps;
  }

  getByRole = (role, { name = null, exact = false } = {}) => this.#then({ role, words: name && words(name, exact) });

  getByText = (text, { exact = false } = {}) => this.#then({ text: words(text, exact) });

  getByLabel = (text, { exact = false } = {}) => this.#then({ label: words(text, exact) });

  locator = (css) => this.#then({ css });

  filter = ({ has = null, hasText = null }) => this.#then({ has: has && has.#steps, hasText: hasText && words(hasText, false) });

  and = (other) => this.#then({ and: other.#steps });

  count = () => this.#look('count');

  getAttribute = (name) => this.#one('attribute', name);

  /** Until there is one that is seen, or none at all. */
  waitFor = ({ state = 'visible' } = {}) => until(`${this}: ${state}`, () => this.#look(state));

  /** Presses it with a pointer, wherever it is by then: only that is a person's own act to a browser. */
  async click() {
    await until(`${this}: click`, async () => {
      const element = await this.#page.element(inPage, { steps: this.#steps, what: 'pressable' });
      return element !== null && this.#page.press(element);
    });
  }

  async check() {
    if (!(await this.#one('checked')).checked) await this.click();
    await until(`${this}: checked`, async () => (await this.#one('checked')).checked);
  }

  fill = (value) => this.#one('fill', value);

  toString() {
    return JSON.stringify(this.#steps);
  }

  #then(step) {
    return new Locator(this.#page, [...this.#steps, step]);
  }

  #look(what, argument = null) {
    return this.#page.evaluate(inPage, { steps: this.#steps, what, argument });
  }

  /** What the only one says, as soon as there is one that can. */
  #one(what, argument) {
    return until(`${this}: ${what}`, () => this.#look(what, argument));
  }
}

/** A text as it can be told to a page. */
function words(text, exact) {
  return text instanceof RegExp ? { source: text.source, flags: text.flags } : { text, exact };
}

/** Runs in the page. Names and roles are told only as far as our pages go: native elements, `role`, `aria-label`, labels and legends. */
async function inPage({ steps, what, argument }) {
  const ROLES = {
    button: 'button, [role=button]',
    checkbox: 'input[type=checkbox]',
    dialog: 'dialog, [role=dialog]',
    group: 'fieldset, [role=group]',
    heading: 'h1, h2, h3',
    listitem: 'li',
    radio: 'input[type=radio]',
  };
  const plain = (text) => text.replace(/\s+/g, ' ').trim();
  const textOf = (element) => plain(element.textContent);
  const nameOf = (element) =>
    plain(element.getAttribute('aria-label') ?? (element.labels?.[0] ?? element.querySelector(':scope > legend') ?? element).textContent);
  const fits = (text, { source, flags, text: wanted, exact }) => {
    if (source !== undefined) return new RegExp(source, flags).test(text);
    return exact ? text === wanted : text.toLowerCase().includes(wanted.toLowerCase());
  };
  const seen = (element) => element.checkVisibility({ visibilityProperty: true }) && element.getClientRects().length > 0;
  const within = (places, css) => [...new Set(places.flatMap((place) => [...place.querySelectorAll(css)]))];

  const take = (places, step) => {
    if (step.css) return within(places, step.css);
    if (step.role) return within(places, ROLES[step.role]).filter((one) => seen(one) && (!step.words || fits(nameOf(one), step.words)));
    if (step.label) return within(places, 'input, select, textarea').filter((one) => fits(nameOf(one), step.label));
    if (step.and) return places.filter((one) => all(step.and, [document]).includes(one));
    if (step.text) {
      const saying = within(places, 'body *').filter((one) => fits(textOf(one), step.text));
      return saying.filter((one) => !saying.some((other) => other !== one && one.contains(other)));
    }
    return places.filter(
      (one) => (!step.has || all(step.has, [one]).length > 0) && (!step.hasText || fits(textOf(one), step.hasText)),
    );
  };
  const all = (among, places) => among.reduce(take, places);

  const found = all(steps, [document]);
  if (what === 'count') return found.length;
  if (what === 'detached') return found.length === 0;
  if (what === 'visible') return found.some(seen);

  const [one] = found;
  if (found.length !== 1) return null;
  if (what === 'attribute') return one.getAttribute(argument);
  if (what === 'checked') return { checked: one.checked };
  if (!seen(one) || one.disabled || one.getAttribute('aria-disabled') === 'true') return null;
  if (what === 'fill') {
    one.focus();
    one.value = argument;
    one.dispatchEvent(new InputEvent('input', { bubbles: true }));
    one.dispatchEvent(new Event('change', { bubbles: true }));
    return true;
  }

  // When it has come to rest and nothing lies over it.
  one.scrollIntoView({ block: 'nearest', behavior: 'instant' });
  const middle = () => {
    const { x, y, width, height } = one.getBoundingClientRect();
    return [x + width / 2, y + height / 2];
  };
  const before = middle();
  await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
  const now = middle();
  const hit = document.elementFromPoint(...now);
  const its = one.contains(hit) || hit?.closest('label')?.control === one;
  return its && String(now) === String(before) ? one : null;
}
