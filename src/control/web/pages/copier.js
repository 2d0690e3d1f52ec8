// A worker through which the sound of the microphone goes on its way out. It says when it is ready, and is told whether more
// copies than the browser's own are wanted.

import { Sounds } from './red.js';

let more = false;

self.addEventListener('message', ({ data }) => (more = data.more));

self.addEventListener('rtctransform', ({ transformer: { readable, writable } }) => {
  const sounds = new Sounds();
  const copy = (frame, out) => {
    const { mimeType, rtpTimestamp } = frame.getMetadata();
    // What is not sent with copies is passed on as it is.
    if (mimeType?.endsWith('/red')) {
      const payload = new Uint8Array(frame.data);
      const next = sounds.next(payload, rtpTimestamp, more);
      if (next !== payload) frame.data = next.buffer;
    }
    out.enqueue(frame);
  };
  // It ends with its connection.
  void readable.pipeThrough(new TransformStream({ transform: copy })).pipeTo(writable).catch(() => {});
});

self.postMessage('ready');
