/** Clipping of gradients, against PyTorch, and its errors. */
import { describe, expect, test } from 'vitest';
import { float32, float64, golden, maxDifference } from '../../../test/golden.js';
import { Cell, nn, Parameter, tensor, type Tensor, zeros } from '../../index.js';

interface Data {
  shape: number[];
  dtype: 'float32' | 'float64';
  data: string;
}
interface Case {
  gradients: (Data | null)[];
  clipped: (Data | null)[];
  options: { maxNorm?: string; normType?: string; clipValue?: string };
  norm?: Data;
}

const { clipGradNorm_, clipGradValue_ } = nn.utils;
const number = (text: string): number =>
  text.endsWith('inf') ? (text === 'inf' ? Infinity : -Infinity) : Number(text);
const values = ({ dtype, data }: Data): Float32Array | Float64Array =>
  dtype === 'float64' ? float64(data) : float32(data);
/** NaN equals NaN; otherwise the relative difference. */
function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const nan = Array.from(b, (v) => Number.isNaN(v));
  if (Array.from(a, (v) => Number.isNaN(v)).join() !== nan.join()) return Infinity;
  const scale = Math.max(1e-30, ...Array.from(b, (v) => (Number.isFinite(v) ? Math.abs(v) : 0)));
  const finite = (list: ArrayLike<number>): number[] => Array.from(list).filter((_, i) => !nan[i]);
  return maxDifference(finite(a), finite(b)) / scale;
}

/** A parameter with a gradient. */
function parameter(data: Data | null, name = 'w'): Parameter {
  const { shape, dtype } = data ?? { shape: [2, 2], dtype: 'float32' };
  const made = new Parameter(zeros(shape, { dtype }), { name });
  if (data) made.grad = tensor(values(data), { dtype }).reshape(data.shape);
  return made;
}

describe('equals PyTorch', () => {
  for (const [i, { gradients, clipped, options, norm }] of golden<Case[]>('nn/clip-grad').entries()) {
    test(`case ${i}: ${gradients[0]!.dtype} ${JSON.stringify(options)}`, async () => {
      const tolerance = gradients[0]!.dtype === 'float64' ? 1e-15 : 3e-7;
      const parameters = gradients.map((g) => parameter(g));
      if (norm) {
        const normType = number(options.normType ?? '2');
        const total = clipGradNorm_(parameters, number(options.maxNorm!), { normType });
        expect(total.dtype).toBe(norm.dtype);
        expect(difference(await total.data(), values(norm))).toBeLessThanOrEqual(tolerance);
      } else {
        clipGradValue_(parameters, number(options.clipValue!));
      }
      for (const [k, p] of parameters.entries()) {
        const expected = clipped[k];
        if (!expected) expect(p.grad).toBeNull();
        else expect(difference(await p.grad!.data(), values(expected))).toBeLessThanOrEqual(tolerance);
      }
    });
  }
});

test('takes one tensor, several, leaves that are no parameters, and dtypes that differ', async () => {
  const w = parameter({ shape: [], dtype: 'float32', data: Buffer.from(Float32Array.of(3).buffer).toString('base64') });
  expect(await clipGradNorm_(w, 1.5).item()).toBe(3);
  expect(await w.grad!.item()).toBeCloseTo(1.5, 5);

  const x = tensor([3], { requiresGrad: true });
  const y = new Cell(tensor([4], { dtype: 'float64' }), { requiresGrad: true });
  const grads = (): Tensor[] => [x.grad!, y.grad!];
  x.square().sum().backward();
  y.square().sum().backward();
  expect(await clipGradNorm_([x, y], 5).item()).toBe(10);
  expect(grads().map((g) => g.dtype)).toEqual(['float32', 'float64']);
  expect((await Promise.all(grads().map((g) => g.item()))).map((v) => v.toFixed(5))).toEqual(['3.00000', '4.00000']);
});

test('without gradients the norm is 0', async () => {
  expect(await clipGradNorm_([parameter(null)], 1).item()).toBe(0);
  expect(await clipGradNorm_([], 1).item()).toBe(0);
  clipGradValue_([], 1);
});

test('takes no gradient of its own', () => {
  const w = new Parameter(tensor([3]));
  w.square().sum().backward();
  expect(clipGradNorm_(w, 1).requiresGrad).toBe(false);
});

describe('errors', () => {
  test('of arguments', () => {
    const w = new Parameter(tensor([3]), { name: 'w' });
    expect(() => clipGradNorm_([w], -1)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: clipGradNorm_: maxNorm is a number of at least 0, got -1]`,
    );
    expect(() => clipGradNorm_([w], NaN)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: clipGradNorm_: maxNorm is a number of at least 0, got NaN]`,
    );
    expect(() => clipGradNorm_([w], [w] as never)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: clipGradNorm_: maxNorm is a number of at least 0, got an array (wrap it in tensor(…))]`,
    );
    expect(() => clipGradNorm_([w], 1, 2 as never)).toThrowErrorMatchingInlineSnapshot(
      `[FakkelError: clipGradNorm_: options come as one object, { normType, errorIfNonfinite }; got 2]`,
    );
    expect(() => clipGradNorm_([w], 1, { normType: NaN })).toThrowErrorMatchingInlineSnapshot(
      `[TypeError: clipGradNorm_: normType is a number or Infinity, got number NaN]`,
    );
    expect(() => clipGradNorm_([['w', w]] as never, 1)).toThrowErrorMatchingInlineSnapshot(
      `[TypeError: clipGradNorm_: expected a parameter at index 0, got a pair of name and parameter. Pass net.parameters(), not net.namedParameters().]`,
    );
    expect(() => clipGradValue_([w], -0.5)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: clipGradValue_: clipValue is a number of at least 0, got -0.5]`,
    );
  });

  test('a gradient that a step has used', () => {
    const w = new Parameter(tensor([3]), { name: 'w' });
    w.square().sum().backward();
    w._takeGradient();
    w._spendGradient();
    expect(() => clipGradNorm_(w, 1)).toThrowErrorMatchingInlineSnapshot(
      `[AutogradError: clipGradNorm_: the gradient of w was used by a step() already. Call optimizer.zeroGrad() before backward(): PyTorch would silently add the new gradient to the old one here.]`,
    );
  });
});
