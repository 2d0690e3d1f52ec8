// The few lines of SDP that an ICE restart changes.

/** What an ICE restart tells of an offer (RFC 8840 §4.4): the credentials of its first line. */
export function iceFragment(sdp) {
  const lines = sdp.split(/\r?\n/);
  const first = (start) => lines.find((line) => line.startsWith(start));
  return `${[first('a=ice-ufrag:'), first('a=ice-pwd:')].join('\r\n')}\r\n`;
}

/** The same answer with the credentials and candidates of `fragment`: a browser takes nothing less than a whole one. */
export function renewedAnswer(answer, fragment) {
  const fresh = fragment.split(/\r?\n/);
  const of = (start) => fresh.filter((line) => line.startsWith(start));
  const candidates = [...of('a=candidate:'), ...of('a=end-of-candidates')];
  const renewed = [];
  let placed = false;
  for (const line of answer.split(/\r?\n/)) {
    if (line.startsWith('m=')) placed = false;
    if (line.startsWith('a=ice-ufrag:')) renewed.push(...of('a=ice-ufrag:'));
    else if (line.startsWith('a=ice-pwd:')) renewed.push(...of('a=ice-pwd:'));
    else if (line.startsWith('a=candidate:') || line === 'a=end-of-candidates') {
      if (!placed) renewed.push(...candidates);
      placed = true;
    } else renewed.push(line);
  }
  return renewed.join('\r\n');
}
