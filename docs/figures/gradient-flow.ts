/**
 * How much of the gradient reaches each layer of a deep network, and what it learns: docs/figures/gradient-flow.svg.
 *
 * node --conditions=@fakkel/source --import tsx docs/figures/gradient-flow.ts
 */
import { manualSeed, nn } from '@fakkel/core';
import { chart, COLORS, decade, type Point, type Series, writeFigure } from './chart.js';
import { type Activation, BATCH, type Data, DeepNet, LAYERS, normalizedDigits, train } from './deep-net.js';

const { kaimingNormal_, xavierNormal_ } = nn.init;

/** Each activation with the initialization that is made for it: what is left of the difference is its own. */
const NETS: readonly (readonly [name: string, activation: Activation, weights: (w: nn.Linear['weight']) => unknown])[] =
  [
    ['sigmoid', (z) => z.sigmoid(), (w) => xavierNormal_(w)],
    ['tanh', (z) => z.tanh(), (w) => xavierNormal_(w)],
    ['ReLU', (z) => z.relu(), (w) => kaimingNormal_(w, { nonlinearity: 'relu' })],
  ];

/** ‖∂L/∂W‖ of each hidden layer for the first digits, the first layer first. */
async function gradientNorms(net: DeepNet, { x, y }: Data): Promise<number[]> {
  nn.functional.crossEntropy(net(x.narrow(0, 0, BATCH)), y.narrow(0, 0, BATCH)).backward();
  const norms = await Promise.all(
    Array.from(net.hidden, ({ linear }) => linear.weight.grad!.square().sum().sqrt().item()),
  );
  net.zeroGrad();
  return norms;
}

/** The picture as SVG. */
export async function figure(): Promise<string> {
  const data = await normalizedDigits();
  const flow: Series[] = [];
  const learning: Series[] = [];
  for (const [i, [name, activation, weights]] of NETS.entries()) {
    manualSeed(0);
    const net = new DeepNet({ activation, weights });
    const style = { name, color: COLORS[i] };
    const norms = await gradientNorms(net, data);
    flow.push({ ...style, kind: 'marked', data: norms.map((norm, layer): Point => [layer + 1, norm]) });
    const losses = await train(net, data, { lr: 0.05, steps: 300 });
    learning.push({ ...style, data: losses.map((loss, step): Point => [step, loss]) });
  }
  return chart({
    panels: [
      {
        title: 'Norm of the gradient before the first step',
        x: { name: 'layer (1 is next to the input)', min: 1, max: LAYERS, interval: 1 },
        y: { name: '‖∂L/∂W‖ (log scale)', type: 'log', format: decade },
        series: flow,
      },
      {
        title: 'Training',
        x: { name: 'step', min: 0, max: 300 },
        y: { name: 'cross-entropy', min: 0 },
        series: learning,
      },
    ],
    size: [440, 330],
  });
}

await writeFigure(import.meta.url, figure);
