// The parts of the pages that need no browser.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { mock, test } from 'node:test';

const PAGES = new URL('../../src/control/web/pages/', import.meta.url);
const page = (name) => import(new URL(name, PAGES));

const { opening, text } = await page('text.js');
const { Problem } = await page('api.js');
const { readBirthDate, refusal } = await page('verify.js');
const { loudness } = await page('meter.js');
const { initials } = await page('tile.js');
const { devicesInWords, waitedFor } = await page('host.js');
const { newlyPlugged, reasonOf } = await page('capture.js');
const { pause } = await page('backoff.js');
const { hearTime, serverNow } = await page('clock.js');
const { mustReplace } = await page('connection.js');
const { Wish } = await page('copies.js');
const { Depth, arrived } = await page('depth.js');
const { iceFragment, renewedAnswer } = await page('fragment.js');
const { lesser, stepsAfter } = await page('devices.js');
const { remaining } = await page('early.js');
const { telephone } = await page('help.js');
const { Patience, brightest, wrongNow } = await page('hints.js');
const { unplugged } = await page('offer.js');
const { Sounds } = await page('red.js');
const { Stream } = await page('stream.js');
const { advise, missing, wayBack } = await page('support.js');

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

test('the first try again comes within a quarter of a second, later ones within two, and not all at once', () => {
  for (const random of [0, 0.5, 1]) {
    const pauses = [0, 1, 2, 3, 4, 9].map((attempt) => pause(attempt, random));
    assert.ok(pauses[0] <= 250 && pauses.at(-1) <= 2_000, pauses.join());
    assert.deepEqual(pauses, pauses.toSorted((a, b) => a - b));
  }
  assert.notEqual(pause(4, 0), pause(4, 1));
});

test('the server’s clock is kept as a difference, so that sleep does not stop it', () => {
  hearTime('2026-06-15T10:00:00Z', Date.parse('2026-06-15T09:00:00Z'));
  assert.equal(serverNow(Date.parse('2026-06-15T09:30:00Z')), Date.parse('2026-06-15T10:30:00Z'));
  hearTime('no time at all', 0);
  assert.equal(serverNow(Date.parse('2026-06-15T09:30:00Z')), Date.parse('2026-06-15T10:30:00Z'));
  hearTime('2026-06-15T09:00:00Z', Date.parse('2026-06-15T09:00:00Z'));
});

test('what remains is told in seconds, minutes, hours and days', () => {
  const minute = 60_000;
  for (const [ms, expected] of [
    [-5, text.inSeconds(0)],
    [1, text.inSeconds(1)],
    [59_001, text.inSeconds(60)],
    [minute, text.inMinutes(1)],
    [minute + 1, text.inMinutes(2)],
    [59 * minute, text.inMinutes(59)],
    [125 * minute, text.inHours(2, 5)],
    [25 * 60 * minute, text.inDays(1)],
  ]) {
    assert.equal(remaining(ms), expected, `${ms} ms`);
  }
});

test('the day of an opening is said only where it is not today', () => {
  const opens = '2026-06-15T12:30:00Z';
  const time = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' }).format(new Date(opens));
  assert.equal(opening(opens, Date.parse('2026-06-15T12:00:00Z')), text.opensToday(time));
  const said = opening(opens, Date.parse('2026-06-12T12:00:00Z'));
  assert.ok(said.includes(time) && /15/.test(said), said);
});

test('a connection is replaced when the server has none of ours, or another while ours is broken', () => {
  for (const [presence, leg, ours, connected, replace] of [
    ['joined', 'a', 'a', true, false],
    ['joined', 'a', 'a', false, false],
    ['reconnecting', 'a', 'a', false, false],
    ['reconnecting', null, 'a', true, true],
    ['reconnecting', null, 'a', false, true],
    ['reconnecting', 'b', 'a', true, false],
    ['reconnecting', 'b', 'a', false, true],
    ['reconnecting', null, null, false, false],
    ['admitted', 'a', 'a', false, false],
  ]) {
    assert.equal(mustReplace({ presence, leg }, { ours, connected }), replace, `${presence} ${leg} ${ours} ${connected}`);
  }
});

