/**
 * LeNet-5 of 1998 as boxes: docs/figures/lenet.svg.
 *
 * node --conditions=@fakkel/source --import tsx docs/figures/lenet.ts
 */
import { explainShapes, lenet5Original } from '@fakkel/models';
import { writeFigure } from './chart.js';

/** The picture as SVG. */
export function figure(): string {
  return explainShapes(lenet5Original(), [1, 1, 32, 32]).toSVG({ title: 'LeNet-5' });
}

await writeFigure(import.meta.url, figure);
