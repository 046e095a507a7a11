import { describe, expect, test } from 'vitest';
import { arange, eye, full, linspace, oneHot, ones, onesLike, tensor, zeros, type DType } from '../index.js';

describe('tensor', () => {
  test.each([
    ['numbers', [1, 2], 'float32'],
    ['booleans', [true, false], 'bool'],
    ['booleans and numbers', [true, 2], 'float32'],
    ['Float64Array', new Float64Array(2), 'float64'],
    ['Int32Array', new Int32Array(2), 'int32'],
    ['Uint8Array', new Uint8Array(2), 'int32'],
    ['Uint8ClampedArray', new Uint8ClampedArray(2), 'int32'],
    ['BigInt64Array', new BigInt64Array(2), 'int32'],
    ['rows of Int32Array', [new Int32Array(2), new Int32Array(2)], 'int32'],
    ['nothing', [], 'float32'],
  ] as const)('%s give %3$s', (_, data, dtype) => {
    expect(tensor(data as never).dtype).toBe(dtype);
  });

  test('the dtype that is asked for', async () => {
    expect(await tensor([1.7, -1.7], { dtype: 'int32' }).toArray()).toEqual([1, -1]);
    expect(await tensor([0, 0.5, NaN], { dtype: 'bool' }).toArray()).toEqual([false, true, true]);
    expect(await tensor(new BigInt64Array([3n]), { dtype: 'float32' }).toArray()).toEqual([3]);
  });

  test('the data is copied at the call', async () => {
    const data = new Float32Array([1, 2]);
    const x = tensor(data);
    data[0] = 5;
    expect(await x.toArray()).toEqual([1, 2]);
  });

  test('nesting gives the shape', () => {
    expect(tensor(3).shape).toEqual([]);
    expect(tensor([[[1], [2]]]).shape).toEqual([1, 2, 1]);
    expect(tensor([[], []]).shape).toEqual([2, 0]);
    expect(tensor(new Float32Array(6), { shape: [2, 3] }).shape).toEqual([2, 3]);
  });

  test('rows of different lengths', () => {
    expect(() => tensor([[1, 2], [3]])).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: tensor: the rows differ in length: expected 2 elements at [1], as in the first row, got an array of 1. Pad the rows to one length.]`,
    );
    expect(() => tensor([[1, 2], 3])).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: tensor: the rows differ in length: expected 2 elements at [1], as in the first row, got number 3. Pad the rows to one length.]`,
    );
    expect(() => tensor([1, [2]])).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: tensor: the rows differ in length: expected a number at [1], as in the first row, got an array of 1. Pad the rows to one length.]`,
    );
    expect(() => tensor([new Float32Array(2), new Float32Array(3)])).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: tensor: the rows differ in length: expected 2 elements at [1], as in the first row, got an array of 3. Pad the rows to one length.]`,
    );
  });

  test('what is no number', () => {
    expect(() => tensor([1, 'two'] as never)).toThrowErrorMatchingInlineSnapshot(
      `[TypeError: tensor: expected a number or a boolean at [1], got string two]`,
    );
    expect(() => tensor([[1], [undefined]] as never)).toThrowErrorMatchingInlineSnapshot(
      `[TypeError: tensor: expected a number or a boolean at [1,0], got undefined]`,
    );
    expect(() => tensor(zeros(2) as never)).toThrowErrorMatchingInlineSnapshot(
      `[TypeError: tensor: the data is a tensor already. Use x.clone(), x.detach() or x.to(dtype).]`,
    );
  });

  test('integers that int32 does not hold', () => {
    expect(() => tensor(new BigInt64Array([1n, 1n << 40n]))).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: tensor: int32 holds −2147483648 to 2147483647, got 1099511627776 at [1]. Use { dtype: 'float64' }.]`,
    );
    expect(() => tensor([[1], [NaN]], { dtype: 'int32' })).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: tensor: int32 holds −2147483648 to 2147483647, got NaN at [1,0]. Use { dtype: 'float64' }.]`,
    );
  });

  test('a shape that the data does not fill', () => {
    expect(() => tensor(new Float32Array(5), { shape: [2, 3] })).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: tensor: 5 elements do not fill the shape [2,3], which has 6]`,
    );
  });

  test('gradients of integers', () => {
    expect(() => tensor([1], { dtype: 'int32', requiresGrad: true })).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: tensor: only float tensors have gradients, got int32[1]]`,
    );
    expect(() => zeros(2, { dtype: 'bool', requiresGrad: true })).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: zeros: only float tensors have gradients, got bool[2]]`,
    );
  });

  test('an unknown dtype', () => {
    expect(() => tensor([1], { dtype: 'float16' as DType })).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: tensor: unknown dtype 'float16'. Known: float32, float64, int32, bool]`,
    );
  });
});

