// The step before everything: the right person, the terms read and accepted.

import { Problem, terms as askTerms } from './api.js';
import { busy, byId, say } from './dom.js';
import { text } from './text.js';

/** How long to wait after too many tries, where the server does not say. */
const TOO_MANY_S = 300;

/** The date that three fields mean: `{ date: "1985-04-27" }`, or `{ wrong, error }`. `today` is a `Date`. */
export function readBirthDate({ month, day, year }, today) {
  const number = (typed) => (/^\d{1,4}$/.test(typed) ? Number(typed) : NaN);
  const [m, d, y] = [number(month), number(day), number(year)];
  if (!(m >= 1 && m <= 12)) return { wrong: 'month', error: text.errors.month };
  if (!(d >= 1 && d <= 31)) return { wrong: 'day', error: text.errors.day };
  if (!(y >= 1000)) return { wrong: 'year', error: text.errors.year };
  const date = new Date(y, m - 1, d);
  if (date.getMonth() !== m - 1 || y < 1880) return { wrong: 'day', error: text.errors.date };
  if (date > today) return { wrong: 'year', error: text.errors.future };
  const two = (value) => String(value).padStart(2, '0');
  return { date: `${y}-${two(m)}-${two(d)}` };
}

/** What a refusal on the way in means to the person who tried. */
export function refusal(problem, { provider = false } = {}) {
  if (!(problem instanceof Problem)) throw problem;
  switch (problem.code) {
    case 'network':
      return text.errors.network;
    case 'verification_failed':
      return provider ? text.errors.verificationFailedProvider : text.errors.verificationFailed;
    case 'terms_required':
      return text.errors.termsChanged;
    case 'rejoin_closed':
      return text.errors.rejoinClosed;
    case 'visit_ended':
      return text.errors.visitEnded;
    case 'too_many_people':
      return text.errors.tooManyPeople;
    case 'no_media':
      return text.errors.noMedia;
    case 'offer_rejected':
      return text.errors.offerRejected;
    default:
      if (problem.status === 429) return text.errors.tooMany(Math.ceil((problem.retryAfter ?? TOO_MANY_S) / 60));
      if (problem.status >= 500) return text.errors.unavailable;
      return problem.detail || text.errors.unexpected;
  }
}

/** The terms as this page shows them, so that what is accepted is what could be read. */
export class Terms {
  version = null;

  /** Fetches the terms and shows them. Throws a `Problem`. */
  async load() {
    const { version, text: body } = await askTerms();
    byId('terms-text').textContent = body;
    this.version = version;
  }
}

/** The form of patients and those who come with them. */
export class VerifyForm {
  #terms;
  #token;
  #verify;

  /** `verify` takes the claim; the `Problem` that it throws is shown here. */
  constructor({ token, terms, verify }) {
    this.#token = token;
    this.#terms = terms;
    this.#verify = verify;
    for (const radio of document.querySelectorAll('input[name="who"]')) {
      radio.addEventListener('change', () => this.#showWho());
    }
    this.#showWho();
    byId('verify-form').addEventListener('submit', (event) => {
      event.preventDefault();
      const claim = this.#claim();
      if (claim) void busy(byId('verify-button'), text.verifying, () => this.#send(claim));
    });
  }

  /** The terms can be read, or did not come. Before that nobody can accept them. */
  termsSettled() {
    byId('verify-terms').disabled = false;
  }

  #who() {
    return document.querySelector('input[name="who"]:checked').value;
  }

  #showWho() {
    const other = this.#who() === 'other';
    byId('verify-other').hidden = !other;
    // A browser offers its owner's birthday; the patient's is another when someone else types.
    for (const part of ['month', 'day', 'year']) byId(`birth-${part}`).autocomplete = other ? 'off' : `bday-${part}`;
  }

  /** What the form says, or nothing: then the first mistake has the focus. */
  #claim() {
    const mistakes = [];
    const check = (field, errorPlace, error) => {
      say(byId(errorPlace), error);
      byId(field).setAttribute('aria-invalid', String(Boolean(error)));
      if (error) mistakes.push(field);
    };
    const typed = (field) => byId(field).value.trim();
    const claim = { link: this.#token, who: this.#who(), terms: this.#terms.version };
    say(byId('verify-alert'), null);

    if (claim.who === 'other') {
      claim.name = typed('other-name');
      claim.relationship = typed('other-relationship');
      check('other-name', 'other-name-error', claim.name ? null : text.errors.name);
      check('other-relationship', 'other-relationship-error', claim.relationship ? null : text.errors.relationship);
    }

    const birth = { month: typed('birth-month'), day: typed('birth-day'), year: typed('birth-year') };
    const { date, wrong, error } = readBirthDate(birth, new Date());
    for (const part of ['month', 'day', 'year']) check(`birth-${part}`, 'birth-error', null);
    if (error) check(`birth-${wrong}`, 'birth-error', error);
    claim.birth_date = date;

    check('verify-terms', 'verify-terms-error', byId('verify-terms').checked ? null : text.errors.terms);
    if (mistakes.length === 0) return claim;
    byId(mistakes[0]).focus();
    return null;
  }

  async #send(claim) {
    try {
      if (!claim.terms) return await this.#readFirst();
      await this.#verify(claim);
    } catch (problem) {
      if (problem.code === 'terms_required') await this.#readFirst();
      else say(byId('verify-alert'), refusal(problem));
    }
  }

  /** The terms changed while the page was open, or never came: what was ticked was another text. */
  async #readFirst() {
    byId('verify-terms').checked = false;
    const error = await this.#terms.load().then(() => text.errors.termsChanged, () => text.errors.termsMissing);
    say(byId('verify-alert'), error);
  }
}
