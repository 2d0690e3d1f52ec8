// The parts of the pages that need no browser.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';

const PAGES = new URL('../../src/control/web/pages/', import.meta.url);
const page = (name) => import(new URL(name, PAGES));

const { text } = await page('text.js');
const { Problem } = await page('api.js');
const { readBirthDate, refusal } = await page('verify.js');
const { loudness } = await page('meter.js');
const { initials } = await page('tiles.js');
const { waitedFor } = await page('host.js');
const { reasonOf } = await page('capture.js');

const source = (name) => readFileSync(new URL(name, PAGES), 'utf8');
const sources = readdirSync(PAGES).filter((name) => /\.(js|html)$/.test(name)).map(source).join('\n');

/** All that `pattern` captures in the pages. */
const named = (pattern) => new Set([...sources.matchAll(pattern)].map(([, name]) => name));

test('every word that a page names exists, and every word is named', () => {
  const used = new Set([...named(/(?<!\w)text\.(\w+)/g), ...named(/data-text="(\w+)"/g)]);
  used.delete('js');
  assert.deepEqual([...used].filter((name) => !(name in text)), [], 'missing');
  assert.deepEqual(Object.keys(text).filter((name) => !used.has(name)), [], 'never said');
  const errors = named(/text\.errors\.(\w+)/g);
  assert.deepEqual([...errors].filter((name) => !(name in text.errors)), [], 'missing');
});

test('every element that a module asks for is in the document', () => {
  const html = source('visit.html');
  const missing = [...named(/byId\('([\w-]+)'\)/g)].filter((id) => !html.includes(`id="${id}"`));
  assert.deepEqual(missing, []);
});

test('every icon that a module names is on the sheet', () => {
  const icons = source('icons.svg');
  const missing = [...named(/(?:icon\(|face\([^,]+, )'([\w-]+)'/g)].filter((name) => !icons.includes(`id="${name}"`));
  assert.deepEqual(missing, []);
});

test('three fields become a date, or say which of them is wrong', () => {
  const today = new Date(2026, 5, 15);
  for (const [month, day, year, expected] of [
    ['4', '27', '1985', '1985-04-27'],
    ['04', '07', '1985', '1985-04-07'],
    ['2', '29', '2024', '2024-02-29'],
    ['6', '15', '2026', '2026-06-15'],
    ['2', '29', '2023', 'day'],
    ['4', '31', '1985', 'day'],
    ['13', '1', '1985', 'month'],
    ['0', '1', '1985', 'month'],
    ['', '1', '1985', 'month'],
    ['April', '1', '1985', 'month'],
    ['4', '', '1985', 'day'],
    ['4', '32', '1985', 'day'],
    ['4', '1e1', '1985', 'day'],
    ['4', '27', '85', 'year'],
    ['4', '27', '0085', 'year'],
    ['4', '27', '19850', 'year'],
    ['6', '16', '2026', 'year'],
  ]) {
    const { date, wrong } = readBirthDate({ month, day, year }, today);
    assert.equal(date ?? wrong, expected, `${month}/${day}/${year}`);
  }
});

test('a refusal says what to do, and an error of our own is not dressed up as one', () => {
  const said = (status, body) => refusal(new Problem(status, body));
  assert.equal(said(403, { code: 'verification_failed' }), text.errors.verificationFailed);
  assert.equal(said(0, { code: 'network' }), text.errors.network);
  assert.equal(said(429, { code: 'too_many_tries' }), text.errors.tooMany(5));
  assert.equal(refusal(new Problem(429, { code: 'too_many_tries' }, '61')), text.errors.tooMany(2));
  assert.equal(said(500, {}), text.errors.unavailable);
  assert.equal(said(409, { code: 'rejoin_closed' }), text.errors.rejoinClosed);
  assert.equal(said(409, { code: 'other', detail: 'In words.' }), 'In words.');
  assert.throws(() => refusal(new RangeError('ours')), RangeError);
});

test('what a browser throws becomes a reason that has words', () => {
  for (const name of ['NotAllowedError', 'NotFoundError', 'NotReadableError', 'AbortError', 'OverconstrainedError', 'TypeError', 'Other']) {
    assert.ok(text.errors[reasonOf({ name })], name);
  }
});

test('loudness is nothing in silence, one at the top, and grows between', () => {
  const tone = (amplitude) => Float32Array.from({ length: 480 }, (_, at) => amplitude * Math.sin(at / 7));
  assert.equal(loudness(tone(0)), 0);
  assert.equal(loudness(tone(1)), 1);
  const levels = [0.003, 0.01, 0.03, 0.1].map((amplitude) => loudness(tone(amplitude)));
  assert.deepEqual(levels, levels.toSorted((a, b) => a - b));
});

test('initials come from any script and any number of names', () => {
  for (const [name, expected] of [
    ['Ana Lopes', 'AL'],
    ['  ana   maria  lopes ', 'AL'],
    ['Cher', 'C'],
    ['יוסף בן־דוד', 'יב'],
    ['😀 Smile', '😀S'],
    ['', ''],
  ]) {
    assert.equal(initials(name), expected, name);
  }
});

test('a wait is told in whole minutes', () => {
  const now = Date.parse('2026-06-15T10:00:00Z');
  assert.equal(waitedFor('2026-06-15T09:59:30Z', now), text.justNow);
  assert.equal(waitedFor('2026-06-15T09:57:01Z', now), text.waitingMinutes(2));
  assert.equal(waitedFor('2026-06-15T10:00:05Z', now), text.justNow, 'clocks differ');
});
