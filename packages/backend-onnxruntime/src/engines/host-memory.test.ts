import { type Aval, formatAval } from '@fakkel/core';
import { Tensor } from 'onnxruntime-common';
import { expect, test } from 'vitest';
import { HostMemory } from './host-memory.js';

const vector = (n: number): Aval => ({ dtype: 'float32', shape: [n] });

/** Of which shapes the pool has a tensor: those that `allocate` gives back, and no new ones. */
function pooled(memory: HostMemory, avals: readonly Aval[]): string[] {
  return avals
    .filter((aval) => {
      const before = memory.pooledBytes;
      const tensor = memory.allocate(aval);
      const had = memory.pooledBytes < before;
      if (had) memory.release(tensor, aval);
      return had;
    })
    .map(formatAval);
}

test('what was allocated is reused: the buffers of a loop take turns', () => {
  const memory = new HostMemory(Tensor);
  const first = memory.allocate(vector(4));
  memory.release(first, vector(4));
  expect(memory.allocate(vector(4))).toBe(first);
  expect(memory.allocate(vector(4))).not.toBe(first);
  expect(memory.pooledBytes).toBe(0);
});

test('arrays handed over with every step do not pile up in the pool', () => {
  const memory = new HostMemory(Tensor);
  for (let step = 0; step < 100; step++) {
    memory.release(memory.adopt(vector(64), new Float32Array(64)), vector(64));
  }
  expect({ pooled: memory.pooledBytes, live: memory.liveBytes, peak: memory.peakBytes }).toEqual({
    pooled: 0,
    live: 0,
    peak: 256,
  });
});

test('a full pool drops the shapes used least recently, and takes new ones', () => {
  const memory = new HostMemory(Tensor, 400);
  const [a, b, c, d] = [vector(50), vector(49), vector(24), vector(25)];
  for (const aval of [a, b]) memory.release(memory.allocate(aval), aval);
  expect(memory.pooledBytes).toBe(396);
  memory.release(memory.allocate(a), a); // used: b is the older one
  memory.release(memory.allocate(c), c);
  expect(pooled(memory, [b])).toEqual([]);
  memory.release(memory.allocate(d), d);
  expect(memory.pooledBytes).toBe(396);
  expect(pooled(memory, [a, b, c, d])).toEqual(['float32[50]', 'float32[24]', 'float32[25]']);
});

test('a full pool of one shape gives up some of it, not all', () => {
  const memory = new HostMemory(Tensor, 400);
  const [many, one] = [vector(10), vector(20)];
  const all = Array.from({ length: 10 }, () => memory.allocate(many));
  all.forEach((tensor) => memory.release(tensor, many));
  memory.release(memory.allocate(one), one);
  expect(memory.pooledBytes).toBe(400); // eight of ten, and the new one
});

test('what is larger than the pool leaves it as it is', () => {
  const memory = new HostMemory(Tensor, 400);
  memory.release(memory.allocate(vector(10)), vector(10));
  memory.release(memory.allocate(vector(101)), vector(101));
  expect(memory.pooledBytes).toBe(40);
});
