import { describe, expect, test } from 'vitest';
import type { DType, TypedArray } from '../../dtype.js';
import { sizeOf } from '../../shape.js';
import { runKernel } from './index.js';

/** A small generator, so that the cases are the same at each run. */
let state = 1;
function random(): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
}
const integer = (low: number, high: number): number => low + Math.floor(random() * (high - low + 1));

interface Case {
  x: number[];
  w: number[];
  y: number[];
  stride: number[];
  padding: [number, number][];
  dilation: number[];
  groups: number;
}

function sample(axes: number): Case {
  for (;;) {
    const each = <T>(f: () => T): T[] => Array.from({ length: axes }, f);
    const groups = integer(1, 3);
    const size = each(() => integer(3, 9));
    const kernel = each(() => integer(1, 4));
    const stride = each(() => integer(1, 3));
    const dilation = each(() => integer(1, 2));
    const padding = each((): [number, number] => [integer(-1, 3), integer(-1, 3)]);
    const out = size.map(
      (n, i) => Math.floor((n + padding[i][0] + padding[i][1] - dilation[i] * (kernel[i] - 1) - 1) / stride[i]) + 1,
    );
    if (out.some((n) => n < 1)) continue;
    const [batch, c, o] = [integer(1, 3), integer(1, 3), integer(1, 5)];
    return {
      x: [batch, c * groups, ...size],
      w: [o * groups, c, ...kernel],
      y: [batch, o * groups, ...out],
      stride,
      padding,
      dilation,
      groups,
    };
  }
}

const noise = (n: number): Float64Array => Float64Array.from({ length: n }, () => random() - 0.5);

/** All index tuples below `sizes`. */
function* indices(sizes: readonly number[]): Generator<number[]> {
  for (let flat = 0; flat < sizeOf(sizes); flat++) {
    let rest = flat;
    yield sizes.reduceRight<number[]>((index, n) => [rest % n, ...((rest = Math.floor(rest / n)), index)], []);
  }
}
const at = (shape: readonly number[], index: readonly number[]): number =>
  index.reduce((offset, i, axis) => offset * shape[axis] + i, 0);

/** The definition, term by term. */
function naive(c: Case, x: ArrayLike<number>, w: ArrayLike<number>): Float64Array {
  const y = new Float64Array(sizeOf(c.y));
  const outPerGroup = c.w[0] / c.groups;
  for (const [n, o, ...position] of indices(c.y)) {
    for (const [channel, ...cell] of indices(c.w.slice(1))) {
      const from = position.map((p, i) => p * c.stride[i] - c.padding[i][0] + cell[i] * c.dilation[i]);
      if (from.some((p, i) => p < 0 || p >= c.x[2 + i])) continue;
      const group = Math.floor(o / outPerGroup);
      y[at(c.y, [n, o, ...position])] +=
        x[at(c.x, [n, group * c.w[1] + channel, ...from])] * w[at(c.w, [o, channel, ...cell])];
    }
  }
  return y;
}

function run(op: string, c: Case, inputs: [number[], TypedArray][], shape: number[], dtype: DType): TypedArray {
  const { stride, padding, dilation, groups } = c;
  const attrs = { stride, padding, dilation, groups, inputSize: c.x.slice(2), kernelSize: c.w.slice(2) };
  const operands = inputs.map(([s, data]) => ({ data, aval: { shape: s, dtype } }));
  return runKernel(op, attrs, operands, [{ shape, dtype }])[0];
}

const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((total, v, i) => total + v * b[i], 0);

