/**
 * How the optimizers move in two dimensions, through an ill-conditioned valley and off a saddle:
 * docs/figures/optimizer-paths.svg.
 *
 * node --conditions=@fakkel/source --import tsx docs/figures/optimizer-paths.ts
 */
import { nn, type Parameter, referenceDevice, setDefaultDevice, tensor, type Tensor } from '@fakkel/core';
import { Adagrad, Adam, type Optimizer, RMSprop, SGD } from '@fakkel/optim';
import { chart, COLORS, type Panel, type Point, type Series, writeFigure } from './chart.js';

const STEPS = 30;

/** Twenty times as steep across as along. */
function valley(w: Tensor): Tensor {
  return w
    .square()
    .mul(tensor([1, 20]))
    .sum()
    .div(2);
}

/** x²/2 − y²/2 + y⁴/8: rises with x, falls with y to minima at y = ±√2. */
function saddle(w: Tensor): Tensor {
  const squares = w.square();
  return squares
    .mul(tensor([0.5, -0.5]))
    .add(squares.square().mul(tensor([0, 0.125])))
    .sum();
}

/** Lines of equal height. */
function valleyContour(height: number): Point[] {
  return circle.map((t) => [Math.sqrt(2 * height) * Math.cos(t), Math.sqrt(height / 10) * Math.sin(t)]);
}

/** Closed around a minimum below the saddle, around both above it: y² is at most, and below it also at least, a root. */
function saddleContour(height: number): Point[] {
  const root = Math.sqrt(1 + 2 * height);
  const highest = Math.sqrt(2 * (1 + root));
  const lowest = height < 0 ? Math.sqrt(2 * (1 - root)) : -highest;
  return circle.map((t) => {
    const y = (lowest + highest) / 2 + ((highest - lowest) / 2) * Math.sin(t);
    return [Math.sign(Math.cos(t)) * Math.sqrt(Math.max(0, 2 * height + y * y - y ** 4 / 4)), y];
  });
}

const circle = Array.from({ length: 49 }, (_, i) => (2 * Math.PI * i) / 48);

interface Rates {
  readonly sgd: number;
  readonly momentum: number;
  readonly adaptive: number;
}

type Make = (params: Iterable<Parameter>, rates: Rates) => Optimizer;

const OPTIMIZERS: readonly (readonly [name: string, make: Make])[] = [
  ['SGD', (params, { sgd }) => new SGD(params, { lr: sgd })],
  ['momentum 0.9', (params, { momentum }) => new SGD(params, { lr: momentum, momentum: 0.9 })],
  ['Nesterov 0.9', (params, { momentum }) => new SGD(params, { lr: momentum, momentum: 0.9, nesterov: true })],
  ['Adagrad', (params, { adaptive }) => new Adagrad(params, { lr: 3 * adaptive })],
  ['RMSprop', (params, { adaptive }) => new RMSprop(params, { lr: adaptive / 3, alpha: 0.9 })],
  ['Adam', (params, { adaptive }) => new Adam(params, { lr: adaptive })],
];

async function path(make: Make, f: (w: Tensor) => Tensor, start: Point, rates: Rates): Promise<Point[]> {
  const w = new nn.Parameter(tensor([...start]));
  const optimizer = make([w], rates);
  const points: Point[] = [start];
  for (let i = 0; i < STEPS; i++) {
    optimizer.zeroGrad();
    f(w).backward();
    await optimizer.step();
    const [x, y] = await w.data();
    points.push([x, y]);
  }
  return points;
}

function background(contour: (height: number) => Point[], heights: readonly number[]): Series[] {
  return heights.map((height) => ({ name: '', color: '#c3c9d1', width: 1, data: contour(height) }));
}

async function panel(
  of: Pick<Panel, 'title' | 'note' | 'x' | 'y'>,
  f: (w: Tensor) => Tensor,
  start: Point,
  rates: Rates,
  contours: Series[],
): Promise<Panel> {
  const paths: Series[] = [];
  for (const [i, [name, make]] of OPTIMIZERS.entries()) {
    const points = await path(make, f, start, rates);
    paths.push({ name, color: COLORS[i], kind: 'marked', width: 1.6, data: points });
  }
  const origin: Series = { name: '', color: '#24292f', kind: 'points', width: 9, data: [start] };
  return { ...of, series: [...contours, ...paths, origin] };
}

/** The picture as SVG. */
export async function figure(): Promise<string> {
  setDefaultDevice(referenceDevice());
  const across: Panel = await panel(
    {
      title: 'An ill-conditioned valley: (x² + 20 y²) / 2',
      note: 'each dot a step; the minimum is at (0, 0)',
      x: { min: -5, max: 2, interval: 1, name: 'x' },
      y: { min: -1, max: 1, interval: 0.5, name: 'y' },
    },
    valley,
    [-4, 0.8],
    { sgd: 0.09, momentum: 0.02, adaptive: 0.3 },
    background(valleyContour, [0.05, 0.3, 1, 2.2, 4, 6.5, 10]),
  );
  const off: Panel = await panel(
    {
      title: 'A saddle: (x² − y²) / 2 + y⁴ / 8',
      note: 'the saddle is at (0, 0), the minima at (0, ±1.41)',
      x: { min: -1.25, max: 1, interval: 0.25, name: 'x' },
      y: { min: -0.5, max: 2, interval: 0.5, name: 'y' },
    },
    saddle,
    [-1, 0.001],
    { sgd: 0.1, momentum: 0.1, adaptive: 0.1 },
    background(saddleContour, [-0.45, -0.3, -0.12, 0, 0.12, 0.3, 0.6]),
  );
  return chart({ panels: [across, off], size: [520, 400], margin: [62, 46, 18, 52] });
}

await writeFigure(import.meta.url, figure);
