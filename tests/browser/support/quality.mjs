// How well a page sees and hears the others, looked at again and again by the page itself.

import { setTimeout as pause } from 'node:timers/promises';

/** Opus counts 48 samples in a ms, and browsers send 20 ms in a packet. */
const SAMPLES_PER_MS = 48;
const SOUND_MS = 20;

/** Often enough for a freeze to stand between two looks, seldom enough not to cause one. */
const LOOK_EVERY_MS = 200;

/** Every page looks for so long, counted from when the last of them began: page → its looks, `{ at, sent, tiles }`. */
export async function watch(pages, during) {
  await Promise.all(pages.map((page) => page.evaluate(startLooking, LOOK_EVERY_MS)));
  await (typeof during === 'number' ? pause(during) : during());
  return new Map(await Promise.all(pages.map(async (page) => [page, await page.evaluate(stopLooking)])));
}

function startLooking(every) {
  const looks = [];
  let looking = true;
  const look = async () => {
    const stats = [...((await window.observed.peers.at(-1)?.getStats()) ?? new Map()).values()];
    const inbound = new Map(stats.filter((one) => one.type === 'inbound-rtp').map((one) => [one.trackIdentifier, one]));
    const outbound = stats.filter((one) => one.type === 'outbound-rtp');
    const sum = (name) => outbound.reduce((all, one) => all + (one[name] ?? 0), 0);
    const tiles = {};
    for (const tile of document.querySelectorAll('[data-seat]')) {
      const video = inbound.get(tile.querySelector('video').srcObject?.getVideoTracks()[0]?.id);
      const audio = inbound.get(tile.querySelector('audio').srcObject?.getAudioTracks()[0]?.id);
      const both = (name) => (video?.[name] ?? 0) + (audio?.[name] ?? 0);
      tiles[tile.querySelector('.name').textContent] = {
        frames: video?.framesDecoded ?? 0,
        height: video?.frameHeight ?? 0,
        freezes: video?.freezeCount ?? 0,
        frozen: video?.totalFreezesDuration ?? 0,
        pictureWaits: video?.jitterBufferDelay ?? 0,
        picturesWaited: video?.jitterBufferEmittedCount ?? 0,
        concealed: (audio?.concealedSamples ?? 0) - (audio?.silentConcealedSamples ?? 0),
        samples: audio?.totalSamplesReceived ?? 0,
        soundLost: audio?.packetsLost ?? 0,
        soundWaits: audio?.jitterBufferDelay ?? 0,
        soundsWaited: audio?.jitterBufferEmittedCount ?? 0,
        packets: both('packetsReceived'),
        lost: both('packetsLost'),
        nacks: both('nackCount'),
        plis: video?.pliCount ?? 0,
      };
    }
    looks.push({ at: Date.now(), sent: { packets: sum('packetsSent'), nacks: sum('nackCount') }, tiles });
    if (looking) setTimeout(look, every);
  };
  void look();
  window.observed.stopLooking = () => {
    looking = false;
    return looks;
  };
}

const stopLooking = () => window.observed.stopLooking();

/**
 * What these looks say of the person called `name`. Times are in ms, shares from 0 to 1. `heights` are the pictures' in their
 * order, `[at, height]` where it changes. `longestFreezeAfter` is the time from the first look to the end of the longest freeze.
 */
export function quality(looks, name) {
  const seen = looks.filter(({ tiles }) => tiles[name]).map(({ at, tiles }) => ({ at, ...tiles[name] }));
  const [first, last] = [seen[0], seen.at(-1)];
  const grown = (what) => last[what] - first[what];
  const pairs = seen.slice(1).map((now, n) => [seen[n], now]);
  const freezes = pairs
    .filter(([before, now]) => now.freezes > before.freezes)
    .map(([before, now]) => ({ at: now.at, lasted: ((now.frozen - before.frozen) * 1_000) / (now.freezes - before.freezes) }));
  const longest = freezes.reduce((one, other) => (other.lasted > one.lasted ? other : one), { at: first.at, lasted: 0 });
  return {
    seconds: (last.at - first.at) / 1_000,
    framesPerSecond: grown('frames') / ((last.at - first.at) / 1_000),
    freezes: grown('freezes'),
    longestFreeze: longest.lasted,
    longestFreezeAfter: longest.at - first.at,
    frozenShare: (grown('frozen') * 1_000) / (last.at - first.at),
    longestStill: longestWithout(seen, 'frames'),
    longestSilent: longestWithout(seen, 'packets'),
    concealedShare: grown('concealed') / Math.max(1, grown('samples')),
    worstSecond: mostWithinASecond(seen, 'concealed') / SAMPLES_PER_MS,
    mostSoundLost: mostWithinASecond(seen, 'soundLost') * SOUND_MS,
    soundWaits: (grown('soundWaits') * 1_000) / Math.max(1, grown('soundsWaited')),
    pictureWaits: (grown('pictureWaits') * 1_000) / Math.max(1, grown('picturesWaited')),
    packets: grown('packets'),
    lost: grown('lost'),
    nacks: grown('nacks'),
    plis: grown('plis'),
    heights: [[first.at, first.height], ...pairs.filter(([before, now]) => now.height !== before.height).map(([, now]) => [now.at, now.height])],
  };
}

/** The longest time in which a count did not grow, up to the last look; too long by one look at most. */
function longestWithout(seen, what) {
  let [grew, longest] = [seen[0], 0];
  for (const now of seen) {
    longest = Math.max(longest, now.at - grew.at);
    if (now[what] !== grew[what]) grew = now;
  }
  return longest;
}

/** The most that a count grew within a second. */
function mostWithinASecond(seen, what) {
  const withinASecond = (now) => seen.find(({ at }) => at >= now.at - 1_000);
  return Math.max(...seen.map((now) => now[what] - withinASecond(now)[what]));
}
