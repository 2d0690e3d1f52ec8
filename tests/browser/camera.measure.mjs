// The first row of `impaired.measure.mjs` once more, with a camera as cameras are on the bad path: its picture has noise, and so
// takes all that its layers may. A sending browser's estimate falls to 85 % of what it sends when a path grows longer; of the
// plain picture that browsers draw for tests that is too little for the largest layer, which it then leaves out for a while.

import { onBadPaths } from './support/bad_path.mjs';
import { FIVE_PERCENT, lossy } from './support/loss.mjs';

onBadPaths('camera.md', { noise: 3 });

lossy(FIVE_PERCENT);
