/**
 * Adam with an L2 penalty against AdamW, how fast each weight decays: docs/figures/weight-decay.svg.
 *
 * node --conditions=@fakkel/source --import tsx docs/figures/weight-decay.ts
 *
 * A network is trained for six epochs without weight decay. From there on it trains for one more three times, on the
 * same batches: without decay, with the penalty, and with decoupled decay, so small that the gradients hardly
 * change. What the decay has taken of a weight, per step and per learning rate, is then its rate of decay: λ, as asked for?
 */
import { referenceDevice, setDefaultDevice } from '@fakkel/core';
import { Adam, AdamW } from '@fakkel/optim';
import { chart, COLORS, decade, type Panel, type Point, type Series, writeFigure } from './chart.js';
import { smallNet, train } from './digits-net.js';

const [LR, LAMBDA, STEPS] = [1e-3, 1e-3, 44];
const POINTS = 260;

interface Weight {
  readonly value: number;
  /** √v̂ of Adam: the root mean square of the weight's gradients. */
  readonly scale: number;
}

/** All weights after an epoch of further training, with their gradients' scales. */
async function after(kind: 'none' | 'L2' | 'decoupled'): Promise<Weight[]> {
  const net = smallNet();
  const warm = new Adam(net.parameters(), { lr: 3e-3 });
  await train({ net, optimizer: warm, epochs: 6 });
  const options = { lr: LR, weightDecay: kind === 'none' ? 0 : LAMBDA };
  const optimizer = kind === 'decoupled' ? new AdamW(net.parameters(), options) : new Adam(net.parameters(), options);
  const { state } = warm.stateDict();
  optimizer.loadStateDict({ ...optimizer.stateDict(), state });
  await train({ net, optimizer, epochs: 1 });
  const weights: Weight[] = [];
  const correction = 1 - 0.999 ** (7 * STEPS);
  const moments = Object.values(optimizer.stateDict().state);
  for (const [i, parameter] of [...net.parameters()].entries()) {
    const [values, squares] = [await parameter.data(), await (moments[i].exp_avg_sq as typeof parameter).data()];
    values.forEach((value: number, j: number) => weights.push({ value, scale: Math.sqrt(squares[j] / correction) }));
  }
  return weights;
}

/** The picture as SVG. */
export async function figure(): Promise<string> {
  setDefaultDevice(referenceDevice());
  const [none, l2, decoupled] = [await after('none'), await after('L2'), await after('decoupled')];
  const decay = (weights: readonly Weight[]): Point[] =>
    none
      .flatMap(({ value, scale }, i): Point[] => {
        const rate = (value - weights[i].value) / value / (LR * STEPS);
        return Math.abs(value) > 0.05 && rate > 0 ? [[scale, rate]] : [];
      })
      .sort(([a], [b]) => a - b)
      .filter((_, i, { length }) => i % Math.ceil(length / POINTS) === 0);
  const [from, to] = [0.005, 0.2];
  const [L2, W] = [COLORS[1], COLORS[0]];
  const series: Series[] = [
    { name: 'Adam, L2 penalty: measured', color: L2, kind: 'points', data: decay(l2) },
    {
      name: 'λ / √v̂',
      color: L2,
      kind: 'dashed',
      data: [from, to].map((scale) => [scale, LAMBDA / scale]),
    },
    { name: 'AdamW, decoupled: measured', color: W, kind: 'points', data: decay(decoupled) },
    { name: 'λ', color: W, kind: 'dashed', data: [from, to].map((scale) => [scale, LAMBDA]) },
  ];
  const panel: Panel = {
    title: 'What weight decay λ = 0.001 takes of each weight',
    note: `relative, per step and learning rate, over ${STEPS} steps; a dot is a weight`,
    x: { type: 'log', name: 'root mean square of the weight’s gradients, √v̂', min: from, max: to, format: decade },
    y: { type: 'log', name: 'rate of decay', min: 0.0003, max: 1, format: decade },
    series,
  };
  return chart({ panels: [panel], size: [720, 420], margin: [74, 46, 24, 54] });
}

await writeFigure(import.meta.url, figure);
