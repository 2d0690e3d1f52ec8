// Chromium with a camera and a microphone that are not real.

import { chromium } from 'playwright-core';
import { observe } from './media.mjs';

export const PHONE = { width: 390, height: 844 };
export const DESKTOP = { width: 1440, height: 900 };
/** No tile of a visit of four is worth the largest layer here. */
export const SMALL_DESKTOP = { width: 1024, height: 720 };

/**
 * Where three or four browsers encode and decode on one machine, while people have one each: cameras give fewer pictures, so
 * that two cores suffice. Where it matters patients sit before phones as well, and the provider has a small desktop.
 */
export const FOUR_AT_ONCE = { framesPerSecond: 15 };

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--use-fake-ui-for-media-stream',
  '--allow-loopback-in-peer-connection',
];

const EXECUTABLE = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** Pictures per second of a camera that is not real: what pages ask for. */
const FRAMES_PER_SECOND = 30;

const flags = (framesPerSecond = FRAMES_PER_SECOND, camera = null) => [
  ...FLAGS,
  `--use-fake-device-for-media-stream=fps=${framesPerSecond}`,
  ...(camera ? [`--use-file-for-fake-video-capture=${camera}`] : []),
];

/** One browser; every person gets a context of their own in it. Its cameras give `framesPerSecond`, or what is in the file `camera`. */
export async function startBrowser({ framesPerSecond, camera } = {}) {
  const browser = await chromium.launch({ executablePath: EXECUTABLE, args: flags(framesPerSecond, camera) });
  return {
    /** A page that belongs to nobody yet. Whatever the page itself did not expect ends up in `page.mishaps`. */
    async page({ viewport = DESKTOP, colorScheme = 'light', ...more } = {}) {
      const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport, colorScheme, ...more });
      return observedPage(context, await context.newPage());
    },
    /** Everybody leaves; the browser stays for the next ones. */
    closePages: () => Promise.all(browser.contexts().map(close)),
    async stop() {
      await Promise.all(browser.contexts().map(close));
      await browser.close();
    },
  };
}

/** The person of this page leaves, with all their windows. */
export const leave = (page) => close(page.context());

/** What a test has put in the place of the server may be answering still: nobody hears it. */
async function close(context) {
  await Promise.all(context.pages().map((page) => page.unrouteAll({ behavior: 'ignoreErrors' })));
  await context.close();
}

/** A browser of one person's own, which keeps its profile in `directory` and may be killed: its only page. */
export async function startOwnBrowser(directory) {
  const how = { executablePath: EXECUTABLE, args: flags(), ignoreHTTPSErrors: true, viewport: DESKTOP };
  const context = await chromium.launchPersistentContext(directory, how);
  return observedPage(context, context.pages()[0] ?? (await context.newPage()));
}

async function observedPage(context, page) {
  await context.addInitScript(observe);
  page.mishaps = [];
  page.on('pageerror', (error) => page.mishaps.push(error.message));
  page.on('console', (message) => {
    // A refusal that the page explains to the person is still a line in the console.
    const refusal = /Failed to load resource/.test(message.text());
    if (message.type() === 'error' && !refusal) page.mishaps.push(message.text());
  });
  return page;
}
