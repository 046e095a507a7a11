import { describe, expect, test } from 'vitest';
import { digest, float32, float64, golden, maxDifference } from '../../test/golden.js';
import { messagesOf } from '../../test/messages.js';
import { grad, nn, onCompile, ones, tensor, zeros, type Tensor } from '../index.js';
import type { InterpolateOptions } from './interpolation.js';
import { tapsOf } from './resampling.js';

const { interpolate } = nn.functional;

interface Nearest {
  from: number;
  dtype: 'float32' | 'float64';
  options: InterpolateOptions;
  to: number;
  digest: string;
}
interface Smooth {
  from: number;
  options: InterpolateOptions;
  output: { shape: number[]; dtype: 'float32' | 'float64'; data: string };
}
const { nearest, smooth } = golden<{ nearest: Nearest[]; smooth: Smooth[] }>('nn/interpolation');

/** As in tools/goldens/nn_layers.py. */
const signal = (n: number, dtype: 'float32' | 'float64'): Tensor =>
  tensor(
    Array.from({ length: n }, (_, i) => ((i * 37) % 101) - 50),
    { dtype },
  );

describe("where it looks: PyTorch's index arithmetic", () => {
  test.each(nearest.map((c) => [`${c.from} ${JSON.stringify(c.options)} ${c.dtype}`, c] as const))(
    '%s',
    async (_, { from, dtype, options, to, digest: expected }) => {
      const y = await interpolate(signal(from, dtype).reshape([1, 1, from]), options).data();
      expect(y).toHaveLength(to);
      expect(digest(Int32Array.from(y))).toBe(expected);
    },
  );

  test.each(smooth.map((c) => [`${c.from} ${JSON.stringify(c.options)} ${c.output.dtype}`, c] as const))(
    '%s',
    async (_, { from, options, output }) => {
      const y = await interpolate(signal(from, output.dtype).reshape([1, 1, from, 1]), options).data();
      const expected = output.dtype === 'float64' ? float64(output.data) : float32(output.data);
      // Of numbers up to 50. PyTorch evaluates the cubic in float32, where its terms cancel: it is as far from its own
      // float64.
      const tolerance = output.dtype === 'float64' ? 1e-12 : options.mode === 'bicubic' ? 5e-5 : 1e-5;
      expect(maxDifference(y, expected)).toBeLessThanOrEqual(tolerance);
    },
  );
});

test('a table that is too large for a matrix is gathered, with the same result', async () => {
  const large = 4099;
  const x = signal(large, 'float64').reshape([1, 1, large]);
  const options = { size: 1025, mode: 'linear' } as const;
  const whole = (await interpolate(x, options).data()) as Float64Array;
  const { cells, weights } = tapsOf({
    mode: 'linear',
    from: large,
    to: 1025,
    scale: null,
    alignCorners: false,
    antialias: false,
    dtype: 'float64',
  });
  const value = (cell: number): number => ((cell * 37) % 101) - 50;
  const expected = Array.from(whole, (_, i) =>
    [0, 1].reduce((sum, k) => sum + weights![2 * i + k] * value(cells[2 * i + k]), 0),
  );
  expect(maxDifference(whole, expected)).toBeLessThan(1e-12);
  const leaf = x.detach().requiresGrad_();
  const [dx] = grad(interpolate(leaf, options).sum(), [leaf]);
  expect(await dx!.sum().item()).toBeCloseTo(1025, 9);
});

