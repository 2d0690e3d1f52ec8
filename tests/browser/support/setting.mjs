// The setting of most tests: one browser for the file, a server of its own for each test.

import { after, afterEach, before, beforeEach } from 'node:test';
import { startBrowser } from './browser.mjs';
import { startServer } from './server.mjs';

/** Prepares it for the tests of this file: `{ browser, server, newPage }`, filled when a test begins. */
export function setting() {
  const here = { browser: null, server: null, newPage: (options) => here.browser.page(options) };

  before(async () => {
    here.browser = await startBrowser();
  });

  after(async () => {
    await here.browser?.stop();
  });

  beforeEach(async () => {
    here.server = await startServer();
  });

  afterEach(async () => {
    await here.browser.closePages();
    await here.server?.stop();
  });

  return here;
}
