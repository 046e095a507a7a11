/** The composites that the reference backend runs natively, each against its formula written out. */
import { describe, expect, test } from 'vitest';
import { allocate, type DType } from '../../dtype.js';
import { threefryUniform } from '../../random/threefry.js';
import type { Attrs } from '../../program/program.js';
import { type Shape, sizeOf } from '../../shape.js';
import { runKernel } from './index.js';

function tensor(shape: Shape, values: ArrayLike<number>, dtype: DType = 'float64') {
  const data = allocate(dtype, sizeOf(shape));
  data.set(values);
  return { data, aval: { shape, dtype } };
}
type Host = ReturnType<typeof tensor>;
const noise = (shape: Shape, seed: number): Host =>
  tensor(
    shape,
    Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin((i + 1) * (seed + 0.7)) * 2),
  );
const scalar = (value: number): Host => tensor([], [value]);

function run(op: string, attrs: Attrs, inputs: Host[], ...shapes: Shape[]): number[][] {
  return runKernel(
    op,
    attrs,
    inputs,
    shapes.map((shape) => ({ shape, dtype: inputs[0].aval.dtype })),
  ).map((y) => Array.from(y));
}

function close(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-12): void {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < actual.length; i++) {
    if (!(Math.abs(actual[i] - expected[i]) <= tolerance)) expect(actual[i]).toBe(expected[i]);
  }
}

/** d/dx Σ g·f(x) by central differences. */
function numericGradient(f: (x: Host) => number[], x: Host, g: ArrayLike<number>): number[] {
  const h = 1e-5;
  const value = (i: number, by: number): number => {
    const moved = tensor(x.aval.shape, x.data);
    moved.data[i] += by;
    return f(moved).reduce((sum, y, k) => sum + y * g[k], 0);
  };
  return Array.from(x.data, (_, i) => (value(i, h) - value(i, -h)) / (2 * h));
}

describe('softmax', () => {
  const shape = [2, 3, 4];
  const x = noise(shape, 1);
  test.each([0, 1, 2])('along axis %i, with its gradients', (dim) => {
    const softmax = (v: Host): number[] => run('softmax', { dim }, [v], shape)[0];
    const logSoftmax = (v: Host): number[] => run('logSoftmax', { dim }, [v], shape)[0];
    const y = softmax(x);
    const log = logSoftmax(x);
    close(y, log.map(Math.exp));
    const sums = runKernel(
      'sum',
      { dims: [dim], keepdim: true },
      [tensor(shape, y)],
      [{ shape: shape.map((n, i) => (i === dim ? 1 : n)), dtype: 'float64' }],
    );
    close(sums[0], new Array<number>(sums[0].length).fill(1));
    // log y − x is the same along the axis.
    const stride = [12, 4, 1][dim];
    expect(log[stride] - x.data[stride]).toBeCloseTo(log[0] - x.data[0], 12);
    const g = noise(shape, 2);
    const [dx] = run('softmaxGrad', { dim }, [g, tensor(shape, y)], shape);
    close(dx, numericGradient(softmax, x, g.data), 1e-9);
    const [dlog] = run('logSoftmaxGrad', { dim }, [g, tensor(shape, log)], shape);
    close(dlog, numericGradient(logSoftmax, x, g.data), 1e-9);
  });

  test('large scores do not overflow', () => {
    expect(run('softmax', { dim: 0 }, [tensor([2], [1000, 1000])], [2])[0]).toEqual([0.5, 0.5]);
    expect(run('logSoftmax', { dim: 0 }, [tensor([2], [-1000, 1000])], [2])[0]).toEqual([-2000, 0]);
  });
});

