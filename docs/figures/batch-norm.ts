/**
 * Training with and without batch normalization: docs/figures/batch-norm.svg.
 *
 * node --conditions=@fakkel/source --import tsx docs/figures/batch-norm.ts
 *
 * Both networks of a panel start from the same weights and see the same batches.
 */
import { manualSeed, nn } from '@fakkel/core';
import { chart, COLORS, decade, type Panel, type Point, writeFigure } from './chart.js';
import { type Data, DeepNet, normalizedDigits, train } from './deep-net.js';

const STEPS = 200;

interface Setting {
  readonly title: string;
  readonly note: string;
  readonly lr: number;
  /** Of the weights; He's where there is none. */
  readonly std?: number;
}

const SETTINGS: readonly Setting[] = [
  { title: 'He initialization', note: 'learning rate 0.1', lr: 0.1 },
  { title: 'He initialization', note: 'learning rate 0.5', lr: 0.5 },
  { title: 'weights from N(0, 0.01²)', note: 'learning rate 0.5', lr: 0.5, std: 0.01 },
];

/** The loss of each step. */
async function curve(data: Data, { lr, std }: Setting, batchNorm: boolean): Promise<Point[]> {
  manualSeed(0);
  const net = new DeepNet({
    activation: (z) => z.relu(),
    weights: (w) =>
      std === undefined ? nn.init.kaimingNormal_(w, { nonlinearity: 'relu' }) : nn.init.normal_(w, 0, std),
    batchNorm,
  });
  const losses = await train(net, data, { lr, steps: STEPS });
  return smooth(losses).map((loss, step): Point => [step, loss]);
}

/** Mean of ten steps around each: single batches are noise. */
function smooth(values: readonly number[]): number[] {
  return values.map((_, i) => {
    const near = values.slice(Math.max(0, i - 5), i + 5);
    return near.reduce((a, b) => a + b) / near.length;
  });
}

/** The picture as SVG. */
export async function figure(): Promise<string> {
  const data = await normalizedDigits();
  const panels: Panel[] = [];
  for (const [i, setting] of SETTINGS.entries()) {
    panels.push({
      title: setting.title,
      note: setting.note,
      x: { name: 'step', min: 0, max: STEPS },
      y: { name: i === 0 ? 'cross-entropy (log scale)' : '', type: 'log', min: 0.001, max: 10, format: decade },
      series: [
        { name: 'without batch norm', color: COLORS[1], data: await curve(data, setting, false) },
        { name: 'with batch norm', color: COLORS[0], data: await curve(data, setting, true) },
      ],
    });
  }
  return chart({ panels, size: [340, 330], margin: [66, 50, 18, 54] });
}

await writeFigure(import.meta.url, figure);
