/**
 * The first steps of Adam with and without bias correction: docs/figures/adam-bias-correction.svg.
 *
 * node --conditions=@fakkel/source --import tsx docs/figures/adam-bias-correction.ts
 */
import { nn, type Parameter, referenceDevice, setDefaultDevice, tensor } from '@fakkel/core';
import { Adam } from '@fakkel/optim';
import { chart, COLORS, decade, type Panel, type Point, type Series, writeFigure } from './chart.js';
import { smallNet, smoothed, train } from './digits-net.js';

const RATES = [0.01, 0.05];
const [EPOCHS, STEPS] = [4, 44];

/** How far a weight goes in each step, in learning rates, when its gradient is always the same. */
async function constantGradient(biasCorrection: boolean): Promise<Point[]> {
  const w: Parameter = new nn.Parameter(tensor([0]));
  const optimizer = new Adam([w], { lr: 1, biasCorrection });
  const points: Point[] = [];
  let before = 0;
  for (let step = 1; step <= 3000; step++) {
    optimizer.zeroGrad();
    w.mul(5).sum().backward();
    await optimizer.step();
    const now = await w.item();
    if (step < 10 || step % 10 ** Math.floor(Math.log10(step)) === 0) points.push([step, before - now]);
    before = now;
  }
  return points;
}

/** The picture as SVG. */
export async function figure(): Promise<string> {
  setDefaultDevice(referenceDevice());
  const lengths: Series[] = [];
  const losses: Series[][] = RATES.map(() => []);
  for (const [name, color, biasCorrection] of [
    ['with bias correction', COLORS[0], true],
    ['without', COLORS[1], false],
  ] as const) {
    lengths.push({ name, color, data: await constantGradient(biasCorrection) });
    for (const [i, lr] of RATES.entries()) {
      const net = smallNet();
      const optimizer = new Adam(net.parameters(), { lr, biasCorrection });
      const data = smoothed(await train({ net, optimizer, epochs: EPOCHS }), 11, STEPS);
      losses[i].push({ name, color, data });
    }
  }
  const panels: Panel[] = [
    {
      title: 'Length of a step',
      note: 'one weight with a constant gradient; in learning rates',
      x: { type: 'log', name: 'step', min: 1, max: 3000, format: decade },
      y: { min: 0, max: 8, interval: 2 },
      series: lengths,
    },
    ...RATES.map((lr, i) => ({
      title: `Training loss, learning rate ${lr}`,
      note: 'the digits; means of 11 batches',
      x: { name: 'epoch', min: 0, max: EPOCHS, interval: 1 },
      y: { type: 'log' as const, min: 0.03, max: 3, format: decade },
      series: losses[i],
    })),
  ];
  return chart({ panels, size: [350, 320], margin: [54, 46, 22, 52] });
}

await writeFigure(import.meta.url, figure);
