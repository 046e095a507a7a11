/**
 * What eight layers put out with the initialization that is made for their activation: docs/figures/activation-histograms.svg.
 *
 * node --conditions=@fakkel/source --import tsx docs/figures/activation-histograms.ts
 */
import { nn } from '@fakkel/core';
import { chart, writeFigure } from './chart.js';
import { LAYOUT, row, type Run } from './histograms.js';

const RUNS: readonly Run[] = [
  {
    title: 'tanh, Xavier initialization',
    activation: (z) => z.tanh(),
    weights: (w) => nn.init.xavierNormal_(w),
    range: [-1, 1],
  },
  {
    title: 'ReLU, He initialization (half of the activations are 0, not drawn)',
    activation: (z) => z.relu(),
    weights: (w) => nn.init.kaimingNormal_(w, { nonlinearity: 'relu' }),
    range: [0, 4],
  },
];

/** The picture as SVG. */
export async function figure(): Promise<string> {
  const rows = [];
  for (const run of RUNS) rows.push(await row(run));
  return chart({ panels: rows.flatMap(({ panels }) => panels), rows: rows.map(({ title }) => title), ...LAYOUT });
}

await writeFigure(import.meta.url, figure);
