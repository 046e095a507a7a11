/**
 * Two correlated features, normalized and whitened: docs/figures/whitening.svg.
 *
 * node --conditions=@fakkel/source --import tsx docs/figures/whitening.ts
 *
 * The ink of the upper and of the lower rows of 150 digits; the rows overlap, as neighbours in an image are alike.
 */
import { stack, tensor, type Tensor } from '@fakkel/core';
import { digits, PCAWhitening, RunningNormalizer, ZCAWhitening } from '@fakkel/data';
import { chart, COLORS, type Panel, type Point, writeFigure } from './chart.js';
import { matrixOf } from './two-by-two.js';

/** Population covariance of the columns. */
function covariance(x: Tensor): Tensor {
  const centred = x.sub(x.mean(0));
  return centred.t().matmul(centred).div(x.shape[0]);
}

async function panel(title: string, x: Tensor, limit: number, min = -limit): Promise<Panel> {
  const [a, b, c] = await matrixOf(covariance(x));
  const [r, axis] = [b / Math.sqrt(a * c), { min, max: limit, interval: (limit - min) / 4 }];
  const fixed = (value: number): string => value.toFixed(2).replace('-0.00', '0.00');
  return {
    title,
    note: `σ ${fixed(Math.sqrt(a))} and ${fixed(Math.sqrt(c))}, correlation ${fixed(r)}`,
    x: axis,
    y: axis,
    series: [
      {
        name: 'digits',
        color: COLORS[0],
        kind: 'points',
        opacity: 0.6,
        data: (await x.toArray()) as unknown as Point[],
      },
    ],
  };
}

/** The picture as SVG. */
export async function figure(): Promise<string> {
  const images = tensor(digits().images.data).reshape([-1, 8, 8]);
  const ink = (from: number, rows: number): Tensor => images.narrow(0, 0, 150).narrow(1, from, rows).mean([1, 2]);
  const x = stack([ink(0, 4), ink(0, 5)], 1).detach();
  const normalizer = await new RunningNormalizer(2).fit([x]);
  const [pca, zca] = [new PCAWhitening(2, { eps: 0 }), new ZCAWhitening(2, { eps: 0 })];
  for (const whitening of [pca, zca]) await whitening.fit([x]);
  return chart({
    panels: [
      await panel('As given', x, 0.6, 0),
      await panel('Zero mean, unit variance', normalizer(x), 4),
      await panel('PCA whitening', pca(x), 4),
      await panel('ZCA whitening', zca(x), 4),
    ],
    size: [262, 290],
    margin: [38, 46, 14, 30],
    legend: false,
  });
}

await writeFigure(import.meta.url, figure);
