/**
 * The residual block of ResNet-18: docs/figures/residual-block.svg.
 *
 * node --conditions=@fakkel/source --import tsx docs/figures/residual-block.ts
 */
import { BasicBlock, explainShapes } from '@fakkel/models';
import { writeFigure } from './chart.js';

/** The picture as SVG. */
export function figure(): string {
  return explainShapes(new BasicBlock(64, 64), [1, 64, 56, 56]).toSVG({ title: 'Residual block' });
}

await writeFigure(import.meta.url, figure);
