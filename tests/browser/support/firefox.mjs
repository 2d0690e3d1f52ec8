// Firefox with a camera and a microphone that are not real.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { Bidi } from './bidi.mjs';
import { DESKTOP } from './browser.mjs';
import { Locator } from './locator.mjs';
import { observe } from './media.mjs';

const EXECUTABLE = process.env.FIREFOX ?? '/usr/bin/firefox-esr';

const PREFERENCES = {
  'media.navigator.streams.fake': true,
  'media.navigator.permission.disabled': true,
  'media.peerconnection.ice.loopback': true,
  // Without a graphics card painting costs as much as decoding, and what we count is what was decoded.
  'layout.frame_rate': 20,
  'app.update.enabled': false,
  'browser.shell.checkDefaultBrowser': false,
  'datareporting.policy.dataSubmissionEnabled': false,
};

/** How long Firefox may take until it listens. Its first start makes a profile, which takes seconds on a busy machine. */
const START_WITHIN_MS = 60_000;
/** How long it may take to end; then it is killed. */
const END_WITHIN_MS = 10_000;

/** One browser with a throw-away profile; every person gets a container and a window of their own in it. */
export async function startFirefox({ preferences = {} } = {}) {
  const directory = mkdtempSync(path.join(tmpdir(), 'quartet-firefox-'));
  const settings = Object.entries({ ...PREFERENCES, ...preferences });
  const lines = settings.map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`);
  writeFileSync(path.join(directory, 'user.js'), lines.join(''));
  const child = spawn(EXECUTABLE, ['--headless', '--no-remote', '--remote-debugging-port=0', '--profile', directory], {
    env: { ...process.env, MOZ_CRASHREPORTER_DISABLE: '1' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  // A test that dies on its way leaves nothing behind either.
  const abandon = () => {
    child.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true, maxRetries: 10 });
  };
  process.once('exit', abandon);
  const ended = once(child, 'exit').catch(() => {});
  const end = async () => {
    if (child.pid !== undefined) {
      const patience = setTimeout(() => child.kill('SIGKILL'), END_WITHIN_MS);
      await ended;
      clearTimeout(patience);
    }
    // Its helpers outlive it for a moment, and write.
    await rm(directory, { recursive: true, force: true, maxRetries: 10 });
    process.off('exit', abandon);
  };

  let bidi;
  try {
    bidi = await Bidi.connect(`${await listening(child)}/session`);
    await bidi.ask('session.new', { capabilities: { alwaysMatch: { acceptInsecureCerts: true } } });
    await bidi.ask('session.subscribe', { events: ['log.entryAdded'] });
    await bidi.ask('script.addPreloadScript', { functionDeclaration: observe.toString() });
  } catch (error) {
    child.kill('SIGKILL');
    await end();
    throw error;
  }

  return {
    /** A page that belongs to nobody yet. Whatever the page itself did not expect ends up in `page.mishaps`. */
    async page({ viewport = DESKTOP } = {}) {
      const { userContext } = await bidi.ask('browser.createUserContext', { acceptInsecureCerts: true });
      // A tab behind another would be slowed down.
      const { context } = await bidi.ask('browsingContext.create', { type: 'window', userContext });
      const page = new Page(bidi, context);
      await page.setViewportSize(viewport);
      return page;
    },

    async stop() {
      await bidi.ask('browser.close').catch(() => child.kill('SIGKILL'));
      bidi.close();
      await end();
    },
  };
}

/** Where the browser listens, as soon as it says so. What it says later is read, so that it never waits, and goes nowhere. */
function listening(child) {
  return new Promise((found, failed) => {
    const timer = setTimeout(() => failed(new Error(`Firefox does not listen within ${START_WITHIN_MS} ms`)), START_WITHIN_MS);
    const lines = createInterface({ input: child.stderr });
    lines.on('line', (line) => {
      const url = /^WebDriver BiDi listening on (ws:.+)$/.exec(line)?.[1];
      if (!url) return;
      clearTimeout(timer);
      found(url);
    });
    lines.on('close', () => failed(new Error('Firefox ended before it listened')));
    child.on('error', failed);
  });
}

/** A page with what our tests use of Playwright's. */
class Page {
  mishaps = [];
  #bidi;
  #context;
  #document = new Locator(this);

  constructor(bidi, context) {
    this.#bidi = bidi;
    this.#context = context;
    bidi.on('log.entryAdded', ({ level, text, source }) => {
      if (source.context === context && level === 'error') this.mishaps.push(text);
    });
  }

  getByRole = this.#document.getByRole;
  getByText = this.#document.getByText;
  getByLabel = this.#document.getByLabel;
  locator = this.#document.locator;

  setViewportSize = (viewport) => this.#ask('browsingContext.setViewport', { viewport });

  goto = (url) => this.#ask('browsingContext.navigate', { url, wait: 'complete' });

  /** What `work` makes of `argument` in the page; both ways as JSON. */
  async evaluate(work, argument = null) {
    const made = await this.#call(`async (argument) => JSON.stringify(await (${work})(JSON.parse(argument)))`, argument);
    return made.type === 'string' ? JSON.parse(made.value) : undefined;
  }

  /** The element that `work` finds in the page, for `press`; or null. */
  async element(work, argument = null) {
    return (await this.#call(`async (argument) => (${work})(JSON.parse(argument))`, argument)).sharedId ?? null;
  }

  /** A press of the pointer on the middle of this element; false when it went away or out of sight before. */
  async press(sharedId) {
    const actions = [
      { type: 'pointerMove', x: 0, y: 0, origin: { type: 'element', element: { sharedId } } },
      { type: 'pointerDown', button: 0 },
      { type: 'pointerUp', button: 0 },
    ];
    try {
      await this.#ask('input.performActions', { actions: [{ type: 'pointer', id: 'pointer', actions }] });
      return true;
    } catch (error) {
      if (['no such node', 'no such element', 'stale element reference', 'move target out of bounds'].includes(error.code)) return false;
      throw error;
    }
  }

  /** A picture of the viewport, as a PNG. */
  async screenshot({ path: file }) {
    const { data } = await this.#ask('browsingContext.captureScreenshot');
    await writeFile(file, Buffer.from(data, 'base64'));
  }

  async #call(functionDeclaration, argument) {
    const { type, result, exceptionDetails } = await this.#ask('script.callFunction', {
      functionDeclaration,
      arguments: [{ type: 'string', value: JSON.stringify(argument) }],
      target: { context: this.#context },
      awaitPromise: true,
    });
    if (type === 'exception') throw new Error(exceptionDetails.text);
    return result;
  }

  #ask(method, params = {}) {
    return this.#bidi.ask(method, { context: this.#context, ...params });
  }
}
