/**
 * AlexNet of 2012 as boxes: docs/figures/alexnet.svg.
 *
 * node --conditions=@fakkel/source --import tsx docs/figures/alexnet.ts
 */
import { nn } from '@fakkel/core';
import { alexnetOriginal, explainShapes } from '@fakkel/models';
import { writeFigure } from './chart.js';

/** The picture as SVG. */
export function figure(): string {
  const net = nn.utils.skipInit(() => alexnetOriginal());
  return explainShapes(net, [1, 3, 227, 227]).toSVG({ title: 'AlexNet' });
}

await writeFigure(import.meta.url, figure);