/** What a depth says after looks four times a second: `[seconds, what each of them sees]` one after the other. */
function depths(...times) {
  const depth = new Depth();
  let now = 0;
  return times.map(([seconds, seen]) => {
    let last = 0;
    for (let look = 0; look < seconds * 4; look += 1, now += 250) last = depth.look({ packets: 25, missing: 0, stood: false, ...seen }, now);
    return last;
  });
}

test('sound and pictures wait only where packets are missing: longer where it is many, and where the picture stands', () => {
  const fair = { packets: 24, missing: 1 };
  const bad = { packets: 20, missing: 5 };
  for (const [what, times, expected] of [
    ['a good path', [[60, {}]], [0]],
    ['one that stands for something else', [[5, {}], [0.25, { stood: true }], [5, {}]], [0, 0, 0]],
    ['a burst', [[5, {}], [0.25, { missing: 9 }], [5, {}]], [0, 0, 0]],
    ['one packet in two hundred', [[60, { packets: 200, missing: 1 }]], [0]],
    ['a fair path, at once and step by step', [[0.25, fair], [0.25, fair], [0.25, fair], [0.25, fair], [60, fair]], [0, 100, 200, 250, 250]],
    ['a bad one', [[0.5, bad], [60, bad]], [100, 500]],
    ['many missing for two seconds', [[3, fair], [2, bad], [10, fair]], [250, 250, 250]],
    ['it stands', [[1, fair], [0.25, { ...fair, stood: true }], [0.25, { ...fair, stood: true }], [20, fair], [2.25, fair]], [250, 350, 450, 425, 250]],
    ['it stands for long', [[2, bad], [60, { ...bad, stood: true }]], [500, 500]],
    ['good again', [[10, fair], [20, {}], [2, {}], [10, {}]], [250, 250, 175, 0]],
    ['and bad again meanwhile', [[10, fair], [23, {}], [0.75, fair]], [250, 75, 250]],
  ]) {
    assert.deepEqual(depths(...times), expected, what);
  }
});

test('of all that arrives the tracks of one person are counted', () => {
  const stats = [
    { type: 'inbound-rtp', trackIdentifier: 'sound', packetsReceived: 100, packetsLost: 3 },
    { type: 'inbound-rtp', trackIdentifier: 'picture', packetsReceived: 200, packetsLost: 1, nackCount: 7, freezeCount: 2 },
    { type: 'inbound-rtp', trackIdentifier: 'another', packetsReceived: 900, packetsLost: 9 },
    { type: 'outbound-rtp', packetsSent: 5 },
  ];
  assert.deepEqual(arrived(stats, new Set(['sound', 'picture'])), { packets: 300, missing: 10, stood: 2 });
});

/** What browsers send: one copy, `before` ticks ago, and the sound itself. */
const red = (copy, sound, before = 960) =>
  Uint8Array.from([0x80 | 111, before >> 6, ((before & 63) << 2) | (copy.length >> 8), copy.length & 255, 111, ...copy, ...sound]);

/** A payload in words: `offset:copy` of each copy, and the sound. */
function carried(payload) {
  const heads = [];
  let at = 0;
  for (; payload[at] & 0x80; at += 4) {
    const [, high, middle, low] = payload.subarray(at);
    heads.push([(high << 6) | (middle >> 2), ((middle & 3) << 8) | low]);
  }
  at += 1;
  const copies = heads.map(([offset, length]) => `${offset}:${payload.subarray(at, (at += length)).join()}`);
  return [...copies, payload.subarray(at).join()];
}