describe.each([1, 2, 3])('%i spatial axes', (axes) => {
  const cases = Array.from({ length: 25 }, () => sample(axes));

  test.each(cases)('$x * $w, stride $stride padding $padding dilation $dilation groups $groups', (c) => {
    const [x, w, g] = [noise(sizeOf(c.x)), noise(sizeOf(c.w)), noise(sizeOf(c.y))];
    const y = run(
      'conv',
      c,
      [
        [c.x, x],
        [c.w, w],
      ],
      c.y,
      'float64',
    );
    const expected = naive(c, x, w);
    y.forEach((v, i) => expect(Math.abs(v - expected[i])).toBeLessThan(1e-12));

    // <conv(x, w), g> = <x, convInputGrad(g, w)> = <w, convWeightGrad(x, g)>
    const dx = run(
      'convInputGrad',
      c,
      [
        [c.y, g],
        [c.w, w],
      ],
      c.x,
      'float64',
    );
    const dw = run(
      'convWeightGrad',
      c,
      [
        [c.x, x],
        [c.y, g],
      ],
      c.w,
      'float64',
    );
    expect(Math.abs(dot(x, dx) - dot(expected, g))).toBeLessThan(1e-12);
    expect(Math.abs(dot(w, dw) - dot(expected, g))).toBeLessThan(1e-12);
    // Each element, against another direction.
    const v = noise(sizeOf(c.x));
    expect(Math.abs(dot(v, dx) - dot(naive(c, v, w), g))).toBeLessThan(1e-12);
    const u = noise(sizeOf(c.w));
    expect(Math.abs(dot(u, dw) - dot(naive(c, x, u), g))).toBeLessThan(1e-12);
  });
});

// Sizes at which the blocks matter: many columns, images that share a block, odd channels, a deep sum.
const large: [string, number[], number[], number][] = [
  ['many positions', [2, 3, 40, 37], [7, 3, 3, 3], 1],
  ['one position an image', [70, 16, 5, 5], [9, 16, 5, 5], 0],
  ['few positions an image', [21, 5, 4, 4], [6, 5, 3, 3], 1],
  ['a deep sum', [2, 120, 6, 6], [5, 120, 5, 5], 2],
  ['1×1', [3, 17, 9, 9], [11, 17, 1, 1], 0],
];
test.each(large)('%s', (_, x, w, pad) => {
  const size = x.slice(2).map((n, i) => n + 2 * pad - w[2 + i] + 1);
  const both: [number, number][] = [
    [pad, pad],
    [pad, pad],
  ];
  const c: Case = { x, w, y: [x[0], w[0], ...size], stride: [1, 1], padding: both, dilation: [1, 1], groups: 1 };
  const [xs, ws, gs] = [noise(sizeOf(c.x)), noise(sizeOf(c.w)), noise(sizeOf(c.y))];
  const y = run(
    'conv',
    c,
    [
      [c.x, xs],
      [c.w, ws],
    ],
    c.y,
    'float64',
  );
  const expected = naive(c, xs, ws);
  y.forEach((v, i) => expect(Math.abs(v - expected[i])).toBeLessThan(1e-12));
  const dx = run(
    'convInputGrad',
    c,
    [
      [c.y, gs],
      [c.w, ws],
    ],
    c.x,
    'float64',
  );
  const dw = run(
    'convWeightGrad',
    c,
    [
      [c.x, xs],
      [c.y, gs],
    ],
    c.w,
    'float64',
  );
  const scale = Math.sqrt(y.length);
  expect(Math.abs(dot(xs, dx) - dot(y, gs))).toBeLessThan(1e-12 * scale);
  expect(Math.abs(dot(ws, dw) - dot(y, gs))).toBeLessThan(1e-12 * scale);

  // float32 sums in double precision: only the result is rounded.
  const [x32, w32, g32] = [Float32Array.from(xs), Float32Array.from(ws), Float32Array.from(gs)];
  const exact = run(
    'convInputGrad',
    c,
    [
      [c.y, Float64Array.from(g32)],
      [c.w, Float64Array.from(w32)],
    ],
    c.x,
    'float64',
  );
  expect(
    run(
      'convInputGrad',
      c,
      [
        [c.y, g32],
        [c.w, w32],
      ],
      c.x,
      'float32',
    ),
  ).toEqual(Float32Array.from(exact));
  const y32 = run(
    'conv',
    c,
    [
      [c.x, x32],
      [c.w, w32],
    ],
    c.y,
    'float32',
  );
  expect(y32).toEqual(
    Float32Array.from(
      run(
        'conv',
        c,
        [
          [c.x, Float64Array.from(x32)],
          [c.w, Float64Array.from(w32)],
        ],
        c.y,
        'float64',
      ),
    ),
  );
});
