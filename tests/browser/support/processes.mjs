// Processes as the kernel shows them: to find them, and to end or halt them without a word.

import { readFileSync, readdirSync } from 'node:fs';
import { until } from './until.mjs';

/** `{ pid, parent, command }` of every process; one that goes while it is looked at is left out. */
function processes() {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const status = readFileSync(`/proc/${name}/stat`, 'utf8');
        // The name stands in brackets and may hold anything, so what follows is counted from the last one.
        const [state, parent] = status.slice(status.lastIndexOf(')') + 2).split(' ');
        if (state === 'Z') return [];
        return [{ pid: Number(name), parent: Number(parent), command: readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0') }];
      } catch {
        return [];
      }
    });
}

/** The media process that listens to the control socket in `directory`. */
export function mediaProcess(directory) {
  return processes().find(({ command }) => command.includes('media') && command.some((word) => word.startsWith(directory)))?.pid;
}

/** Every process of the browser that keeps its profile in `directory`. */
export function browserProcesses(directory) {
  return processes()
    .filter(({ command }) => command.some((word) => word.includes(directory)))
    .map(({ pid }) => pid);
}

/** Sends `signal` to each; one that has gone already needs none. */
export function signalAll(pids, signal) {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if (error.code !== 'ESRCH') throw error;
    }
  }
}

/** Ends processes as a power cut does, and waits until they are gone. */
export async function killAll(pids) {
  signalAll(pids, 'SIGKILL');
  await until('the processes are gone', () => !processes().some(({ pid }) => pids.includes(pid)));
}
