import { expect, test } from 'vitest';
import { SpareArrays } from './spare-arrays.js';

test('an array of the size is taken again, whatever its type; others are made', () => {
  const spares = new SpareArrays();
  const first = spares.take({ shape: [4, 8], dtype: 'float32' });
  spares.put(first.buffer as ArrayBuffer);
  const other = spares.take({ shape: [16], dtype: 'float32' });
  expect(other.buffer).not.toBe(first.buffer);
  const again = spares.take({ shape: [32], dtype: 'int32' });
  expect(again).toBeInstanceOf(Int32Array);
  expect(again.buffer).toBe(first.buffer);
  expect(spares.take({ shape: [32], dtype: 'int32' }).buffer).not.toBe(first.buffer);
  spares.put(again.buffer as ArrayBuffer);
  expect(spares.take({ shape: [128], dtype: 'bool' }).buffer).toBe(first.buffer);
});

test('float64 is refused, with or without a spare array', () => {
  const spares = new SpareArrays();
  spares.put(new ArrayBuffer(32));
  expect(() => spares.take({ shape: [8], dtype: 'float64' })).toThrow('float64');
});
