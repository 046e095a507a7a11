/**
 * Gradient descent on features of unequal and of equal scale: docs/figures/data-normalization.svg.
 *
 * node --conditions=@fakkel/source --import tsx docs/figures/data-normalization.ts
 *
 * Left and middle: two weights, so that the criterion can be drawn. A linear model tells the ones by the ink in two
 * columns of a digit, with squared error. Right: all 64 pixels and ten classes, with cross-entropy.
 */
import { manualSeed, nn, Parameter, rand, stack, tensor, type Tensor } from '@fakkel/core';
import { digits, RunningNormalizer } from '@fakkel/data';
import { SGD } from '@fakkel/optim';
import { chart, COLORS, type Panel, type Point, type Series, writeFigure } from './chart.js';
import { eigen, matrixOf } from './two-by-two.js';

const { images, labels } = digits();
const pixels = tensor(images.data).reshape([-1, 64]);
const classes = tensor(labels.data);

/** The loss over all digits, and gradient descent from `start` with the best constant learning rate: where it went. */
async function descend(x: Tensor, y: Tensor, start: Point): Promise<{ path: Point[]; contours: Point[][] }> {
  // L(w) = mean (x·w − y)² / 2 has the curvature H = xᵀx / N and its minimum at H⁻¹ xᵀy / N.
  const n = x.shape[0];
  const { values, vectors } = eigen(await matrixOf(x.t().matmul(x).div(n)));
  const slope = (await x.t().matmul(y.unsqueeze(1)).div(n).flatten().toArray()) as number[];
  const along = vectors.map((v, i) => (v[0] * slope[0] + v[1] * slope[1]) / values[i]);
  const at = (a: number, b: number): Point => [
    (along[0] + a) * vectors[0][0] + (along[1] + b) * vectors[1][0],
    (along[0] + a) * vectors[0][1] + (along[1] + b) * vectors[1][1],
  ];
  const ellipse = (excess: number): Point[] =>
    Array.from({ length: 73 }, (_, i) => {
      const [angle, radius] = [(i * Math.PI) / 36, Math.sqrt(2 * excess)];
      return at((radius * Math.cos(angle)) / Math.sqrt(values[0]), (radius * Math.sin(angle)) / Math.sqrt(values[1]));
    });
  const w = new Parameter(tensor(start));
  const optimizer = new SGD([w], { lr: 2 / (values[0] + values[1]) });
  const path: Point[] = [start];
  for (let step = 0; step < 12; step++) {
    optimizer.zeroGrad();
    x.matmul(w).sub(y).square().mean().div(2).backward();
    await optimizer.step();
    path.push((await w.toArray()) as unknown as Point);
  }
  return { path, contours: [0.004, 0.02, 0.05, 0.1, 0.17, 0.26].map(ellipse) };
}

/** Contours and path over two weights; the same length on both axes is the same weight. */
async function plane(title: string, x: Tensor, y: Tensor, start: Point, [left, right, low, high]: number[]) {
  const { path, contours } = await descend(x, y, start);
  return {
    title,
    x: { name: 'w₁', min: left, max: right, interval: 0.4 },
    y: { name: 'w₂', min: low, max: high, interval: 0.4 },
    series: [
      ...contours.map((data): Series => ({ name: 'equal loss', color: '#a8b3c2', data, width: 1.2 })),
      { name: '12 steps of gradient descent', color: COLORS[1], data: path, kind: 'marked' },
    ],
  } satisfies Panel;
}

/** The loss of a linear classifier at each step, with the learning rate of a grid that ends lowest. */
async function classifier(x: Tensor): Promise<{ lr: number; losses: number[] }> {
  let best = { lr: 0, losses: [Infinity] };
  for (const lr of [0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10]) {
    manualSeed(0);
    const net = new nn.Linear(64, 10);
    nn.init.zeros_(net.weight);
    const optimizer = new SGD(net.parameters(), { lr });
    const losses: number[] = [];
    for (let step = 0; step < 60; step++) {
      optimizer.zeroGrad();
      const loss = nn.functional.crossEntropy(net(x), classes);
      loss.backward();
      await optimizer.step();
      losses.push(await loss.item());
    }
    if (losses.at(-1)! < best.losses.at(-1)!) best = { lr, losses };
  }
  return best;
}

/** Ink of one column of each digit, less its mean: the model has no bias. */
function column(i: number): Tensor {
  const ink = pixels.reshape([-1, 8, 8]).select(2, i).mean(1);
  return ink.sub(ink.mean());
}

/** The picture as SVG. */
export async function figure(): Promise<string> {
  // The second feature as if it were measured in a unit four times smaller.
  const features = stack([column(2), column(3).mul(4)], 1).detach();
  const isOne = classes.eq(1).to('float32');
  const target = isOne.sub(isOne.mean()).detach();
  const normalizer = await new RunningNormalizer(2).fit([features]);
  const { std } = await normalizer.statistics();
  // The same model: w·x = (wσ)·(x / σ).
  const start: Point = [-1, 0.7];
  const same: Point = [start[0] * std[0], start[1] * std[1]];

  manualSeed(0);
  const units = rand([64]).mul(2).sub(1).mul(Math.LN10).exp(); // 0.1 to 10
  const scaled = pixels.mul(units).detach();
  const normal = (await new RunningNormalizer(64).fit([scaled]))(scaled).detach();
  const curves: Series[] = [];
  const rates: number[] = [];
  for (const [i, [name, x]] of (
    [
      ['scaled by 0.1 to 10', scaled],
      ['normalized', normal],
    ] as const
  ).entries()) {
    const { lr, losses } = await classifier(x);
    const data = losses.map((loss, step): Point => [step, loss]);
    rates.push(lr);
    curves.push({ name, color: COLORS[1 - i], data });
  }
  return chart({
    panels: [
      await plane('Unequal scale', features, target, start, [-1.2, 1.2, -1.2, 1.2]),
      await plane('Zero mean, unit variance', normalizer(features).detach(), target, same, [-1.2, 1.2, -1.2, 1.2]),
      {
        title: '64 pixels, ten classes',
        note: `best learning rates: ${rates.join(' and ')}`,
        x: { name: 'step', min: 0, max: 60 },
        y: { name: 'cross-entropy', min: 0 },
        series: curves,
      },
    ],
    size: [350, 350],
    margin: [66, 46, 18, 54],
  });
}

await writeFigure(import.meta.url, figure);
