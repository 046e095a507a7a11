/**
 * The staircase of step decay: docs/figures/step-decay.svg.
 *
 * node --conditions=@fakkel/source --import tsx docs/figures/step-decay.ts
 *
 * Images are moved by up to a pixel at random and batches have eight of them, so that the gradient stays noisy to the
 * end: on 1,408 images that never change, the loss would go to zero, and the noise with it.
 */
import { referenceDevice, setDefaultDevice } from '@fakkel/core';
import { MultiStepLR, SGD } from '@fakkel/optim';
import { chart, COLORS, decade, type Panel, type Series, writeFigure } from './chart.js';
import { smallNet, smoothed, train } from './digits-net.js';

const [EPOCHS, BATCH, STEPS] = [24, 8, 176];
const MILESTONES = [6, 12, 18];

/** The picture as SVG. */
export async function figure(): Promise<string> {
  setDefaultDevice(referenceDevice());
  const rates: Series[] = [];
  const losses: Series[] = [];
  for (const [name, color, milestones] of [
    ['constant rate', COLORS[5], []],
    ['step decay: a third after epochs 6, 12 and 18', COLORS[0], MILESTONES],
  ] as const) {
    const net = smallNet();
    const optimizer = new SGD(net.parameters(), { lr: 0.02, momentum: 0.9 });
    const scheduler = new MultiStepLR(optimizer, { milestones, gamma: 1 / 3 });
    const rate: [number, number][] = [[0, optimizer.paramGroups[0].lr]];
    const afterEpoch = (epoch: number): void => {
      scheduler.step();
      rate.push([epoch, optimizer.paramGroups[0].lr]);
    };
    const steps = await train({ net, optimizer, epochs: EPOCHS, batchSize: BATCH, move: true, afterEpoch });
    losses.push({ name, color, data: smoothed(steps, STEPS, STEPS) });
    rates.push({ name, color, kind: 'step', data: rate });
  }
  const x = { name: 'epoch', min: 0, max: EPOCHS, interval: 6 };
  const log = { type: 'log', format: decade } as const;
  const panels: Panel[] = [
    { title: 'Learning rate', x, y: { ...log, name: 'rate', min: 0.0001, max: 0.1 }, series: rates },
    {
      title: 'Training loss',
      x,
      y: { ...log, name: 'loss, mean of an epoch', min: 0.05, max: 3 },
      series: losses,
    },
  ];
  return chart({ panels, size: [460, 340] });
}

await writeFigure(import.meta.url, figure);
