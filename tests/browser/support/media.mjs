// What a page's own statistics say of its media.

import { until } from './until.mjs';

/** What `sealing` says: the versions of DTLS as they stand on the wire (RFC 6347 §4.1, RFC 9147 §5.3), and the cipher that we choose. */
export const DTLS_1_2 = 'FEFD';
export const DTLS_1_3 = 'FEFC';
export const AES_GCM = 'SRTP_AEAD_AES_128_GCM';

/** Runs in each page before its scripts: keeps the connections, and counts the negotiations. */
export function observe() {
  window.observed = { peers: [], remoteDescriptions: 0 };
  const Native = window.RTCPeerConnection;
  const setRemoteDescription = Native.prototype.setRemoteDescription;
  Native.prototype.setRemoteDescription = function (...description) {
    window.observed.remoteDescriptions += 1;
    return setRemoteDescription.apply(this, description);
  };
  window.RTCPeerConnection = class extends Native {
    constructor(...how) {
      super(...how);
      window.observed.peers.push(this);
    }
  };
}

export const remoteDescriptions = (page) => page.evaluate(() => window.observed.remoteDescriptions);

/**
 * What arrives for each tile of another person, by name:
 * `{ "Ana": { at, video: { frames, width, ssrc }, audio: { energy, packets, ssrc } } }`.
 * The tile is asked which track it shows, and the one report of all lines which of them brings it: who is who is what is seen.
 */
export function arriving(page) {
  return page.evaluate(async () => {
    const stats = [...((await window.observed.peers.at(-1)?.getStats())?.values() ?? [])];
    const inbound = (track) => stats.find((one) => one.type === 'inbound-rtp' && one.trackIdentifier === track?.id);
    const tiles = {};
    for (const tile of document.querySelectorAll('[data-seat]')) {
      const video = inbound(tile.querySelector('video').srcObject?.getVideoTracks()[0]);
      const audio = inbound(tile.querySelector('audio').srcObject?.getAudioTracks()[0]);
      tiles[tile.querySelector('.name').textContent] = {
        at: performance.now(),
        video: { frames: video?.framesDecoded ?? 0, width: video?.frameWidth ?? 0, ssrc: video?.ssrc ?? null },
        audio: { energy: audio?.totalAudioEnergy ?? 0, packets: audio?.packetsReceived ?? 0, ssrc: audio?.ssrc ?? null },
      };
    }
    return tiles;
  });
}

/** Statistics of one kind of the page's newest connection. */
export function statistics(page, type) {
  return page.evaluate(async (wanted) => {
    const stats = await window.observed.peers.at(-1).getStats();
    return [...stats.values()].filter((one) => one.type === wanted);
  }, type);
}

/** How the newest connection is sealed, once it is: `{ version, cipher }`. */
export async function sealing(page) {
  const transport = await until('a connected transport', async () =>
    (await statistics(page, 'transport')).find(({ dtlsState }) => dtlsState === 'connected'),
  );
  return { version: transport.tlsVersion, cipher: transport.srtpCipher };
}

/** The layers of the camera as they are sent: `{ q, h, f }`, each `{ active, frames, width }`. */
export async function layers(page) {
  const sent = (await statistics(page, 'outbound-rtp')).filter((one) => one.kind === 'video' && one.rid);
  return Object.fromEntries(sent.map((one) => [one.rid, { active: one.active, frames: one.framesSent ?? 0, width: one.frameWidth ?? 0 }]));
}

/** The camera's pictures keep their size, however busy the machine is: without this a browser makes all layers smaller. */
export function keepSize(page) {
  return page.evaluate(async () => {
    const camera = window.observed.peers.at(-1).getSenders().find((sender) => sender.getParameters().encodings.some(({ rid }) => rid));
    await camera.setParameters({ ...camera.getParameters(), degradationPreference: 'maintain-resolution' });
  });
}

/** Switches one layer at its sender, as a browser does that runs short of bandwidth: whatever the page wants meanwhile. */
export function setLayer(page, rid, active) {
  return page.evaluate(
    async ([wanted, on]) => {
      const senders = window.observed.peers.at(-1).getSenders();
      const camera = senders.find((sender) => sender.getParameters().encodings.some((encoding) => encoding.rid === wanted));
      if (!camera.held) {
        const set = camera.setParameters;
        camera.held = new Map();
        camera.setParameters = function (parameters) {
          for (const encoding of parameters.encodings) encoding.active = this.held.get(encoding.rid) ?? encoding.active;
          return set.call(this, parameters);
        };
      }
      camera.held.set(wanted, on);
      await camera.setParameters(camera.getParameters());
    },
    [rid, active],
  );
}
