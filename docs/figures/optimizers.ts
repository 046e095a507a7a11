/**
 * Loss curves of the optimizers on the same start, each at its best rate of a grid: docs/figures/optimizers.svg.
 *
 * node --conditions=@fakkel/source --import tsx docs/figures/optimizers.ts
 *
 * The grid is the same for all of them, 0.001 to 1 in half decades, and the best is the one with the lowest mean training
 * loss in the last of five epochs.
 */
import { type Parameter, referenceDevice, setDefaultDevice } from '@fakkel/core';
import { Adagrad, Adam, AdamW, type Optimizer, RMSprop, SGD } from '@fakkel/optim';
import { chart, COLORS, decade, type Panel, type Series, writeFigure } from './chart.js';
import { mean, smallNet, smoothed, train } from './digits-net.js';

const RATES = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1];
const [EPOCHS, STEPS] = [5, 44];

type Make = (params: Iterable<Parameter>, lr: number) => Optimizer;

const OPTIMIZERS: readonly (readonly [name: string, make: Make])[] = [
  ['SGD', (params, lr) => new SGD(params, { lr })],
  ['momentum 0.9', (params, lr) => new SGD(params, { lr, momentum: 0.9 })],
  ['Nesterov 0.9', (params, lr) => new SGD(params, { lr, momentum: 0.9, nesterov: true })],
  ['Adagrad', (params, lr) => new Adagrad(params, { lr })],
  ['RMSprop', (params, lr) => new RMSprop(params, { lr })],
  ['Adam', (params, lr) => new Adam(params, { lr })],
  ['AdamW', (params, lr) => new AdamW(params, { lr })],
];

/** The picture as SVG. */
export async function figure(): Promise<string> {
  setDefaultDevice(referenceDevice());
  const curves: Series[] = [];
  const grid: Series[] = [];
  for (const [i, [name, make]] of OPTIMIZERS.entries()) {
    const runs: number[][] = [];
    for (const lr of RATES) {
      const net = smallNet();
      runs.push(await train({ net, optimizer: make(net.parameters(), lr), epochs: EPOCHS }));
    }
    const last = runs.map((losses) => mean(losses.slice(-STEPS)));
    const best = last.indexOf(Math.min(...last));
    console.log(`${name}: ${RATES[best]}, loss ${last[best].toFixed(3)}`);
    const [color, kind] = [COLORS[i], name === 'AdamW' || name.startsWith('Nesterov') ? 'dashed' : 'line'] as const;
    curves.push({ name, color, kind, data: smoothed(runs[best], 11, STEPS) });
    grid.push({ name, color, kind: 'marked', data: RATES.map((lr, k) => [lr, last[k]]) });
  }
  const loss = { type: 'log', name: 'training loss', min: 0.03, max: 3, format: decade } as const;
  const epochs = { name: 'epoch', min: 0, max: EPOCHS, interval: 1 };
  const panels: Panel[] = [
    {
      title: 'Each at its best rate',
      note: 'mean over 11 batches; same weights at the start, same batches',
      x: epochs,
      y: loss,
      series: curves,
    },
    {
      title: 'How much the rate matters',
      note: 'mean loss of the fifth epoch; 2.3 = ln 10 is chance',
      x: { type: 'log', name: 'learning rate', min: 0.001, max: 1, format: decade },
      y: { ...loss, min: 0.03 },
      series: grid,
    },
  ];
  return chart({ panels, size: [500, 400], margin: [66, 46, 22, 52] });
}

await writeFigure(import.meta.url, figure);
