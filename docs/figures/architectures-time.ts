/**
 * Top-1 accuracy over the time of inference, after Canziani et al. 2016: docs/figures/architectures-time.svg. The times are
 * of one run of measure-architectures.ts, kept in architectures-time.json.
 *
 * node --conditions=@fakkel/source --import tsx docs/figures/architectures-time.ts
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { comparisonOf, type ComparisonRow, type ModelComparison } from '@fakkel/models';
import { writeFigure } from './chart.js';

/** The picture as SVG. */
export async function figure(): Promise<string> {
  const { rows, measured } = JSON.parse(readFileSync(join(import.meta.dirname, 'architectures-time.json'), 'utf8')) as {
    rows: ComparisonRow[];
    measured: ModelComparison['measured'];
  };
  return comparisonOf(rows, measured).toSVG({ x: 'inference' });
}

await writeFigure(import.meta.url, figure);