test('sound goes with as many copies as are wanted, all of what went just before', () => {
  const sounds = new Sounds();
  const said = (payload, timestamp, more) => carried(sounds.next(payload, timestamp, more));
  const first = red([9], [1, 1]);
  assert.equal(sounds.next(first, 2 ** 32 - 960, false), first, 'what the browser says itself');
  assert.deepEqual(said(red([1, 1], [2]), 0, true), ['960:1,1', '2'], 'across the wrap');
  assert.deepEqual(said(red([2], [3]), 960, true), ['1920:1,1', '960:2', '3']);
  assert.deepEqual(said(red([3], [4]), 1_920, true), ['2880:1,1', '1920:2', '960:3', '4']);
  assert.deepEqual(said(red([4], [5]), 2_880, true), ['2880:2', '1920:3', '960:4', '5']);
  assert.deepEqual(said(red([5], [6]), 30_000, true), ['6'], 'after a silence');
  assert.deepEqual(said(red([6], [7]), 30_960, false), ['960:6', '7']);
  const [long, longer] = [new Uint8Array(400).fill(1), new Uint8Array(1_023).fill(2)];
  assert.deepEqual(said(red([7], long), 31_920, true), ['1920:6', '960:7', long.join()]);
  assert.deepEqual(said(red(long, longer), 32_880, true), [longer.join()], 'with what fits');
  assert.deepEqual(said(red([8], [9]), 33_840, true), ['9'], 'and none behind one that does not');
  const torn = Uint8Array.from([0x80 | 111, 15, 0, 200, 111, 1]);
  assert.equal(sounds.next(torn, 34_800, true), torn, 'what is no such thing stays what it is');
  const empty = new Uint8Array();
  assert.equal(sounds.next(empty, 34_800, true), empty);
});

test('more copies are wanted when three reports say that much is lost, until ten say that it is not', () => {
  const wish = new Wish();
  const heard = (times, lost) => Array.from({ length: times }, () => wish.hear(lost)).findLastIndex((more, at, all) => at > 0 && more !== all[at - 1]);
  assert.equal(heard(20, 0.05), -1);
  assert.equal(heard(2, 0.5), -1, 'a path that has grown narrow');
  assert.equal(heard(1, 0), -1);
  assert.equal(heard(5, 0.2), 2);
  assert.equal(heard(9, 0.02), -1);
  assert.equal(heard(1, 0.2), -1);
  assert.equal(heard(12, 0.02), 9);
});

test('a restart tells the first credentials of an offer, and rebuilds the whole answer with the new ones', () => {
  const offer = 'v=0\r\nm=audio 9\r\na=ice-ufrag:new\r\na=ice-pwd:secret\r\nm=video 9\r\na=ice-ufrag:new\r\na=ice-pwd:secret\r\n';
  assert.equal(iceFragment(offer), 'a=ice-ufrag:new\r\na=ice-pwd:secret\r\n');
  const answer = [
    'v=0', 'a=ice-lite', 'm=audio 9', 'a=ice-ufrag:one', 'a=ice-pwd:two', 'a=candidate:1 old', 'a=candidate:2 old', 'a=end-of-candidates',
    'a=mid:0', 'm=video 9', 'a=ice-ufrag:one', 'a=ice-pwd:two', 'a=mid:1', '',
  ].join('\r\n');
  const fragment = 'a=ice-ufrag:three\r\na=ice-pwd:four\r\na=candidate:1 new\r\na=end-of-candidates\r\n';
  assert.equal(
    renewedAnswer(answer, fragment),
    [
      'v=0', 'a=ice-lite', 'm=audio 9', 'a=ice-ufrag:three', 'a=ice-pwd:four', 'a=candidate:1 new', 'a=end-of-candidates',
      'a=mid:0', 'm=video 9', 'a=ice-ufrag:three', 'a=ice-pwd:four', 'a=mid:1', '',
    ].join('\r\n'),
  );
});

