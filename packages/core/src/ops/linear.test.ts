import { describe, expect, test } from 'vitest';
import { grad, onCompile, ones, tensor, type CompileReport, type Tensor } from '../index.js';
import { addmm, bmm, dot, linear, matmul, mm, mv, outer } from './linear.js';

describe('shapes', () => {
  test.each([
    [
      [2, 3],
      [3, 4],
      [2, 4],
    ],
    [[3], [3], []],
    [[3], [3, 4], [4]],
    [[2, 3], [3], [2]],
    [
      [5, 2, 3],
      [3, 4],
      [5, 2, 4],
    ],
    [
      [5, 1, 2, 3],
      [6, 3, 4],
      [5, 6, 2, 4],
    ],
    [[3], [5, 3, 4], [5, 4]],
    [[5, 2, 3], [3], [5, 2]],
    [
      [0, 3],
      [3, 4],
      [0, 4],
    ],
  ])('matmul of %j and %j is %j', (a, b, c) => {
    expect(matmul(ones(a), ones(b)).shape).toEqual(c);
  });

  test('linear keeps the axes in front', () => {
    expect(linear(ones([2, 5, 3]), ones([4, 3]), ones([4])).shape).toEqual([2, 5, 4]);
    expect(linear(ones([3]), ones([4, 3])).shape).toEqual([4]);
  });
});

describe('values', () => {
  test('a batch that broadcasts equals the products one by one', async () => {
    const a = tensor([[[1, 2]], [[3, 4]]]);
    const b = tensor([[[[1], [1]]], [[[10], [1]]]]);
    expect(await matmul(a, b).toArray()).toEqual([
      [[[3]], [[7]]],
      [[[12]], [[34]]],
    ]);
  });

  test('an inner size of 0 sums nothing', async () => {
    expect(await matmul(ones([2, 0]), ones([0, 2])).toArray()).toEqual([
      [0, 0],
      [0, 0],
    ]);
  });

  test('addmm scales both terms', async () => {
    const result = addmm(ones([1]), tensor([[1, 2]]), tensor([[3], [4]]), { beta: 2, alpha: 10 });
    expect(await result.toArray()).toEqual([[112]]);
  });

  test('outer takes integers', async () => {
    const a = tensor([1, 2], { dtype: 'int32' });
    expect(await outer(a, a).toArray()).toEqual([
      [1, 2],
      [2, 4],
    ]);
  });
});

describe('counts', () => {
  test('the gradients of a linear layer over a batch are one product each, without permutes or expands', async () => {
    const leaf = (shape: number[]): Tensor => ones(shape).detach().requiresGrad_();
    const [x, weight, bias] = [leaf([5, 7, 3]), leaf([4, 3]), leaf([4])];
    const reports: CompileReport[] = [];
    const stop = onCompile((report) => reports.push(report));
    const gradients = grad(linear(x, weight, bias).square().sum(), [x, weight, bias]);
    await Promise.all(gradients.map((g) => g!.data()));
    stop();
    expect(reports.length).toBe(1);
    const ops = Array.from(reports[0].text().matchAll(/= (\w+)\(/g), ([, op]) => op);
    expect(ops.filter((op) => op === 'matmul').length).toBe(3);
    expect(ops).not.toContain('permute');
    expect(ops).not.toContain('expand');
  });
});

describe('errors', () => {
  test('inner sizes', () => {
    expect(() => matmul(ones([2, 3]), ones([4, 5]))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: matmul: cannot multiply float32[2,3] by float32[4,5]: the inner sizes 3 and 4 must be equal. Swap axes with x.transpose(-1, -2), or permute and reshape to [..., m, k] and [..., k, n].]`,
    );
  });
  test('batch axes', () => {
    expect(() => matmul(ones([2, 3, 4]), ones([3, 4, 5]))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: matmul: cannot multiply float32[2,3,4] by float32[3,4,5]: the axes before the last two must broadcast. Swap axes with x.transpose(-1, -2), or permute and reshape to [..., m, k] and [..., k, n].]`,
    );
  });
  test('a scalar', () => {
    expect(() => matmul(ones([]), ones([3]))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: matmul: expected at least one axis each, got float32[] and float32[3]. Use a.mul(b).]`,
    );
  });
  test('two dtypes', () => {
    expect(() => matmul(ones([2, 3]), ones([3, 2], { dtype: 'float64' }))).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: matmul: expected tensors of one dtype, got float32[2,3] and float64[3,2]. Convert one with x.to(dtype).]`,
    );
  });
  test('integers', () => {
    expect(() =>
      matmul(ones([2, 2], { dtype: 'int32' }), ones([2, 2], { dtype: 'int32' })),
    ).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: matmul: expected a float tensor, got int32[2,2]. Convert it with x.to('float32').]`,
    );
  });
  test('no tensor', () => {
    expect(() => matmul(ones([2, 2]), [[1, 2]] as any)).toThrowErrorMatchingInlineSnapshot(
      `[TypeError: matmul: expected a tensor, got an array (wrap it in tensor(…))]`,
    );
  });
  test('ranks', () => {
    expect(() => mm(ones([2, 3, 4]), ones([4, 2]))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: mm: expected two matrices [m, k] and [k, n], got float32[2,3,4] and float32[4,2]. matmul takes vectors, matrices and batches.]`,
    );
    expect(() => mv(ones([2, 3]), ones([3, 1]))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: mv: expected a matrix [m, k] and a vector [k], got float32[2,3] and float32[3,1]. matmul takes vectors, matrices and batches.]`,
    );
    expect(() => dot(ones([2, 3]), ones([3]))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: dot: expected two vectors of one size, got float32[2,3] and float32[3]. matmul takes vectors, matrices and batches.]`,
    );
    expect(() => bmm(ones([2, 3, 4]), ones([1, 4, 3]))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: bmm: expected batches of one size, got float32[2,3,4] and float32[1,4,3]. matmul broadcasts a batch of 1.]`,
    );
  });
  test('features of a linear layer', () => {
    expect(() => linear(ones([8, 100]), ones([10, 864]))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: linear: expected input with 864 features (weight is float32[10,864]), got float32[8,100]. The last axis of the input must have inFeatures elements.]`,
    );
    expect(() => linear(ones([8, 16, 5, 5]), ones([120, 400]))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: linear: expected input with 400 features (weight is float32[120,400]), got float32[8,16,5,5]. Flatten it first: x.flatten(1).]`,
    );
    expect(() => linear(ones([8, 3]), ones([10, 3]), ones([3]))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: linear: expected a bias [10] (weight is float32[10,3]), got float32[3]]`,
    );
  });
});
