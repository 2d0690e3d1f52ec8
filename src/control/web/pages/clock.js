// The server's clock: a visit opens and closes by it, whatever the device's own clock says.

/** The server's moment minus ours. Kept as a difference, so that it survives a device that sleeps. */
let skew = 0;

/** The server has said what time it is. */
export function hearTime(iso, here = Date.now()) {
  const there = Date.parse(iso);
  if (Number.isFinite(there)) skew = there - here;
}

/** Now, by the server's clock, in milliseconds. */
export function serverNow(here = Date.now()) {
  return here + skew;
}