const AGENTS = {
  chromeWindows: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36',
  headless: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/126.0.0.0 Safari/537.36',
  edge: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0',
  firefox: 'Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0',
  safariMac: 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15',
  safariPhone: 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1',
  chromeIphone: 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/126.0.6478.54 Mobile/15E148 Safari/604.1',
  chromeAndroid: 'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36',
  firefoxAndroid: 'Mozilla/5.0 (Android 14; Mobile; rv:127.0) Gecko/127.0 Firefox/127.0',
  samsung: 'Mozilla/5.0 (Linux; Android 14; SM-S901B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36',
  facebookIphone: 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 [FBAN/FBIOS;FBAV/468.0]',
  instagramAndroid: 'Mozilla/5.0 (Linux; Android 14; Pixel 8; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/126.0.0.0 Mobile Safari/537.36 Instagram 334.0.0',
  line: 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 Safari Line/14.8.0',
  google: 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) GSA/321.0 Mobile/15E148 Safari/604.1',
  webviewAndroid: 'Mozilla/5.0 (Linux; Android 14; Pixel 8; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/126.0.0.0 Mobile Safari/537.36',
  webviewIphone: 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148',
  nobody: '',
};

test('a browser is known by its name, and advised by what it lacks', () => {
  const minimums = { chrome: 120, edge: 120, firefox: 128, safari: 17, ios: 17, android: 12 };
  for (const [agent, browser, system, app, old, preferred, back] of [
    ['chromeWindows', 'chrome', 'windows', null, null, true, 'chrome'],
    ['headless', 'chrome', 'linux', null, null, true, 'chrome'],
    ['edge', 'edge', 'windows', null, null, true, 'edge'],
    ['firefox', 'firefox', 'linux', null, 'browser', false, 'firefox'],
    ['safariMac', 'safari', 'macos', null, null, false, 'safari'],
    ['safariPhone', 'safari', 'ios', null, null, true, 'safariPhone'],
    ['chromeIphone', 'chrome', 'ios', null, null, true, 'otherPhone'],
    ['chromeAndroid', 'chrome', 'android', null, 'system', true, 'chromePhone'],
    ['firefoxAndroid', 'firefox', 'android', null, 'browser', false, 'firefoxPhone'],
    ['samsung', 'samsung', 'android', null, null, false, 'chromePhone'],
    ['facebookIphone', 'other', 'ios', 'Facebook', null, true, 'otherPhone'],
    ['instagramAndroid', 'chrome', 'android', 'Instagram', null, true, 'chromePhone'],
    ['line', 'other', 'ios', 'LINE', null, true, 'otherPhone'],
    ['google', 'other', 'ios', 'Google', null, true, 'otherPhone'],
    ['webviewAndroid', 'chrome', 'android', '', null, true, 'chromePhone'],
    ['webviewIphone', 'other', 'ios', '', null, true, 'otherPhone'],
    ['nobody', 'other', 'other', null, null, false, 'other'],
  ]) {
    const advice = advise(AGENTS[agent], minimums);
    assert.deepEqual(
      [advice.browser, advice.system, advice.app, advice.old, advice.preferred, wayBack(advice)],
      [browser, system, app, old, preferred, back],
      agent,
    );
    assert.equal(advise(AGENTS[agent]).old, null, `${agent}: no minimums, no judgement`);
    assert.ok(text.denied[back], back);
  }
});

test('what a browser cannot do is asked of the browser itself, and each lack has words', () => {
  class Peer {
    addTransceiver() {}
  }
  const whole = {
    isSecureContext: true,
    RTCPeerConnection: Peer,
    navigator: { mediaDevices: { getUserMedia() {} } },
    EventSource: class {},
    RTCRtpReceiver: { getCapabilities: () => ({ codecs: [{ mimeType: 'video/VP8' }] }) },
  };
  for (const [without, expected] of [
    [{}, []],
    [{ isSecureContext: false, navigator: {} }, ['secure']],
    [{ RTCPeerConnection: undefined }, ['connection']],
    [{ navigator: {} }, ['devices']],
    [{ EventSource: undefined }, ['events']],
    [{ RTCRtpReceiver: { getCapabilities: () => ({ codecs: [{ mimeType: 'video/H264' }] }) } }, ['picture']],
    [{ RTCRtpReceiver: undefined }, []],
  ]) {
    const lacks = missing({ ...whole, ...without });
    assert.deepEqual(lacks, expected);
    for (const lack of lacks) assert.ok(text.missing[lack], lack);
  }
});

