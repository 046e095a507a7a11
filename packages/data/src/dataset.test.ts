import { tensor } from '@fakkel/core';
import { describe, expect, test } from 'vitest';
import { ConcatDataset, Dataset, HostArray, MapDataset, Subset, TensorDataset } from './index.js';

class Squares extends Dataset<number> {
  readonly length = 5;
  get(i: number): number {
    return i * i;
  }
}

describe('HostArray', () => {
  test('knows its dtype and shape, and gives rows as views', () => {
    const a = new HostArray(Float32Array.of(1, 2, 3, 4, 5, 6), [3, 2]);
    expect(String(a)).toBe('float32[3,2]');
    expect(String(a.row(1))).toBe('float32[2]');
    expect([...a.row(1).data]).toEqual([3, 4]);
    expect(a.row(1).data.buffer).toBe(a.data.buffer);
    expect(String(a.row(2).row(0))).toBe('float32[]');
  });

  test('errors', () => {
    expect(() => new HostArray(new Float32Array(5), [2, 3])).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: HostArray: shape [2,3] holds 6 elements, the data has 5]`,
    );
    expect(() => new HostArray(new Uint8Array(4))).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: HostArray: a Uint8Array may hold an image or a mask. Write new HostArray(bytes, shape, 'uint8') for an image, Int32Array.from(bytes) for labels, new HostArray(bytes, shape, 'bool') for a mask.]`,
    );
    expect(() => new HostArray(new Float32Array(4), [4], 'int32')).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: HostArray: int32 is held in a Int32Array, got a Float32Array]`,
    );
    expect(() => new HostArray(new Float32Array(4), [2, 2]).row(2)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: HostArray.row: index 2 is out of range for 2 samples (0 to 1)]`,
    );
    expect(() => new HostArray(new BigInt64Array(1) as never)).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: HostArray: expected a Float32Array, Float64Array or Int32Array, got a BigInt64Array]`,
    );
  });

  test('a tensor made of it is a copy', async () => {
    const data = Float32Array.of(1, 2);
    const t = new HostArray(data, [2, 1]).toTensor();
    data[0] = 9;
    expect(await t.toArray()).toEqual([[1], [2]]);
  });
});

describe('TensorDataset', () => {
  test('hands out rows of typed arrays and host arrays without waiting', () => {
    const dataset = new TensorDataset(new HostArray(new Float32Array(12), [3, 4]), Int32Array.of(7, 8, 9));
    const sample = dataset.get(1);
    expect(sample).not.toBeInstanceOf(Promise);
    expect((sample as HostArray[]).map(String)).toEqual(['float32[4]', 'int32[]']);
    expect([...(sample as HostArray[])[1].data]).toEqual([8]);
    expect(dataset.length).toBe(3);
  });

  test('reads tensors once, and then hands out rows of them without waiting', async () => {
    const x = tensor([
      [1, 2],
      [3, 4],
    ]);
    const dataset = new TensorDataset(x.mul(2), Int32Array.of(0, 1));
    const [row, label] = await dataset.get(1);
    expect([...row.data]).toEqual([6, 8]);
    expect(String(label)).toBe('int32[]');
    expect(dataset.get(0)).not.toBeInstanceOf(Promise);
  });

  test('errors', () => {
    expect(() => new TensorDataset(new Float32Array(3), new Float32Array(4))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: TensorDataset: the first axis counts the samples and must be equal for all, got float32[3], float32[4]]`,
    );
    expect(() => new TensorDataset()).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: TensorDataset: expected at least one tensor or array]`,
    );
    expect(() => new TensorDataset(new Float32Array(3)).get(3)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: TensorDataset.get: index 3 is out of range for 3 samples (0 to 2)]`,
    );
    expect(() => new TensorDataset(new Float32Array(3)).get(-1)).toThrow('index -1 is out of range');
  });
});

test('Subset picks samples, ConcatDataset joins, MapDataset maps', async () => {
  const squares = new Squares();
  const subset = new Subset(squares, [4, 0]);
  expect([subset.length, subset.get(0), subset.get(1)]).toEqual([2, 16, 0]);
  const both = new ConcatDataset([subset, squares]);
  expect([both.length, both.get(1), both.get(2), both.get(6)]).toEqual([7, 0, 0, 16]);
  expect(() => both.get(7)).toThrow('ConcatDataset.get: index 7 is out of range for 7 samples');
  const mapped = new MapDataset(squares, (x, i) => `${i}: ${x}`);
  expect([mapped.length, mapped.get(3)]).toEqual([5, '3: 9']);
  const later = new MapDataset(new MapDataset(squares, (x) => Promise.resolve(x)), (x) => x + 1);
  expect(await later.get(2)).toBe(5);
  expect(() => new Subset(squares, [1, 5])).toThrow('Subset: index 5 is out of range for 5 samples (0 to 4)');
  expect(() => new ConcatDataset([])).toThrow('expected at least one dataset');
});
