/** The problem of `tools/goldens/optim.py`, and reading its goldens. */
import {
  Device,
  manualSeed,
  nn,
  Parameter,
  rand,
  randint,
  referenceBackend,
  setDefaultDevice,
  stats,
  tensor,
  type Tensor,
} from '@fakkel/core';
import { readFileSync } from 'node:fs';
import type { Optimizer, OptimizerStateDict } from '../src/index.js';

export type FloatType = 'float32' | 'float64';

export function golden<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`./goldens/${name}.json`, import.meta.url), 'utf8')) as T;
}

export function decode(base64: string, dtype: FloatType): Float32Array | Float64Array {
  const bytes = Uint8Array.from(Buffer.from(base64, 'base64')).buffer;
  return dtype === 'float32' ? new Float32Array(bytes) : new Float64Array(bytes);
}

/** Losses before each step, parameters and state after the last one. */
export interface Trajectory {
  losses: number[];
  params: string[];
  state: Record<string, Record<string, string | number>>;
}

const PROBLEM = golden<{ params: string[]; shapes: number[][]; x: string; y: string }>('optim/problem');

export interface Problem {
  readonly params: Parameter[];
  /** The loss before a step; the last parameter takes part in odd ones. */
  loss(step: number): Tensor;
}

export function problem(dtype: FloatType): Problem {
  const read = (base64: string, shape: number[]): Tensor =>
    tensor(decode(base64, 'float64'), { dtype: 'float64' }).reshape(shape).to(dtype);
  const params = PROBLEM.params.map(
    (p, i) => new Parameter(read(p, PROBLEM.shapes[i]), { name: ['w1', 'b1', 'w2', 'b2', 'extra'][i] }),
  );
  const [w1, b1, w2, b2, extra] = params as [Parameter, Parameter, Parameter, Parameter, Parameter];
  const x = read(PROBLEM.x, [8, 3]);
  const y = read(PROBLEM.y, [8, 2]);
  const loss = (step: number): Tensor => {
    const out = x.matmul(w1.transpose(0, 1)).add(b1).tanh().matmul(w2.transpose(0, 1)).add(b2);
    return (step % 2 === 1 ? out.add(extra) : out).sub(y).square().mean();
  };
  return { params, loss };
}

/** Steps `from` (included) to `to`; the losses. */
export async function train(
  optimizer: Optimizer,
  { loss }: Pick<Problem, 'loss'>,
  { from = 0, to = 10, between }: { from?: number; to?: number; between?: (step: number) => void } = {},
): Promise<number[]> {
  const losses: Tensor[] = [];
  for (let step = from; step < to; step++) {
    between?.(step);
    const value = await optimizer.step(() => {
      optimizer.zeroGrad();
      const value = loss(step);
      value.backward();
      return value;
    });
    losses.push(value);
  }
  return Promise.all(losses.map((value) => value.item()));
}

/** What `Trajectory` holds, of an optimizer here. */
export async function trajectoryOf(losses: number[], params: readonly Parameter[], stateDict: OptimizerStateDict) {
  const state: Record<string, Record<string, ArrayLike<number> | number>> = {};
  for (const [i, entries] of Object.entries(stateDict.state)) {
    state[i] = {};
    for (const [name, value] of Object.entries(entries)) {
      state[i][name] = typeof value === 'number' ? value : await (value as Tensor).data();
    }
  }
  return { losses, params: await Promise.all(params.map((p) => p.data())), state };
}

/** The largest |a − b| / max(1, |b|). */
export function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity;
  let max = 0;
  for (let i = 0; i < a.length; i++) {
    const d = Math.abs(a[i] - b[i]) / Math.max(1, Math.abs(b[i]));
    max = Number.isNaN(d) ? Infinity : Math.max(max, d);
  }
  return max;
}

/** The largest |a − b|, relative to the largest |b|; NaN and infinities must be in the same places. */
export function relative(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity;
  let [most, size] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    if (Number.isFinite(a[i]) && Number.isFinite(b[i])) {
      most = Math.max(most, Math.abs(a[i] - b[i]));
      size = Math.max(size, Math.abs(b[i]));
    } else if (!Object.is(a[i], b[i])) {
      return Infinity;
    }
  }
  return size === 0 ? most : most / size;
}

