/**
 * Histograms of what each layer of the deep network puts out while it trains, gathered by forward hooks.
 */
import { manualSeed, noGrad, type Tensor } from '@fakkel/core';
import { COLORS, type Panel, type Point, type Series } from './chart.js';
import { type Data, DeepNet, type DeepOptions, LAYERS, normalizedDigits, train } from './deep-net.js';

export const [STEPS, LEARNING_RATE] = [100, 0.05];

export interface Run extends DeepOptions {
  /** What it is: the title of its row. */
  readonly title: string;
  /** Of the histograms. */
  readonly range: Point;
}

/** The activations of one layer for all digits. */
interface Activations {
  readonly values: Float32Array;
  readonly std: number;
}

/** The activations of every layer, first to last. */
async function activations(net: DeepNet, data: Data): Promise<Activations[]> {
  const outputs: Tensor[] = [];
  const hooks = Array.from(net.hidden, (layer) =>
    layer.registerForwardHook((_, __, y) => void outputs.push(y as Tensor)),
  );
  noGrad(() => net(data.x));
  for (const hook of hooks) hook.remove();
  return Promise.all(
    outputs.map(async (y) => ({
      values: (await y.data()) as Float32Array,
      std: await y.std().item(),
    })),
  );
}

/** The share of the values in each of 40 bins, at its left edge. A ReLU's zeros are no part of it. */
function histogram(values: Float32Array, [min, max]: Point, bins = 40): Point[] {
  const counts = new Array<number>(bins).fill(0);
  for (const v of values) {
    const bin = Math.floor(((v - min) / (max - min)) * bins);
    if (v !== 0 && bin >= 0 && (bin < bins || v === max)) counts[Math.min(bin, bins - 1)]++;
  }
  const edge = (i: number): number => min + ((max - min) * i) / bins;
  const share = (i: number): number => (100 * counts[Math.min(i, bins - 1)]) / values.length;
  return Array.from({ length: bins + 1 }, (_, i): Point => [edge(i), share(i)]);
}

/** Two digits, as a power of ten where it is small. */
const short = (x: number): string => (x >= 0.01 ? x.toFixed(2) : x.toExponential(0));

/** A row of panels, one a layer, before training and after; and the loss that was reached. */
export async function row(run: Run): Promise<{ title: string; panels: Panel[] }> {
  const data = await normalizedDigits();
  manualSeed(0);
  const net = new DeepNet(run);
  const before = await activations(net, data);
  const losses = await train(net, data, { lr: LEARNING_RATE, steps: STEPS });
  const after = await activations(net, data);
  const x = { min: run.range[0], max: run.range[1] };
  const series = (i: number): Series[] => [
    {
      name: 'before training',
      color: COLORS[5],
      data: histogram(before[i].values, run.range),
      kind: 'step',
      width: 1.2,
    },
    { name: `after ${STEPS} steps`, color: COLORS[0], data: histogram(after[i].values, run.range), kind: 'histogram' },
  ];
  const panels = Array.from({ length: LAYERS }, (_, i) => ({
    title: `layer ${i + 1}`,
    note: `σ ${short(before[i].std)} → ${short(after[i].std)}`,
    x: { ...x, interval: (x.max - x.min) / 2 },
    y: { show: false, min: 0 },
    series: series(i),
  }));
  const end = losses.slice(-10).reduce((a, b) => a + b, 0) / 10;
  return { title: `${run.title}: cross-entropy ${losses[0].toFixed(2)} → ${end.toFixed(2)}`, panels };
}

/** How rows of eight panels are laid out. */
export const LAYOUT = { columns: LAYERS, size: [132, 150], margin: [12, 42, 12, 30] } as const;
