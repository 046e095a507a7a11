/**
 * Activation functions and their derivatives: docs/figures/activations.svg.
 *
 * node --conditions=@fakkel/source --import tsx docs/figures/activations.ts
 *
 * The derivatives are those that training uses: autograd's.
 */
import { grad, nn, stack, tensor, type Tensor } from '@fakkel/core';
import { chart, COLORS, type Panel, type Point, writeFigure } from './chart.js';

const F = nn.functional;

/** Two linear functions of one input, as a maxout unit may have learned them. */
const maxout = (x: Tensor): Tensor => F.maxout(stack([x.mul(-0.4).sub(0.2), x.mul(0.8).sub(0.8)], 1), 2).flatten();

const FUNCTIONS: readonly (readonly [title: string, note: string, f: (x: Tensor) => Tensor])[] = [
  ['sigmoid', '1 / (1 + exp(−z))', (x) => x.sigmoid()],
  ['tanh', 'tanh(z)', (x) => x.tanh()],
  ['ReLU', 'max(0, z)', (x) => x.relu()],
  ['leaky ReLU', 'max(0.1 z, z): slope 0.1 to be seen', (x) => F.leakyRelu(x, 0.1)],
  ['ELU', 'z, or exp(z) − 1 where z < 0', (x) => F.elu(x)],
  ['maxout', 'max(−0.4 z − 0.2, 0.8 z − 0.8)', maxout],
  ['GELU', 'z Φ(z)', (x) => F.gelu(x)],
  ['SiLU (swish)', 'z / (1 + exp(−z))', (x) => F.silu(x)],
];

/** The picture as SVG. */
export async function figure(): Promise<string> {
  const at = Array.from({ length: 101 }, (_, i) => (i - 50) / 10);
  const panels: Panel[] = [];
  for (const [title, note, f] of FUNCTIONS) {
    const x = tensor(at, { requiresGrad: true });
    const y = f(x);
    const [dx] = grad(y.sum(), [x]);
    const points = async (values: Tensor): Promise<Point[]> => Array.from(await values.data(), (v, i) => [at[i], v]);
    panels.push({
      title,
      note,
      x: { min: -5, max: 5, interval: 2.5, name: 'z' },
      y: { min: -1.5, max: 3, interval: 1.5 },
      series: [
        { name: 'g(z)', color: COLORS[0], data: await points(y) },
        { name: 'its derivative g′(z)', color: COLORS[1], data: await points(dx!), kind: 'dashed' },
      ],
    });
  }
  return chart({ panels, columns: 4, size: [262, 250], margin: [42, 46, 12, 48] });
}

await writeFigure(import.meta.url, figure);
