import { tensor, type Tensor } from '@fakkel/core';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { defaultCollate, HostArray, type NumberDTypes } from './index.js';

const describeTensor = (t: Tensor) => `${t.dtype}[${t.shape.join(',')}]`;

test('tuples of arrays and labels become tuples of tensors', async () => {
  const samples: [HostArray, number][] = [
    [new HostArray(Float32Array.of(1, 2, 3, 4), [1, 2, 2]), 7],
    [new HostArray(Float32Array.of(5, 6, 7, 8), [1, 2, 2]), 9],
  ];
  const batch = defaultCollate(samples);
  expectTypeOf(batch).toEqualTypeOf<[Tensor, Tensor]>();
  expect(batch.map(describeTensor)).toEqual(['float32[2,1,2,2]', 'int32[2]']);
  expect([...(await batch[0].data())]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  expect(await batch[1].toArray()).toEqual([7, 9]);
});

test('objects, nested tuples, typed arrays, booleans, strings, tensors', async () => {
  const sample = (i: number) => ({
    image: Float32Array.of(i, i),
    meta: [i + 0.5, i > 0, `number ${i}`] as [number, boolean, string],
    target: tensor([i, -i]),
    mask: new HostArray(Uint8Array.of(i), [1], 'bool'),
  });
  const batch = defaultCollate([sample(0), sample(1)]);
  expectTypeOf(batch.meta).toEqualTypeOf<[Tensor, Tensor, string[]]>();
  expect(describeTensor(batch.image)).toBe('float32[2,2]');
  expect(await batch.meta[0].toArray()).toEqual([0.5, 1.5]);
  expect(await batch.meta[1].toArray()).toEqual([false, true]);
  expect(batch.meta[2]).toEqual(['number 0', 'number 1']);
  expect(await batch.target.toArray()).toEqual([
    [0, -0],
    [1, -1],
  ]);
  expect(await batch.mask.toArray()).toEqual([[false], [true]]);
});

describe('plain numbers', () => {
  test('whole ones are int32, others float32', () => {
    expect(describeTensor(defaultCollate([1, 2]))).toBe('int32[2]');
    expect(describeTensor(defaultCollate([1, 2.5]))).toBe('float32[2]');
    expect(describeTensor(defaultCollate([1, 2 ** 31]))).toBe('float32[2]');
  });

  test('a field keeps the dtype of earlier batches, or says that it cannot', () => {
    const dtypes: NumberDTypes = new Map();
    expect(describeTensor(defaultCollate([[0.5, 1]], { dtypes })[0])).toBe('float32[1]');
    expect(describeTensor(defaultCollate([[2, 1]], { dtypes })[0])).toBe('float32[1]');
    expect(() => defaultCollate([[2, 1.5]], { dtypes })).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: collate of sample[1]: earlier batches held whole numbers only and were int32, this one holds 1.5. Hand out Float32Array.of(y), which is float32 in every batch.]`,
    );
  });
});

test('errors say which field of which sample', () => {
  const image = (size: number): HostArray => new HostArray(new Float32Array(size * size), [1, size, size]);
  expect(() => defaultCollate([[image(28)], [image(28)], [image(32)]])).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: collate of sample[0]: sample 0 of the batch is float32[1,28,28], sample 2 is float32[1,32,32]. Resize or crop them to one shape, or pass collateFn.]`,
  );
  expect(() => defaultCollate([{ x: Float32Array.of(1) }, { x: Int32Array.of(1) }])).toThrowErrorMatchingInlineSnapshot(
    `[DTypeError: collate of sample.x: sample 0 of the batch is float32[1], sample 1 is int32[1]]`,
  );
  expect(() => defaultCollate([[1], [null]])).toThrowErrorMatchingInlineSnapshot(
    `[DTypeError: collate of sample[0]: sample 0 of the batch is a number, sample 1 is null]`,
  );
  expect(() => defaultCollate([new Date()])).toThrowErrorMatchingInlineSnapshot(
    `[DTypeError: collate: cannot make a batch of an object of class Date. Hand out numbers, HostArrays, Float32Arrays, tensors, strings, or arrays and objects of these, or pass collateFn.]`,
  );
  expect(() => defaultCollate([[new Uint8Array(4)]])).toThrowErrorMatchingInlineSnapshot(
    `[DTypeError: collate of sample[0]: a Uint8Array may hold an image or a mask. Write new HostArray(bytes, shape, 'uint8') for an image, Int32Array.from(bytes) for labels, new HostArray(bytes, shape, 'bool') for a mask.]`,
  );
  expect(() => defaultCollate([[1, 2], [1]])).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: collate: sample 0 of the batch is an array of 2, sample 1 one of 1]`,
  );
  expect(() => defaultCollate([])).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: collate: expected at least one sample]`,
  );
});
