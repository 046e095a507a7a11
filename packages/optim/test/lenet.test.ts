/** LeNet-5 trained by every optimizer, two groups of parameters each, with PyTorch's numbers: tools/goldens/lenet_optimizers.py. */
import type { Parameter } from '@fakkel/core';
import { beforeEach, describe, expect, test } from 'vitest';
import * as optim from '../src/index.js';
import { decode, type FloatType, freshDevice, golden, lenet, relative, train } from './helpers.js';

interface Digest {
  sum: number;
  squares: number;
  every: number;
  samples: string;
}

interface Case extends Record<FloatType, { losses: string; params: Record<string, Digest> }> {
  optimizer: 'SGD';
  groups: [{ lr: number }, { lr: number }];
}

const CASES = [
  ...['sgd', 'nesterov', 'adagrad', 'adadelta', 'rmsprop', 'rmsprop-centered'],
  ...['adam', 'amsgrad', 'adamw', 'adamax', 'nadam', 'radam'],
];

/** How far a parameter is from its digest, relative to its largest element, and to its length. */
async function distance(parameter: Parameter, { sum, squares, every, samples }: Digest, dtype: FloatType) {
  const data = Array.from(await parameter.data());
  const sums = [data.reduce((a, v) => a + v, 0), Math.sqrt(data.reduce((a, v) => a + v * v, 0))];
  return Math.max(
    relative(
      data.filter((_, i) => i % every === 0),
      decode(samples, dtype),
    ),
    relative(sums, [sum, Math.sqrt(squares)]),
  );
}

beforeEach(() => freshDevice());

// float64: one step has errors of 1e-16, and training parts trajectories slowly. float32: PyTorch itself is up to 5e-6 from
// its float64.
describe.each<[FloatType, number, number]>([
  ['float64', 100, 1e-8],
  ['float32', 10, 1e-5],
])('%s, %i steps', (dtype, steps, tolerance) => {
  test.each(CASES)('%s', { timeout: 60_000 }, async (name) => {
    const { optimizer, groups, [dtype]: expected } = golden<Case>(`lenet/${name}`);
    const task = lenet(dtype);
    const losses = await train(
      new optim[optimizer]([
        { params: task.params.slice(0, 6), ...groups[0] },
        { params: task.params.slice(6), ...groups[1] },
      ]),
      task,
      { to: steps },
    );
    const expectedLosses = decode(expected.losses, 'float64');
    expect(Math.max(...losses.map((loss, i) => Math.abs(loss / expectedLosses[i] - 1)))).toBeLessThan(tolerance);
    for (const [key, p] of task.net.namedParameters()) {
      expect(await distance(p, expected.params[key], dtype), key).toBeLessThan(tolerance);
    }
  });
});
