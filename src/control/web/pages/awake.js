// A phone that is propped up for a visit must not fall asleep in it.

let wanted = false;
let lock = null;

async function settle() {
  if (!navigator.wakeLock) return;
  try {
    if (wanted && !lock && document.visibilityState === 'visible') {
      lock = await navigator.wakeLock.request('screen');
      lock.addEventListener('release', () => (lock = null));
    }
    if (!wanted) await lock?.release();
  } catch {
    // The battery is low, or the browser says no: the screen may sleep.
  }
}

// The browser takes the lock back whenever the page is hidden.
document.addEventListener('visibilitychange', () => void settle());

/** Keeps the screen on, or lets it sleep again. */
export function keepAwake(awake) {
  wanted = awake;
  void settle();
}