describe('batchNorm', () => {
  const shape = [3, 2, 4];
  const x = noise(shape, 1);
  const weight = tensor([2], [1.5, -0.5]);
  const bias = tensor([2], [0.1, 0.2]);
  const eps = scalar(1e-3);
  const forward = (x: Host, w = weight, b = bias): number[][] => run('batchNorm', {}, [x, w, b, eps], shape, [2], [2]);

  test('mean, biased variance, output', () => {
    const [y, means, variances] = forward(x);
    const channel = (c: number): number[] => Array.from(x.data).filter((_, i) => Math.floor(i / 4) % 2 === c);
    for (const c of [0, 1]) {
      const mean = channel(c).reduce((a, v) => a + v, 0) / 12;
      const variance = channel(c).reduce((a, v) => a + (v - mean) ** 2, 0) / 12;
      close([means[c], variances[c]], [mean, variance]);
      const expected = channel(c).map((v) => ((v - mean) / Math.sqrt(variance + 1e-3)) * weight.data[c] + bias.data[c]);
      close(
        y.filter((_, i) => Math.floor(i / 4) % 2 === c),
        expected,
      );
    }
    const [again] = run(
      'batchNormInference',
      {},
      [x, weight, bias, tensor([2], means), tensor([2], variances), eps],
      shape,
    );
    close(again, y);
  });

  test('gradient', () => {
    const [, means, variances] = forward(x);
    const g = noise(shape, 3);
    const grads = run(
      'batchNormGrad',
      {},
      [g, x, weight, tensor([2], means), tensor([2], variances), eps],
      shape,
      [2],
      [2],
    );
    close(
      grads[0],
      numericGradient((v) => forward(v)[0], x, g.data),
      1e-8,
    );
    close(
      grads[1],
      numericGradient((w) => forward(x, w)[0], weight, g.data),
      1e-8,
    );
    close(
      grads[2],
      numericGradient((b) => forward(x, weight, b)[0], bias, g.data),
      1e-8,
    );
  });
});

