// Tables of what was measured, for people to look at: `results/`.

import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const RESULTS = path.join(path.dirname(fileURLToPath(import.meta.url)), '../results');

/** A table of Markdown that is written anew with each row: what was measured is there, whatever fails after it. */
export class Table {
  #file;
  #lines;

  constructor(name, heading, columns) {
    this.#file = path.join(RESULTS, name);
    this.#lines = [heading, '', line(columns), line(columns.map(() => '---'))];
  }

  async add(...rows) {
    this.#lines.push(...rows.map(line));
    await mkdir(RESULTS, { recursive: true });
    await writeFile(this.#file, `${this.#lines.join('\n')}\n`);
  }
}

const line = (cells) => `| ${cells.join(' | ')} |`;