describe('filled', () => {
  test('a shape in an array or size by size', async () => {
    expect(zeros(2, 3).shape).toEqual([2, 3]);
    expect(zeros([2, 3]).shape).toEqual([2, 3]);
    expect(zeros([]).shape).toEqual([]);
    expect(ones(2, { dtype: 'int32' }).dtype).toBe('int32');
    expect(ones([2], { dtype: 'int32' }).dtype).toBe('int32');
    expect(await onesLike(tensor([true, false])).toArray()).toEqual([true, true]);
  });

  test('a bad shape', () => {
    expect(() => zeros(-1)).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: zeros: a shape holds whole numbers from 0 up, got [-1]]`,
    );
    expect(() => zeros([2.5])).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: zeros: a shape holds whole numbers from 0 up, got [2.5]]`,
    );
    expect(() => zeros('2' as never)).toThrowErrorMatchingInlineSnapshot(
      `[TypeError: zeros: expected a shape such as [2, 3] or sizes such as 2, 3, got string 2]`,
    );
    expect(() => full([2], tensor(1) as never)).toThrowErrorMatchingInlineSnapshot(
      `[TypeError: full: expected a number, got an object of class Tensor. For a tensor's value, use x.expand(shape).]`,
    );
    expect(() => full([2], 2 ** 40, { dtype: 'int32' })).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: full: int32 holds −2147483648 to 2147483647, got 1099511627776. Use float32 or float64.]`,
    );
  });

  test('leaves: gradients can be asked for', () => {
    expect(zeros(2, { requiresGrad: true }).isLeaf).toBe(true);
  });
});

describe('counted', () => {
  test('whole numbers count in int32, others in float32', () => {
    expect(arange(5).dtype).toBe('int32');
    expect(arange(0, 1, 0.1).dtype).toBe('float32');
    expect(arange(0, 1, 0.1).shape).toEqual([10]);
    expect(arange(5, { dtype: 'float64' }).dtype).toBe('float64');
    expect(arange(3, 3).shape).toEqual([0]);
  });

  test('no way from start to end', () => {
    expect(() => arange(0, 5, -1)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: arange: no finite number of steps of -1 leads from 0 to 5]`,
    );
    expect(() => arange(0, 5, 0)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: arange: no finite number of steps of 0 leads from 0 to 5]`,
    );
    expect(() => linspace(0, 1, 2.5)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: linspace: expected a whole number of steps from 0 up, got 2.5]`,
    );
  });

  test('linspace ends exactly', async () => {
    const x = await linspace(0, 0.7, 50, { dtype: 'float64' }).data();
    expect(x[49]).toBe(0.7);
    expect(await linspace(3, 4, 1).toArray()).toEqual([3]);
  });

  test('eye', async () => {
    expect(eye(2, { dtype: 'int32' }).dtype).toBe('int32');
    expect(await eye(1, 2).toArray()).toEqual([[1, 0]]);
  });

  test('a label outside the classes', () => {
    const labels = tensor([[0, 1, 3]], { dtype: 'int32' });
    expect(() => oneHot(labels, 3)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: oneHot: label 3 at [0,2] is out of range: expected 0 to 2]`,
    );
    expect(() => oneHot(labels.float(), 4)).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: oneHot: expected int32 labels, got float32[1,3]. Convert them with x.to('int32').]`,
    );
    expect(() => oneHot(labels, undefined as never)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: oneHot: expected the number of classes, got undefined. It can't follow from labels that are not computed yet.]`,
    );
  });
});
