/**
 * The first Inception block of GoogLeNet: docs/figures/inception.svg.
 *
 * node --conditions=@fakkel/source --import tsx docs/figures/inception.ts
 */
import { explainShapes, Inception } from '@fakkel/models';
import { writeFigure } from './chart.js';

/** The picture as SVG. */
export function figure(): string {
  const block = new Inception(192, 64, 96, 128, 16, 32, 32);
  return explainShapes(block, [1, 192, 28, 28]).toSVG({ title: 'Inception 3a' });
}

await writeFigure(import.meta.url, figure);