test('who was refused is led back by what the browser says first, and by its name last', () => {
  assert.deepEqual(stepsAfter({ message: 'Permission denied by system' }, 'granted', AGENTS.firefox), text.denied.system);
  assert.deepEqual(stepsAfter({ message: 'Permission dismissed' }, 'prompt', AGENTS.firefox), text.denied.asked);
  assert.deepEqual(stepsAfter({ message: 'Permission denied' }, 'denied', AGENTS.firefox), text.denied.firefox);
  assert.deepEqual(stepsAfter({}, null, AGENTS.safariPhone), text.denied.safariPhone);
});

test('with less, a person goes on with what they have', () => {
  const both = { camera: true, microphone: true };
  const here = (camera, microphone) => ({ camera: Array(camera).fill({}), microphone: Array(microphone).fill({}) });
  assert.equal(lesser(both, here(1, 1)).word, text.withoutCamera);
  assert.equal(lesser(both, here(0, 1)).word, text.withoutCamera);
  assert.equal(lesser(both, here(1, 0)).word, text.withoutMicrophone);
  assert.equal(lesser(both, here(0, 0)).word, text.withoutCamera, 'a browser that tells nothing');
  assert.equal(lesser({ camera: false, microphone: true }, here(1, 1)).word, text.withoutBoth);
  assert.equal(lesser({ camera: true, microphone: false }, here(1, 0)).word, text.withoutBoth);
});

test('only a device that was not there before is new, and not under its second name', () => {
  const device = (kind, deviceId) => ({ kind, deviceId });
  const before = [device('audioinput', 'a'), device('videoinput', 'a')];
  const now = [...before, device('audioinput', 'default'), device('audiooutput', 'a'), device('videoinput', 'b'), device('videoinput', '')];
  assert.deepEqual(newlyPlugged(before, now).map(({ kind, device: { deviceId } }) => `${kind} ${deviceId}`), ['speaker a', 'camera b']);
  for (const kind of ['camera', 'microphone', 'speaker']) assert.ok(text.plugged[kind]('x') && text.fellBack[kind]('x'));
  assert.equal(unplugged({ kind: 'camera', now: null }), text.errors.cameraLost);
  assert.equal(unplugged({ kind: 'microphone', now: 'Headset' }), text.fellBack.microphone('Headset'));
});

test('a device is said to be wrong only when it has been for a while, and equipment is suspected later still', () => {
  const fine = { microphoneOn: true, deviceMuted: false, level: -60, cameraOn: true, brightness: 90 };
  const wrong = (what) => [...wrongNow({ ...fine, ...what })];
  assert.deepEqual(wrong({}), []);
  assert.deepEqual(wrong({ level: -120 }), ['unheard']);
  assert.deepEqual(wrong({ level: -120, deviceMuted: true }), ['muted']);
  assert.deepEqual(wrong({ level: -120, microphoneOn: false }), []);
  assert.deepEqual(wrong({ level: null, brightness: null }), []);
  assert.deepEqual(wrong({ brightness: 3 }), ['black']);
  assert.deepEqual(wrong({ brightness: 3, cameraOn: false }), []);

  const patience = new Patience();
  assert.equal(patience.look(new Set(['unheard']), 0), null);
  assert.equal(patience.look(new Set(), 5_000), null, 'a word between');
  assert.equal(patience.look(new Set(['unheard']), 6_000), null);
  assert.deepEqual(patience.look(new Set(['unheard', 'black']), 12_000), { hint: 'unheard', equipment: false });
  assert.deepEqual(patience.look(new Set(['unheard', 'black']), 36_000), { hint: 'unheard', equipment: true });
  assert.deepEqual(patience.look(new Set(['black']), 36_500), { hint: 'black', equipment: false });
  for (const hint of ['muted', 'unheard', 'black']) assert.ok(text.hints[hint]);
});

test('a picture is as bright as its brightest point', () => {
  assert.equal(brightest([0, 0, 0, 255, 0, 0, 0, 255]), 0);
  assert.equal(Math.round(brightest([0, 0, 0, 255, 255, 255, 255, 255])), 255);
});

