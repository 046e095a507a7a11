/**
 * Training errors of plain and residual networks: docs/figures/degradation.svg.
 *
 * node --conditions=@fakkel/source --import tsx docs/figures/degradation.ts
 *
 * The numbers are those of a run of examples/degradation (`npm run degradation`), which takes too long to be made again
 * with the other figures; its results.json is kept beside that example.
 */
import { readFileSync } from 'node:fs';
import type { Results } from '../../examples/degradation/src/degradation.js';
import { figure as ofResults } from '../../examples/degradation/src/figure.js';
import { writeFigure } from './chart.js';

/** The picture as SVG. */
export function figure(): string {
  const file = new URL('../../examples/degradation/results.json', import.meta.url);
  return ofResults(JSON.parse(readFileSync(file, 'utf8')) as Results);
}

await writeFigure(import.meta.url, figure);
