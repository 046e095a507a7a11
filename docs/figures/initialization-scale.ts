/**
 * What eight layers put out when their weights are too small or too large: docs/figures/initialization-scale.svg.
 *
 * node --conditions=@fakkel/source --import tsx docs/figures/initialization-scale.ts
 */
import { nn } from '@fakkel/core';
import { chart, writeFigure } from './chart.js';
import { LAYOUT, row, type Run } from './histograms.js';

const normal = (std: number, title: string): Run => ({
  title,
  activation: (z) => z.tanh(),
  weights: (w) => nn.init.normal_(w, 0, std),
  range: [-1, 1],
});
const RUNS = [
  normal(0.01, 'tanh, weights from N(0, 0.01²): too small'),
  normal(1, 'tanh, weights from N(0, 1): too large'),
];

/** The picture as SVG. */
export async function figure(): Promise<string> {
  const rows = [];
  for (const run of RUNS) rows.push(await row(run));
  return chart({ panels: rows.flatMap(({ panels }) => panels), rows: rows.map(({ title }) => title), ...LAYOUT });
}

await writeFigure(import.meta.url, figure);
