/**
 * Test loss of Adam with an L2 penalty and of AdamW over weight decay and learning rate: docs/figures/weight-decay-grid.svg.
 *
 * node --conditions=@fakkel/source --import tsx docs/figures/weight-decay-grid.ts
 *
 * Few images, so that there is something to regularize: 256, for 25 epochs with the rate along half a cosine.
 */
import { referenceDevice, setDefaultDevice } from '@fakkel/core';
import { Adam, AdamW, CosineAnnealingLR } from '@fakkel/optim';
import { chart, COLORS, decade, type Panel, type Series, writeFigure } from './chart.js';
import { smallNet, test, train } from './digits-net.js';

const DECAYS = [0.0001, 0.001, 0.01, 0.1, 1, 10];
const [IMAGES, EPOCHS] = [256, 25];
const RATES = [0.01, 0.03];

/** The picture as SVG. */
export async function figure(): Promise<string> {
  setDefaultDevice(referenceDevice());
  const panels: Panel[] = [];
  for (const [title, Optimizer] of [
    ['Adam, L2 penalty in the gradient', Adam],
    ['AdamW, decoupled', AdamW],
  ] as const) {
    const series: Series[] = [];
    for (const [i, lr] of RATES.entries()) {
      const data: [number, number][] = [];
      for (const weightDecay of DECAYS) {
        const net = smallNet();
        const optimizer = new Optimizer(net.parameters(), { lr, weightDecay });
        const scheduler = new CosineAnnealingLR(optimizer, { tMax: EPOCHS });
        await train({
          net,
          optimizer,
          epochs: EPOCHS,
          images: IMAGES,
          afterEpoch: () => scheduler.step(),
        });
        const { loss } = await test(net);
        data.push([weightDecay, loss]);
      }
      series.push({ name: `learning rate ${lr}`, color: COLORS[i], kind: 'marked', data });
    }
    panels.push({
      title,
      x: { type: 'log', name: 'weight decay λ', min: 0.0001, max: 10, format: decade },
      y: { type: 'log', name: 'test loss', min: 0.1, max: 3, format: decade },
      series,
    });
  }
  return chart({ panels, size: [460, 340] });
}

await writeFigure(import.meta.url, figure);
