/**
 * The learning rates that the schedulers give over a run: docs/figures/schedules.svg.
 *
 * node --conditions=@fakkel/source --import tsx docs/figures/schedules.ts
 */
import { nn, ones } from '@fakkel/core';
import {
  CosineAnnealingLR,
  CosineAnnealingWarmRestarts,
  CyclicLR,
  ExponentialLR,
  InverseSqrtLR,
  LinearLR,
  type LRScheduler,
  MultiStepLR,
  OneCycleLR,
  type Optimizer,
  PolynomialLR,
  SequentialLR,
  SGD,
  StepLR,
} from '@fakkel/optim';
import { chart, COLORS, type Panel, type Point, writeFigure } from './chart.js';

const EPOCHS = 60;

type Make = (optimizer: Optimizer) => Pick<LRScheduler, 'step'>;

const SCHEDULES: readonly (readonly [title: string, note: string, make: Make])[] = [
  ['ExponentialLR', '0.95^epoch', (o) => new ExponentialLR(o, { gamma: 0.95 })],
  ['InverseSqrtLR', 'k / √epoch', (o) => new InverseSqrtLR(o, { k: 1 })],
  ['StepLR', 'a tenth every 20 epochs', (o) => new StepLR(o, { stepSize: 20 })],
  ['MultiStepLR', 'a tenth after 30 and 45', (o) => new MultiStepLR(o, { milestones: [30, 45] })],
  ['PolynomialLR', '(1 − epoch / 60)²', (o) => new PolynomialLR(o, { totalIters: EPOCHS, power: 2 })],
  ['CosineAnnealingLR', 'half a cosine', (o) => new CosineAnnealingLR(o, { tMax: EPOCHS })],
  [
    'CosineAnnealingWarmRestarts',
    'again after 8, each twice as long',
    (o) => new CosineAnnealingWarmRestarts(o, { t0: 8, tMult: 2 }),
  ],
  [
    'CyclicLR',
    'triangular2: halved each cycle',
    (o) => new CyclicLR(o, { baseLr: 0.005, maxLr: 0.1, stepSizeUp: 10, mode: 'triangular2', cycleMomentum: false }),
  ],
  [
    'OneCycleLR',
    'up, then down to almost 0',
    (o) => new OneCycleLR(o, { maxLr: 0.1, totalSteps: EPOCHS + 1, cycleMomentum: false }),
  ],
  [
    'LinearLR, then a cosine',
    'warm-up, with SequentialLR',
    (o) => {
      const warmUp = new LinearLR(o, { startFactor: 0.05, totalIters: 6 });
      return new SequentialLR(o, [warmUp, new CosineAnnealingLR(o, { tMax: EPOCHS - 6 })], { milestones: [6] });
    },
  ],
];

async function rates(make: Make): Promise<Point[]> {
  const net = new nn.Linear(1, 1);
  const optimizer = new SGD(net.parameters(), { lr: 0.1 });
  const scheduler = make(optimizer);
  const points: Point[] = [];
  for (let epoch = 0; epoch <= EPOCHS; epoch++) {
    points.push([epoch, optimizer.paramGroups[0].lr]);
    optimizer.zeroGrad();
    net(ones(1, 1)).sum().backward();
    await optimizer.step();
    if (epoch < EPOCHS) scheduler.step();
  }
  return points;
}

/** The picture as SVG. */
export async function figure(): Promise<string> {
  const panels: Panel[] = [];
  for (const [title, note, make] of SCHEDULES) {
    panels.push({
      title,
      note,
      x: { min: 0, max: EPOCHS, interval: 20, name: 'epoch' },
      y: { min: 0, max: 0.1, interval: 0.05 },
      series: [{ name: 'learning rate', color: COLORS[0], kind: 'step', data: await rates(make) }],
    });
  }
  return chart({ panels, columns: 5, size: [262, 228], margin: [44, 46, 14, 46], legend: false });
}

await writeFigure(import.meta.url, figure);
