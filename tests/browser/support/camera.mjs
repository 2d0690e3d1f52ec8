// A camera's picture as a file: somebody who moves a little before a wall, with the noise of a sensor in dim light. What the
// browser draws for its own pretended camera is so plain that it costs a third of what it may; a camera takes all of it.

import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const [WIDTH, HEIGHT] = [1280, 720];
/** It begins anew after two seconds. */
const SECONDS = 2;

/** Writes the file, for so many frames a second and with noise of so many steps of brightness either way. */
export async function cameraFile({ framesPerSecond, noise }) {
  const path = join(tmpdir(), `quartet-camera-${process.pid}.y4m`);
  const file = await open(path, 'w');
  await file.write(`YUV4MPEG2 W${WIDTH} H${HEIGHT} F${framesPerSecond}:1 Ip A1:1 C420jpeg\n`);
  const random = xorshift(1);
  const frames = SECONDS * framesPerSecond;
  for (let frame = 0; frame < frames; frame += 1) {
    await file.write('FRAME\n');
    await file.write(picture(frame / frames, noise, random));
  }
  await file.close();
  return path;
}

/** One picture in planes of brightness and colour; `phase` goes from 0 to 1 and round again. */
function picture(phase, noise, random) {
  const planes = Buffer.alloc((WIDTH * HEIGHT * 3) / 2, 128);
  const turn = 2 * Math.PI * phase;
  const [x0, y0] = [WIDTH / 2 + 60 * Math.sin(turn), HEIGHT / 2 + 20 * Math.cos(2 * turn)];
  for (let y = 0; y < HEIGHT; y += 1) {
    for (let x = 0; x < WIDTH; x += 1) {
      const face = ((x - x0) / 180) ** 2 + ((y - y0) / 240) ** 2 < 1;
      const light = face ? 150 + 30 * Math.sin((x - x0) / 23) * Math.cos((y - y0) / 31) : 70 + (60 * x) / WIDTH + 20 * Math.sin(y / 40);
      planes[y * WIDTH + x] = light + ((random() % (2 * noise + 1)) - noise);
    }
  }
  return planes;
}

/** A row of numbers that is the same each time. */
function xorshift(seed) {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}