test('of someone’s devices only what is amiss is said', () => {
  assert.equal(devicesInWords(null), '');
  assert.equal(devicesInWords({ camera: true, microphone: true, speaker: 'heard' }), '');
  assert.equal(devicesInWords({ camera: true, microphone: true, speaker: 'untested' }), '');
  assert.equal(devicesInWords({ camera: false, microphone: true, speaker: 'not_heard' }), `${text.devicesOf.camera}, ${text.devicesOf.notHeard}`);
});

test('a number is called as it is written, without what only the eye needs', () => {
  assert.equal(telephone('+1 (555) 010-0199'), 'tel:+15550100199');
  assert.equal(telephone('711'), 'tel:711');
});

/** Tabs of one browser: its locks, its channel and its event sources, and a clock that only the test moves. */
function tabs() {
  const sources = [];
  const channels = new Set();
  const locks = new Map();
  const later = (work) => void Promise.resolve().then(work);
  const lock = (name) => locks.get(name) ?? locks.set(name, { held: [], queue: [] }).get(name);

  const grant = (name) => {
    const { held, queue } = lock(name);
    while (queue.length > 0 && (held.length === 0 || (queue[0].shared && held.every(({ shared }) => shared)))) {
      const next = queue.shift();
      held.push(next);
      later(() =>
        next.begin().then(() => {
          const at = held.indexOf(next);
          if (at >= 0) held.splice(at, 1);
          next.resolve();
          grant(name);
        }),
      );
    }
  };
  const manager = {
    request: (name, { mode, signal, steal = false }, begin) =>
      new Promise((resolve, reject) => {
        const one = { shared: mode === 'shared', begin, resolve, reject };
        const { held, queue } = lock(name);
        signal?.addEventListener('abort', () => {
          if (queue.includes(one)) queue.splice(queue.indexOf(one), 1) && reject(new Error('AbortError'));
        });
        if (steal) {
          for (const loser of held.splice(0)) loser.reject(new Error('AbortError'));
          queue.unshift(one);
        } else {
          queue.push(one);
        }
        grant(name);
      }),
    query: async () => ({ held: [...locks].flatMap(([name, { held }]) => held.map(() => ({ name }))) }),
  };
  class Channel extends EventTarget {
    constructor() {
      super();
      channels.add(this);
    }

    postMessage(data) {
      for (const other of channels) {
        if (other === this || other.frozen) continue;
        later(() => other.dispatchEvent(Object.assign(new Event('message'), { data: structuredClone(data) })));
      }
    }

    close() {
      channels.delete(this);
    }
  }
  class Source extends EventTarget {
    static CLOSED = 2;
    readyState = 1;

    constructor(url) {
      super();
      this.url = url;
      sources.push(this);
    }

    send(type, data) {
      this.dispatchEvent(Object.assign(new Event(type), { data: JSON.stringify(data) }));
    }

    fail(readyState) {
      this.readyState = readyState;
      this.dispatchEvent(new Event('error'));
    }

    close() {
      this.closed = true;
    }
  }
  return {
    world: { locks: manager, Channel, Source, visible: () => true },
    channels,
    open: () => sources.filter(({ closed }) => !closed),
    sources,
    /** Lets everything that is due happen. */
    async settle() {
      for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
    },
  };
}

const viewOf = (participant, words) => ({ you: { participant }, words });

/** A stream that notes what it is told. */
function listen(world, participant) {
  const heard = [];
  const note = (word) => (more) => heard.push(more === undefined ? word : `${word} ${more?.words ?? more}`);
  const stream = new Stream(participant, { view: note('view'), gone: note('gone'), open: note('open'), broken: note('broken') }, world);
  return { stream, heard };
}