/** The ops of the program that computes a loss of the resized image and its gradient. */
async function opsOf(options: InterpolateOptions): Promise<string[]> {
  const x = ones([2, 3, 6, 7]).detach().requiresGrad_();
  let text = '';
  const stop = onCompile((report) => (text += report.text()));
  await grad(interpolate(x, options).square().sum(), [x])[0]!.data();
  stop();
  return Array.from(text.matchAll(/= (\w+)\(/g), ([, op]) => op);
}

describe('counts, forward and gradient together', () => {
  test('bilinear: a product an axis each way, and no gathering', async () => {
    const ops = await opsOf({ size: [9, 5], mode: 'bilinear' });
    expect(ops.filter((op) => op === 'matmul')).toHaveLength(4);
    expect(ops).not.toContain('indexSelect');
    expect(ops).not.toContain('indexAdd');
  });

  test('nearest by whole factors: copies side by side, and no gathering', async () => {
    const few = await opsOf({ scaleFactor: [2, 3] });
    expect(few.filter((op) => op === 'cat')).toHaveLength(2);
    expect(few).not.toContain('indexSelect');
    const many = await opsOf({ scaleFactor: [1, 5] });
    expect(many.filter((op) => op === 'expand')).toHaveLength(1);
    expect(many).not.toContain('cat');
  });

  test('every second cell: a slice', async () => {
    const ops = await opsOf({ size: [3, 7] });
    expect(ops.filter((op) => op === 'narrow')).toHaveLength(1);
    expect(ops).not.toContain('indexSelect');
  });
});

test('a batch of nothing', async () => {
  for (const options of [{ scaleFactor: 2 }, { size: 3, mode: 'bilinear' }, { size: 3, mode: 'area' }] as const) {
    const y = interpolate(zeros([0, 3, 4, 4]), options);
    expect(y.shape.slice(0, 2)).toEqual([0, 3]);
    expect(await y.data()).toHaveLength(0);
  }
});

describe('errors', () => {
  const image = ones([1, 1, 2, 2]);
  const errors: [name: string, run: () => unknown][] = [
    ['neither size nor factor', () => interpolate(image, {})],
    ['both', () => interpolate(image, { size: 2, scaleFactor: 2 })],
    ['an unknown mode', () => interpolate(image, { size: 2, mode: 'cubic' as 'bicubic' })],
    ['a mode for other axes', () => interpolate(ones([1, 2, 2]), { size: 2, mode: 'bilinear' })],
    ['no batch', () => interpolate(ones([2, 2]), { size: 2 })],
    ['corners of the nearest mode', () => interpolate(image, { size: 2, alignCorners: true })],
    ['a size recomputed', () => interpolate(image, { size: 2, recomputeScaleFactor: true })],
    ['antialias of the nearest mode', () => interpolate(image, { size: 2, antialias: true })],
    ['sizes of another number', () => interpolate(image, { size: [2], mode: 'bilinear' })],
    ['a negative factor', () => interpolate(image, { scaleFactor: [-1, 2] })],
    ['nothing left', () => interpolate(image, { scaleFactor: 0.1 })],
    ['integers', () => interpolate(ones([1, 1, 2], { dtype: 'int32' }), { scaleFactor: 2 })],
    ['the size by position, as in PyTorch', () => interpolate(image, 2 as never)],
    ['an option that a layer does not have', () => new nn.UpsamplingNearest2d({ size: 2, mode: 'nearest' } as never)],
    ['a layer without a size', () => new nn.Upsample({ mode: 'nearest' })],
  ];
  test('say what to do', () => {
    expect(messagesOf(errors)).toMatchInlineSnapshot(`
      [
        "neither size nor factor: FakkelError: interpolate: expected either size or scaleFactor, got neither",
        "both: FakkelError: interpolate: expected either size or scaleFactor, got both",
        "an unknown mode: OutOfRangeError: interpolate: mode is one of nearest, nearest-exact, linear, bilinear, trilinear, bicubic, area; got 'cubic'",
        "a mode for other axes: ShapeError: interpolate: expected [N, C, H, W] for mode 'bilinear', got float32[1,2,2]. For these axes: linear.",
        "no batch: ShapeError: interpolate: expected [N, C, L] or [N, C, H, W] or [N, C, D, H, W] for mode 'nearest', got float32[2,2]. Add axes with x.unsqueeze(dim).",
        "corners of the nearest mode: FakkelError: interpolate: alignCorners is for linear, bilinear, bicubic and trilinear, got mode 'nearest'",
        "a size recomputed: FakkelError: interpolate: recomputeScaleFactor says what becomes of a scaleFactor, but size is given",
        "antialias of the nearest mode: FakkelError: interpolate: antialias is for bilinear and bicubic, got mode 'nearest'",
        "sizes of another number: OutOfRangeError: interpolate: size is a whole number of at least 1, or 2 of them in an array; got [2]",
        "a negative factor: OutOfRangeError: interpolate: scaleFactor is a positive number, or 2 of them in an array, got [-1,2]",
        "nothing left: ShapeError: interpolate: float32[1,1,2,2] scaled by [0.1, 0.1] would have an axis without elements",
        "integers: DTypeError: interpolate: expected a float tensor, got int32[1,1,2]. Convert it with x.to('float32').",
        "the size by position, as in PyTorch: FakkelError: interpolate: options come as one object, { size, scaleFactor, mode, alignCorners, recomputeScaleFactor, antialias }; got 2",
        "an option that a layer does not have: FakkelError: UpsamplingNearest2d: unknown option 'mode'. Known: size, scaleFactor",
        "a layer without a size: FakkelError: Upsample: expected either size or scaleFactor, got neither",
      ]
    `);
  });
});