describe('losses', () => {
  // [N, C, d]: 2 images, 3 classes, 2 positions; one target is ignored.
  const x = noise([2, 3, 2], 4);
  const target = tensor([2, 2], [2, 0, -100, 1], 'int32');
  const weight = tensor([3], [0.5, 2, 3]);
  const ignore = tensor([], [-100], 'int32');
  const [logs] = run('logSoftmax', { dim: 1 }, [x], [2, 3, 2]);
  /** Positions that count: [offset of class 0, label]. */
  const counted = [
    [0, 2],
    [1, 0],
    [7, 1],
  ];
  const total = (weights: ArrayLike<number>): number => counted.reduce((a, [, label]) => a + weights[label], 0);

  test.each([
    [true, 0],
    [true, 0.1],
    [false, 0],
    [false, 0.1],
  ])('crossEntropy: weighted %s, label smoothing %d', (weighted, smoothing) => {
    const w = weighted ? weight.data : [1, 1, 1];
    const each = counted.map(([at, label]) => {
      const smooth = [0, 1, 2].reduce((a, c) => a - w[c] * logs[at + 2 * c], 0);
      return (1 - smoothing) * -w[label] * logs[at + 2 * label] + (smoothing / 3) * smooth;
    });
    const sum = each.reduce((a, b) => a + b);
    const inputs = [x, target, weight, ignore, scalar(smoothing)];
    close(run('crossEntropy', { reduction: 'sum', weighted }, inputs, [])[0], [sum]);
    close(run('crossEntropy', { reduction: 'mean', weighted }, inputs, [])[0], [sum / total(w)]);
    close(run('crossEntropy', { reduction: 'none', weighted }, inputs, [2, 2])[0], [each[0], each[1], 0, each[2]]);
  });

  test('nllLoss', () => {
    const each = counted.map(([at, label]) => -weight.data[label] * logs[at + 2 * label]);
    const sum = each.reduce((a, b) => a + b);
    const inputs = [tensor([2, 3, 2], logs), target, weight, ignore];
    close(run('nllLoss', { reduction: 'sum' }, inputs, [])[0], [sum]);
    close(run('nllLoss', { reduction: 'mean' }, inputs, [])[0], [sum / total(weight.data)]);
    close(run('nllLoss', { reduction: 'none' }, inputs, [2, 2])[0], [each[0], each[1], 0, each[2]]);
    const allIgnored = tensor([2, 2], [-100, -100, -100, -100], 'int32');
    expect(run('nllLoss', { reduction: 'mean' }, [inputs[0], allIgnored, weight, ignore], [])[0]).toEqual([NaN]);
  });

  test('a label out of range', () => {
    const wrong = tensor([2, 2], [2, 0, 3, 1], 'int32');
    const inputs = [x, wrong, weight, ignore, scalar(0)];
    expect(() =>
      run('crossEntropy', { reduction: 'mean', weighted: false }, inputs, []),
    ).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: crossEntropy: label 3 is out of range for 3 classes (expected 0 to 2, or ignoreIndex -100)]`,
    );
  });
});

describe('dropout', () => {
  const key = tensor([2], [7, 8], 'int32');
  test.each(['float32', 'float64'] as const)('%s: the mask is random ≥ p of the same key', (dtype) => {
    const x = tensor([1000], new Array<number>(1000).fill(3), dtype);
    const p = tensor([], [0.25], dtype);
    const [y] = run('dropout', {}, [x, p, key], [1000]);
    const [uniform] = runKernel('random', { shape: [1000], dtype }, [key], [x.aval]);
    expect(y).toEqual(Array.from(uniform, (u) => (u >= 0.25 ? 4 : 0)));
    const direct = new Float32Array(1000);
    threefryUniform(direct, 7, 8);
    expect(Array.from(uniform)).toEqual(Array.from(direct));
  });

  test('p = 0 and p = 1', () => {
    const x = tensor([3], [1, 2, 3]);
    expect(run('dropout', {}, [x, scalar(0), key], [3])[0]).toEqual([1, 2, 3]);
    expect(run('dropout', {}, [x, scalar(1), key], [3])[0]).toEqual([0, 0, 0]);
  });
});

describe('optimizer updates', () => {
  const p = noise([5], 1);
  const g = noise([5], 2);
  const zip = (f: (i: number) => number): number[] => Array.from({ length: 5 }, (_, i) => f(i));

  test.each([
    [false, false],
    [true, false],
    [false, true],
    [true, true],
  ])('sgdUpdate: nesterov %s, maximize %s', (nesterov, maximize) => {
    const buffer = noise([5], 3);
    const [lr, momentum, dampening, decay] = [0.1, 0.9, 0.2, 0.01];
    const hyper = [lr, momentum, dampening, decay].map(scalar);
    const attrs = { buffered: true, nesterov, maximize };
    const [next, nextBuffer] = run('sgdUpdate', attrs, [p, g, ...hyper, buffer], [5], [5]);
    const d = zip((i) => (maximize ? -g.data[i] : g.data[i]) + decay * p.data[i]);
    const b = zip((i) => momentum * buffer.data[i] + (1 - dampening) * d[i]);
    close(nextBuffer, b);
    close(
      next,
      zip((i) => p.data[i] - lr * (nesterov ? d[i] + momentum * b[i] : b[i])),
    );
  });

  test.each([false, true])('adamUpdate: maximize %s', (maximize) => {
    const [m, v] = [noise([5], 3), tensor([5], [1, 2, 3, 4, 0.5])];
    const [lr, beta1, beta2, eps, decay, c1, c2] = [0.01, 0.9, 0.99, 1e-8, 0.1, 1 - 0.9 ** 3, 1 - 0.99 ** 3];
    const hyper = [lr, 1 - beta1, 1 - beta2, eps, decay, c1, c2].map(scalar);
    const [next, nextM, nextV] = run('adamUpdate', { maximize }, [p, g, m, v, ...hyper], [5], [5], [5]);
    const d = zip((i) => (maximize ? -g.data[i] : g.data[i]) + decay * p.data[i]);
    close(
      nextM,
      zip((i) => beta1 * m.data[i] + (1 - beta1) * d[i]),
    );
    close(
      nextV,
      zip((i) => beta2 * v.data[i] + (1 - beta2) * d[i] ** 2),
    );
    const expected = zip((i) => p.data[i] - ((lr / c1) * nextM[i]) / (Math.sqrt(nextV[i]) / Math.sqrt(c2) + eps));
    close(next, expected);
  });

  test('rmspropUpdate, centered: a gradient whose square float32 can’t hold', () => {
    const [one, tiny, zero] = [1, 1e-30, 0].map((value) => tensor([1], [value], 'float32'));
    const inputs = [one, tiny, zero, ...[0.1, 0.01, 1e-8, 0, 0].map(scalar), zero];
    const [next] = run('rmspropUpdate', { centered: true, buffered: false, maximize: false }, inputs, [1], [1], [1]);
    expect(next[0]).toBe(1);
  });
});