test('tabs of one browser share one event stream, and each hears its own participant', async () => {
  mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  const { world, open, settle } = tabs();
  const [one, two] = [listen(world, 'par-1'), listen(world, 'par-2')];
  await settle();
  const [source, ...more] = open();
  assert.deepEqual(more, [], 'one stream');
  assert.equal(source.url, '/api/v1/events?participant=par-1&participant=par-2');
  source.send('visit', viewOf('par-1', 'first'));
  source.send('visit', viewOf('par-2', 'second'));
  source.send('gone', { participant: 'par-2' });
  await settle();
  assert.deepEqual(one.heard, ['view first']);
  assert.deepEqual(two.heard, ['view second', 'gone']);

  const three = listen(world, 'par-1');
  await settle();
  assert.deepEqual(open(), [source], 'nobody new is watched');
  assert.deepEqual(three.heard, ['view first'], 'a tab that comes later hears the newest view at once');
  const four = listen(world, 'par-3');
  await settle();
  assert.deepEqual(open().map(({ url }) => url), ['/api/v1/events?participant=par-1&participant=par-2&participant=par-3']);
  two.stream.close();
  await settle();
  assert.deepEqual(open().map(({ url }) => url), ['/api/v1/events?participant=par-1&participant=par-3'], 'a goodbye is heard');
  for (const { stream } of [one, three, four]) stream.close();
  await settle();
  assert.deepEqual(open(), []);
  mock.timers.reset();
});

test('a leader that closes hands over at once, and who is gone is watched no longer', async () => {
  mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  const { world, open, settle } = tabs();
  const [one, two] = [listen(world, 'par-1'), listen(world, 'par-2')];
  await settle();
  one.stream.close();
  await settle();
  const [source, ...more] = open();
  assert.deepEqual(more, []);
  assert.equal(source.url, '/api/v1/events?participant=par-2');
  source.send('visit', viewOf('par-2', 'after'));
  assert.deepEqual(two.heard, ['view after']);
  assert.deepEqual(one.heard, []);
  two.stream.close();
  mock.timers.reset();
});

test('a leader that is frozen with the lock in its hand is replaced, and yields when it wakes', async () => {
  mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  const { world, channels, open, settle } = tabs();
  const one = listen(world, 'par-1');
  await settle();
  const [frozen] = channels;
  frozen.frozen = true;
  const two = listen(world, 'par-2');
  await settle();
  mock.timers.tick(3_000);
  await settle();
  mock.timers.tick(1_000);
  await settle();
  frozen.frozen = false;
  await settle();
  const [source, ...more] = open();
  assert.deepEqual(more, [], 'the old leader has closed its own');
  source.send('visit', viewOf('par-1', 'again'));
  await settle();
  assert.deepEqual(one.heard, ['view again']);
  for (const { stream } of [one, two]) stream.close();
  mock.timers.reset();
});

test('a stream that breaks is opened again within half a second, and every tab is told', async () => {
  mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  const { world, open, sources, settle } = tabs();
  const [one, two] = [listen(world, 'par-1'), listen(world, 'par-2')];
  await settle();
  open()[0].fail(0);
  await settle();
  assert.deepEqual(open(), []);
  mock.timers.tick(500);
  assert.equal(open().length, 1);
  open()[0].fail(world.Source.CLOSED);
  await settle();
  mock.timers.tick(500);
  open()[0].send('open');
  await settle();
  for (const { heard } of [one, two]) assert.deepEqual(heard, ['broken false', 'broken true', 'open']);
  const before = sources.length;
  two.stream.renew();
  await settle();
  assert.equal(sources.length, before + 1, 'any tab may have it opened anew');
  assert.equal(open().length, 1);
  for (const { stream } of [one, two]) stream.close();
  mock.timers.reset();
});

test('where a browser has no locks or no channel, each tab has a stream of its own', async () => {
  for (const lacking of ['locks', 'Channel']) {
    const { world, open, settle } = tabs();
    const mine = [listen({ ...world, [lacking]: undefined }, 'par-1'), listen({ ...world, [lacking]: undefined }, 'par-2')];
    await settle();
    assert.deepEqual(open().map(({ url }) => url), ['/api/v1/events?participant=par-1', '/api/v1/events?participant=par-2']);
    for (const { stream } of mine) stream.close();
    assert.deepEqual(open(), []);
  }
});
