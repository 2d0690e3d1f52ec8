// Can this browser carry a visit, and what would do it better? What it can do is asked of the browser itself;
// what it is called only helps to say where to go instead.

/** What is missing for a visit, gravest first: words of `text.missing`. An empty list is a browser that can join. */
export function missing(world = globalThis) {
  const lacks = [];
  if (world.isSecureContext === false) lacks.push('secure');
  if (!world.RTCPeerConnection?.prototype.addTransceiver) lacks.push('connection');
  // An insecure page has no devices either; that is not the browser's fault.
  if (!world.navigator.mediaDevices?.getUserMedia && world.isSecureContext !== false) lacks.push('devices');
  if (!world.EventSource) lacks.push('events');
  const codecs = world.RTCRtpReceiver?.getCapabilities?.('video')?.codecs;
  if (codecs && !codecs.some(({ mimeType }) => mimeType.toLowerCase() === 'video/vp8')) lacks.push('picture');
  return lacks;
}

/** Apps that show pages in a window of their own, where camera and microphone often stay closed. */
const APPS = [
  ['Facebook', /FBAN|FBAV|FB_IAB/],
  ['Instagram', /Instagram/],
  ['Messenger', /MessengerForiOS|Orca-Android/],
  ['LINE', /\bLine\//],
  ['WhatsApp', /WhatsApp/],
  ['WeChat', /MicroMessenger/],
  ['LinkedIn', /LinkedInApp/],
  ['Snapchat', /Snapchat/],
  ['TikTok', /musical_ly|BytedanceWebview|TikTok/],
  ['X', /Twitter for/],
  ['Pinterest', /\[Pinterest\//],
  ['KakaoTalk', /KAKAOTALK/],
  ['Gmail', /\bGmail\//],
  ['Google', /\bGSA\//],
];

/** Most particular first: Edge, Opera and Samsung's browser call themselves Chrome too, and Chrome calls itself Safari. */
const BROWSERS = [
  ['edge', /\b(?:Edg|EdgA|EdgiOS)\/(\d+)/],
  ['opera', /\b(?:OPR|OPT)\/(\d+)/],
  ['samsung', /\bSamsungBrowser\/(\d+)/],
  ['firefox', /\b(?:Firefox|FxiOS)\/(\d+)/],
  ['chrome', /\b(?:Headless)?(?:Chrome|CriOS|Chromium)\/(\d+)/],
  ['safari', /\bVersion\/(\d+)[.\d]* (?:Mobile\/\w+ )?Safari\//],
];

function systemOf(userAgent) {
  const ios = /\b(?:iPhone|iPad|iPod)\b.*? OS (\d+)_/.exec(userAgent);
  if (ios) return { system: 'ios', systemVersion: Number(ios[1]) };
  const android = /\bAndroid (\d+)/.exec(userAgent);
  if (android) return { system: 'android', systemVersion: Number(android[1]) };
  for (const [system, sign] of [['windows', /Windows NT/], ['chromeos', /\bCrOS\b/], ['macos', /Mac OS X/], ['linux', /Linux/]]) {
    if (sign.test(userAgent)) return { system, systemVersion: null };
  }
  return { system: 'other', systemVersion: null };
}

/** The app whose window this is; an empty name for one that does not say its own; null for a browser. */
function appOf(userAgent, system) {
  const known = APPS.find(([, sign]) => sign.test(userAgent));
  if (known) return known[0];
  const nameless = system === 'android' ? /; wv\)/.test(userAgent) : system === 'ios' && !/Safari\//.test(userAgent);
  return nameless ? '' : null;
}

/**
 * What to tell someone with this browser: `{ browser, version, system, app, old, preferred }`. `minimums` are major
 * versions by browser and system; what it does not name is not judged. `old` is `browser`, `system` or null.
 */
export function advise(userAgent, minimums = {}) {
  const { system, systemVersion } = systemOf(userAgent);
  const [browser, version] = BROWSERS.map(([name, sign]) => [name, sign.exec(userAgent)?.[1]]).find(([, found]) => found) ?? ['other', null];
  const below = (name, has) => has !== null && has < (minimums[name] ?? 0);
  let old = null;
  if (below(system, systemVersion)) old = 'system';
  // Every browser on an iPhone is the one of its system.
  else if (system !== 'ios' && version !== null && below(browser, Number(version))) old = 'browser';
  return {
    browser,
    version: version === null ? null : Number(version),
    system,
    systemVersion,
    app: appOf(userAgent, system),
    old,
    preferred: system === 'ios' || browser === 'chrome' || browser === 'edge',
  };
}

/** Which of `text.denied` leads back to the camera and microphone in this browser. */
export function wayBack({ browser, system }) {
  if (system === 'ios') return browser === 'safari' ? 'safariPhone' : 'otherPhone';
  if (system === 'android') return browser === 'firefox' ? 'firefoxPhone' : 'chromePhone';
  return ['chrome', 'edge', 'firefox', 'safari'].includes(browser) ? browser : 'other';
}
