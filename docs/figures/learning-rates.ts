/**
 * Loss curves for learning rates from too low to too high: docs/figures/learning-rates.svg.
 *
 * node --conditions=@fakkel/source --import tsx docs/figures/learning-rates.ts
 */
import { referenceDevice, setDefaultDevice } from '@fakkel/core';
import { SGD } from '@fakkel/optim';
import { chart, COLORS, decade, type Series, writeFigure } from './chart.js';
import { smallNet, smoothed, train } from './digits-net.js';

const RATES = [
  [0.0003, 'much too low', COLORS[0]],
  [0.003, 'low', COLORS[7]],
  [0.03, 'good', COLORS[2]],
  [0.08, 'high', COLORS[1]],
  [0.5, 'too high', COLORS[4]],
] as const;
const [EPOCHS, STEPS] = [12, 44];

/** The picture as SVG. */
export async function figure(): Promise<string> {
  setDefaultDevice(referenceDevice());
  const series: Series[] = [];
  for (const [lr, name, color] of RATES) {
    const net = smallNet();
    const losses = await train({ net, optimizer: new SGD(net.parameters(), { lr, momentum: 0.9 }), epochs: EPOCHS });
    series.push({ name: `${lr}: ${name}`, color, data: smoothed(losses, 11, STEPS) });
  }
  const x = { name: 'epoch', min: 0, max: EPOCHS, interval: 2 };
  const panels = [
    { title: 'On a linear axis', x, y: { name: 'training loss', min: 0, max: 2.5, interval: 0.5 }, series },
    {
      title: 'On a logarithmic axis',
      x,
      y: { type: 'log' as const, name: 'training loss', min: 0.001, max: 3, format: decade },
      series,
    },
  ];
  return chart({ panels, size: [460, 340] });
}

await writeFigure(import.meta.url, figure);
