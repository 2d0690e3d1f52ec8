// Curves for people to look at, drawn by the browser that is there anyway.

import path from 'node:path';
import { RESULTS } from './results.mjs';

const WIDTH = 1_200;
const PANEL = 190;
const LEFT = 110;
const RIGHT = 20;
const GAP = 34;
const COLOURS = ['#0b6e99', '#c2410c', '#3f7d20'];

/**
 * Draws panels one above the other over one time, into `results/NAME`. A panel is `{ title, unit, series: [{ name, points:
 * [[at, value]] }] }`, times in ms. Values hold until the next point. `marks` are `[at, word]`.
 */
export async function plot(browser, name, heading, panels, marks = []) {
  const times = panels.flatMap(({ series }) => series.flatMap(({ points }) => points.map(([at]) => at)));
  const [from, to] = [Math.min(...times), Math.max(...times)];
  const x = (at) => LEFT + ((at - from) / (to - from || 1)) * (WIDTH - LEFT - RIGHT);
  const height = 50 + panels.length * (PANEL + GAP);
  const parts = panels.map((panel, number) => drawn(panel, 50 + number * (PANEL + GAP), x, to));
  const lines = marks.map(([at, word]) => `<line x1="${x(at)}" y1="44" x2="${x(at)}" y2="${height - GAP}" class="mark"/><text x="${x(at) + 5}" y="46" class="small">${word}</text>`);
  const seconds = Array.from({ length: Math.floor((to - from) / 5_000) + 1 }, (_, n) => n * 5);
  const axis = seconds.map((n) => `<text x="${x(from + n * 1_000)}" y="${height - 12}" class="small" text-anchor="middle">${n} s</text>`);
  const page = await browser.page({ viewport: { width: WIDTH, height } });
  await page.setContent(`<style>
    body { margin: 0; background: #fff } text { font: 13px sans-serif; fill: #222 } .small { font-size: 11px; fill: #555 } .head { font-size: 17px }
    .frame { fill: none; stroke: #bbb } .grid { stroke: #e5e5e5 } .mark { stroke: #888; stroke-dasharray: 4 3 } polyline { fill: none; stroke-width: 1.8 }
  </style><svg width="${WIDTH}" height="${height}"><text x="${LEFT}" y="24" class="head">${heading}</text>${parts.join('')}${lines.join('')}${axis.join('')}</svg>`);
  await page.screenshot({ path: path.join(RESULTS, name) });
  await page.close();
}

function drawn({ title, unit, series }, top, x, end) {
  const most = Math.max(1, ...series.flatMap(({ points }) => points.map(([, value]) => value))) * 1.08;
  const y = (value) => top + PANEL - (value / most) * PANEL;
  const grid = [0.25, 0.5, 0.75].map((share) => most * share);
  const lines = grid.map((value) => `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(value)}" y2="${y(value)}" class="grid"/><text x="${LEFT - 8}" y="${y(value) + 4}" text-anchor="end" class="small">${Math.round(value)} ${unit}</text>`);
  const curves = series.map(({ points }, number) => {
    const steps = points.flatMap(([at, value], n) => {
      const until = points[n + 1]?.[0] ?? end;
      return [`${x(at).toFixed(1)},${y(value).toFixed(1)}`, `${x(until).toFixed(1)},${y(value).toFixed(1)}`];
    });
    return `<polyline points="${steps.join(' ')}" stroke="${COLOURS[number]}"/>`;
  });
  const legend = series.map(({ name }, number) => `<tspan fill="${COLOURS[number]}" dx="14">${name}</tspan>`);
  return `<rect x="${LEFT}" y="${top}" width="${WIDTH - LEFT - RIGHT}" height="${PANEL}" class="frame"/>${lines.join('')}${curves.join('')}<text x="${LEFT}" y="${top - 6}">${title}${legend.join('')}</text>`;
}