/** How far a trajectory is from its golden; Infinity where the state has other entries. */
export function distance(
  got: Awaited<ReturnType<typeof trajectoryOf>>,
  expected: Trajectory,
  dtype: FloatType,
): number {
  const parts = [
    relative(got.losses, expected.losses),
    ...got.params.map((p, i) => relative(p, decode(expected.params[i], dtype))),
  ];
  const names = (state: Record<string, object>): string =>
    Object.entries(state)
      .map(([i, entries]) => `${i}: ${Object.keys(entries).sort().join()}`)
      .filter((line) => !line.endsWith(': '))
      .join('; ');
  if (names(got.state) !== names(expected.state)) return Infinity;
  for (const [i, entries] of Object.entries(expected.state)) {
    for (const [name, value] of Object.entries(entries)) {
      const mine = got.state[i][name];
      parts.push(
        typeof value === 'number'
          ? relative([mine as number], [value])
          : relative(mine as ArrayLike<number>, decode(value, dtype)),
      );
    }
  }
  return Math.max(...parts);
}

/** A device that has compiled nothing yet, as the default one. */
export async function freshDevice(): Promise<Device> {
  const device = new Device('test', await referenceBackend.create({}));
  setDefaultDevice(device);
  return device;
}

/** What `make` throws. */
export function messageOf(make: () => unknown): string {
  try {
    make();
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
  return 'no error';
}

/** What every case throws, one line each: for one inline snapshot. */
export function messagesOf(cases: Readonly<Record<string, () => unknown>>): string {
  return Object.entries(cases)
    .map(([name, make]) => `${name}\n    ${messageOf(make).replaceAll('\n', '\n    ')}`)
    .join('\n');
}

/** What `fn` cost on the default device. */
export async function cost(fn: () => Promise<unknown>): Promise<{ compiles: number; runs: number }> {
  const before = stats();
  await fn();
  const after = stats();
  return { compiles: after.compiles - before.compiles, runs: after.runs - before.runs };
}

/** A parameter of two elements and a loss on it. */
export function small(): { p: Parameter; loss: () => Tensor } {
  const p = new Parameter(tensor([1, -2]), { name: 'p' });
  return { p, loss: () => p.square().sum() };
}

/** LeNet-5 as `lenet5()` of @fakkel/models, which depends on nothing here and so can't be imported. */
export class LeNet5 extends nn.Module {
  conv1 = new nn.Conv2d(1, 6, 5);
  conv2 = new nn.Conv2d(6, 16, 5);
  conv3 = new nn.Conv2d(16, 120, 5);
  fc1 = new nn.Linear(120, 84);
  fc2 = new nn.Linear(84, 10);

  override forward(x: Tensor): Tensor {
    x = this.conv1(x).relu().maxPool2d(2);
    x = this.conv2(x).relu().maxPool2d(2);
    x = this.conv3(x).relu().flatten(1);
    return this.fc2(this.fc1(x).relu());
  }
}

/** The same parameters in another precision. */
export function inDtype<M extends nn.Module>(net: M, dtype: FloatType): M {
  for (const module of net.modules()) {
    for (const [key, value] of Object.entries(module)) {
      if (value instanceof Parameter) Object.assign(module, { [key]: new Parameter(value.detach().to(dtype)) });
    }
  }
  return net;
}

/** LeNet-5 and the batches of `tools/goldens/lenet_optimizers.py`. */
export function lenet(dtype: FloatType): Problem & { net: LeNet5 } {
  const [images, batch] = [32, 4];
  manualSeed(0);
  const net = inDtype(new LeNet5(), dtype);
  manualSeed(1);
  const x = rand([images, 1, 32, 32], { dtype: 'float64' }).to(dtype);
  const y = randint(0, 10, [images]);
  const criterion = new nn.CrossEntropyLoss();
  const loss = (step: number): Tensor => {
    const at = (step * batch) % images;
    return criterion(net(x.narrow(0, at, batch)), y.narrow(0, at, batch));
  };
  return { net, params: net.parameters(), loss };
}
