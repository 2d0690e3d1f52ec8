// What is watched, sent, shown large and said of connections, as far as it needs no browser.

import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';

const page = (name) => import(new URL(`../../src/control/web/pages/${name}`, import.meta.url));

const { Problem } = await page('api.js');
const { Floor, SCREEN, YOU, arrange } = await page('arrangement.js');
const { LAYERS, Layers } = await page('layers.js');
const { Quality } = await page('quality.js');
const { text } = await page('text.js');
const { Watching, appears, told } = await page('watching.js');

beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }));
afterEach(() => mock.timers.reset());

/** Lets everything that is due happen. */
async function settle() {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

/** Time goes on. */
async function pass(ms) {
  mock.timers.tick(ms);
  await settle();
}

const picture = (seat, height, pinned = false) => ({ seat, height, pinned });

test('heights are told in steps of 90 rounded up, pins only where there are, and a screen only while one is shared', () => {
  assert.deepEqual(told({ pictures: [picture(0, 0), picture(1, 1, true), picture(3, 721)], screen: null }), {
    pictures: [{ seat: 0, height: 0 }, { seat: 1, height: 90, pinned: true }, { seat: 3, height: 810 }],
  });
  assert.deepEqual(told({ pictures: [], screen: 720 }), { pictures: [], screen: { height: 720 } });
  assert.deepEqual(told({ pictures: [], screen: 0 }), { pictures: [], screen: { height: 0 } });
});

test('what shrinks by less than half a step below its own, as when a notice comes, is told as large as before', () => {
  const known = { pictures: [{ seat: 1, height: 450 }], screen: { height: 720 } };
  for (const [height, expected] of [[451, 540], [450, 450], [361, 450], [360, 450], [316, 450], [315, 360], [100, 180], [0, 0]]) {
    assert.equal(told({ pictures: [picture(1, height)], screen: null }, known).pictures[0].height, expected, `${height}`);
  }
  assert.deepEqual(told({ pictures: [picture(2, 360)], screen: 600 }, known), { pictures: [{ seat: 2, height: 360 }], screen: { height: 720 } });
});

test('what was hidden, or is new, appears; what grows, shrinks or goes does not', () => {
  const message = (...pictures) => told({ pictures, screen: null });
  for (const [before, after, expected] of [
    [null, message(picture(0, 90)), true],
    [null, message(picture(0, 0)), false],
    [message(picture(0, 0)), message(picture(0, 90)), true],
    [message(picture(0, 90)), message(picture(0, 720)), false],
    [message(picture(0, 90)), message(picture(0, 0)), false],
    [message(picture(0, 90)), message(picture(0, 90), picture(1, 90)), true],
    [message(), told({ pictures: [], screen: 90 }), true],
    [told({ pictures: [], screen: 90 }), told({ pictures: [], screen: 720 }), false],
  ]) {
    assert.equal(appears(before, after), expected, JSON.stringify([before, after]));
  }
});

/** A page that sees `seen`, and a server that answers with what is put into `answers`, or takes everything. */
function watched() {
  const here = { seen: null, sent: [], answers: [] };
  here.watching = new Watching({
    look: () => here.seen,
    tell: async (seat, message) => {
      here.sent.push({ seat, ...message });
      const answer = here.answers.shift();
      if (answer) throw answer;
    },
  });
  here.see = (...pictures) => {
    here.seen = { pictures, screen: null };
    here.watching.changed();
  };
  here.heights = () => here.sent.map(({ leg, pictures }) => [leg, ...pictures.map(({ height }) => height)].join(' '));
  return here;
}

test('nothing is told before there is a connection and something to see; then what appears is told at once', async () => {
  const here = watched();
  here.see(picture(1, 300));
  await pass(1_000);
  assert.deepEqual(here.sent, []);
  here.seen = null;
  here.watching.seated({ seat: '2', leg: 'leg-a' });
  await pass(1_000);
  assert.deepEqual(here.sent, []);
  here.see(picture(1, 300));
  await settle();
  assert.deepEqual(here.sent, [{ seat: '2', leg: 'leg-a', pictures: [{ seat: 1, height: 360 }] }]);
});

test('a change rests 150 ms before it is told, and what is known is not told again', async () => {
  const here = watched();
  here.watching.seated({ seat: '2', leg: 'a' });
  here.see(picture(1, 300));
  await pass(1_000);
  for (const height of [400, 500, 600]) {
    here.see(picture(1, height));
    await pass(100);
  }
  assert.deepEqual(here.heights(), ['a 360']);
  await pass(50);
  assert.deepEqual(here.heights(), ['a 360', 'a 630']);
  here.see(picture(1, 620));
  await pass(1_000);
  here.see(picture(1, 0));
  here.see(picture(1, 620));
  await pass(1_000);
  assert.deepEqual(here.heights(), ['a 360', 'a 630'], 'the same step, and a blink');
  here.see(picture(1, 0));
  await pass(150);
  here.see(picture(1, 620));
  await settle();
  assert.deepEqual(here.heights().slice(2), ['a 0', 'a 630'], 'hidden after a rest, seen again at once');
});

test('a pin is told though no height changes', async () => {
  const here = watched();
  here.watching.seated({ seat: '2', leg: 'a' });
  here.see(picture(1, 300));
  await pass(1_000);
  here.see(picture(1, 300, true));
  await pass(150);
  assert.deepEqual(here.sent.at(-1).pictures, [{ seat: 1, height: 360, pinned: true }]);
});

test('a new connection is told everything again, and the same one is not', async () => {
  const here = watched();
  here.watching.seated({ seat: '2', leg: 'a' });
  here.see(picture(1, 300));
  await pass(1_000);
  here.watching.seated({ seat: '2', leg: 'a' });
  await pass(1_000);
  here.watching.seated({ seat: '2', leg: 'b' });
  await pass(1_000);
  assert.deepEqual(here.heights(), ['a 360', 'b 360']);
});

test('a server that is away or busy is told again after a pause, and then what is true by then', async () => {
  const here = watched();
  here.answers = [new Problem(0, { code: 'network' }), new Problem(429, {}, '3')];
  here.watching.seated({ seat: '2', leg: 'a' });
  here.see(picture(1, 300));
  await settle();
  here.see(picture(1, 300), picture(3, 300));
  await settle();
  assert.deepEqual(here.heights(), ['a 360'], 'nobody knocks without a pause');
  await pass(250);
  assert.deepEqual(here.heights(), ['a 360', 'a 360 360']);
  await pass(2_000);
  assert.equal(here.sent.length, 2, 'as long as the server asked for');
  await pass(1_000);
  assert.deepEqual(here.heights().slice(2), ['a 360 360']);
  await pass(10_000);
  assert.equal(here.sent.length, 3);
});

test('a server that knows nothing of this, or not this connection any more, is not asked again until there is a new one', async () => {
  for (const status of [404, 409, 422]) {
    const here = watched();
    here.answers = [new Problem(status, {})];
    here.watching.seated({ seat: '2', leg: 'a' });
    here.see(picture(1, 300));
    await pass(1_000);
    here.see(picture(1, 900));
    await pass(10_000);
    assert.deepEqual(here.heights(), ['a 360'], String(status));
    here.watching.seated({ seat: '2', leg: 'b' });
    await pass(1_000);
    assert.deepEqual(here.heights(), ['a 360', 'b 900'], String(status));
  }
});

test('nothing is told after the visit', async () => {
  const here = watched();
  here.watching.seated({ seat: '2', leg: 'a' });
  here.see(picture(1, 300));
  await pass(1_000);
  here.see(picture(1, 900));
  here.watching.close();
  await pass(1_000);
  assert.deepEqual(here.heights(), ['a 360']);
});

/** A sender of the camera's layers; it refuses as often as `refusals` says, as one does whose track is being replaced. */
function sender(rids = LAYERS.map(({ rid }) => rid)) {
  const here = { encodings: rids.map((rid) => ({ rid, active: true })), refusals: 0, changes: 0 };
  here.getParameters = () => ({ encodings: structuredClone(here.encodings) });
  here.setParameters = async ({ encodings }) => {
    if (here.refusals > 0) {
      here.refusals -= 1;
      throw new DOMException('stale', 'InvalidStateError');
    }
    here.changes += 1;
    here.encodings = encodings;
  };
  here.sent = () => here.encodings.filter(({ active }) => active).map(({ rid }) => rid).join('');
  return here;
}

test('the layers that somebody takes are sent, and a sender is touched only where that changes', async () => {
  const camera = sender();
  const layers = new Layers(camera);
  for (const [wanted, sent, changes] of [
    [undefined, 'qhf', 0],
    [['q', 'h', 'f'], 'qhf', 0],
    [['q', 'h'], 'qh', 1],
    [['h', 'q'], 'qh', 1],
    [[], '', 2],
    [['f', 'x'], 'f', 3],
    [undefined, 'qhf', 4],
  ]) {
    layers.want(wanted);
    await settle();
    assert.deepEqual([camera.sent(), camera.changes], [sent, changes], JSON.stringify(wanted));
  }
});

test('a sender that refuses is tried again, with what is wanted by then, and not for ever', async () => {
  const camera = sender();
  const layers = new Layers(camera);
  camera.refusals = 2;
  layers.want(['q']);
  await settle();
  layers.want(['q', 'h']);
  await pass(250);
  await pass(500);
  assert.deepEqual([camera.sent(), camera.changes], ['qh', 1]);

  camera.refusals = 1_000;
  layers.want(['q']);
  for (let turn = 0; turn < 20; turn += 1) await pass(2_000);
  assert.equal(camera.refusals, 1_000 - 8);
  camera.refusals = 0;
  layers.want(['q']);
  await settle();
  assert.equal(camera.sent(), 'q', 'the next view tries again');
});

test('a sender without simulcast is left alone, and so is one whose connection is gone', async () => {
  const single = sender([undefined]);
  new Layers(single).want([]);
  await settle();
  assert.deepEqual([single.encodings[0].active, single.changes], [true, 0]);

  const gone = sender();
  const layers = new Layers(gone);
  gone.refusals = 1;
  layers.want(['q']);
  await settle();
  layers.close();
  await pass(10_000);
  assert.equal(gone.changes, 0);
});

test('in each layout everyone has one place, and the dearest are large', () => {
  const base = { layout: 'grid', others: ['a', 'b', 'c'], pins: [], recent: [], screen: false, hidesYou: false };
  for (const [how, large, small] of [
    [{}, ['a', 'b', 'c', YOU], []],
    [{ hidesYou: true }, ['a', 'b', 'c'], []],
    [{ others: [] }, [YOU], []],
    [{ others: [], hidesYou: true }, [], []],
    [{ pins: ['b'] }, ['b'], ['a', 'c', YOU]],
    [{ pins: ['c', 'b', 'gone'] }, ['b', 'c'], ['a', YOU]],
    [{ layout: 'speaker' }, ['a'], ['b', 'c', YOU]],
    [{ layout: 'speaker', recent: ['gone', 'c', 'b'] }, ['c'], ['a', 'b', YOU]],
    [{ layout: 'speaker', recent: ['c'], pins: ['b'] }, ['b'], ['a', 'c', YOU]],
    [{ layout: 'speaker', others: [] }, [YOU], []],
    [{ layout: 'sides', others: ['a'] }, ['a', YOU], []],
    [{ layout: 'sides' }, ['a', 'b'], ['c', YOU]],
    [{ layout: 'sides', recent: ['c', 'b'] }, ['c', 'b'], ['a', YOU]],
    [{ layout: 'sides', recent: ['c'], pins: ['b'] }, ['b', 'c'], ['a', YOU]],
    [{ layout: 'sides', pins: ['a', 'b', 'c'] }, ['a', 'b', 'c'], [YOU]],
    [{ layout: 'sides', others: ['a'], hidesYou: true }, ['a'], []],
    [{ screen: true }, [SCREEN], ['a', 'b', 'c', YOU]],
    [{ screen: true, layout: 'speaker', recent: ['b'] }, [SCREEN], ['a', 'b', 'c', YOU]],
    [{ screen: true, layout: 'sides', pins: ['b'] }, [SCREEN, 'b'], ['a', 'c', YOU]],
  ]) {
    assert.deepEqual(arrange({ ...base, ...how }), { large, small }, JSON.stringify(how));
  }
});

test('the floor changes at most once a second, and who asked meanwhile waits for the rest of it', () => {
  const floor = new Floor();
  assert.equal(floor.take(null, 0), null);
  assert.equal(floor.take('a', 0), null);
  assert.equal(floor.take('b', 400), 600);
  assert.deepEqual(floor.recent, ['a']);
  assert.equal(floor.take('a', 500), null, 'a cough changes nothing');
  assert.equal(floor.take('b', 1_000), null);
  assert.deepEqual(floor.recent, ['b', 'a']);
  assert.equal(floor.take('a', 2_500), null);
  assert.deepEqual(floor.recent, ['a', 'b']);
});

test('what wavers is said once a minute at most, and advice stays ten seconds longer than its cause', () => {
  const quality = new Quality();
  const ana = (more) => [{ name: 'Ana', connection: 'good', paused: false, ...more }];
  assert.equal(quality.hear({}, ana(), 0), null);
  assert.equal(quality.hear({}, ana({ connection: 'poor' }), 1_000), text.hasPoor('Ana'));
  assert.equal(quality.hear({}, ana({ connection: 'poor' }), 2_000), null);
  assert.equal(quality.hear({}, ana({ connection: 'poor', paused: true }), 3_000), text.isPaused('Ana'));
  assert.equal(quality.hear({}, ana(), 4_000), null);
  assert.equal(quality.hear({}, ana({ connection: 'poor' }), 30_000), null, 'it has been said');
  assert.equal(quality.hear({}, ana({ connection: 'poor' }), 90_000), text.hasPoor('Ana'));

  assert.equal(quality.advises(90_000), false);
  quality.hear({ connection: 'poor' }, [], 91_000);
  assert.equal(quality.advises(200_000), true);
  quality.hear({ connection: 'good' }, [], 200_000);
  assert.equal(quality.advises(209_999), true);
  assert.equal(quality.advises(210_000), false);
});
