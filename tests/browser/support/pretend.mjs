// What a server may say that no test can wait for.

/**
 * What the server tells this page from now on, as `change` would have it: moments that no test can wait for. The page asks at
 * once, and looks for new paths, too, if it is in a visit.
 */
export async function pretend(page, change) {
  const changed = async (participant) => {
    const { visit } = await page.evaluate(() => JSON.parse(sessionStorage.getItem('quartet')));
    const answer = await page.request.get(new URL(`/api/v1/visits/${visit}?participant=${participant}`, page.url()).href);
    return JSON.stringify(change(await answer.json()));
  };
  const participant = (route) => new URL(route.request().url()).searchParams.get('participant');
  await page.route('**/api/v1/events?*', async (route) => {
    // An answer that ends is asked for again: the next one says the same.
    await route.fulfill({ contentType: 'text/event-stream', body: `event: visit\ndata: ${await changed(participant(route))}\n\n` });
  });
  await page.route('**/api/v1/visits/*?participant=*', async (route) => {
    if (route.request().method() !== 'GET') return route.fallback();
    await route.fulfill({ contentType: 'application/json', body: await changed(participant(route)) });
  });
  await page.evaluate(() => window.dispatchEvent(new Event('online')));
}

/** The answer of a server that has no room, and may be asked again after so many seconds; what it does before it says so is tested where it is built. */
export const full = (seconds) => ({
  status: 503,
  headers: { 'Content-Type': 'application/problem+json', 'Retry-After': `${seconds}` },
  body: JSON.stringify({ type: 'urn:quartet:problem:server_full', status: 503, code: 'server_full', title: '', detail: '' }),
});
