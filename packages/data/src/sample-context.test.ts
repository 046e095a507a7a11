import { Generator } from '@fakkel/core';
import { expect, test } from 'vitest';
import { murmur3, sampleSeed, SeededContext } from './sample-context.js';

test('murmur3 gives the published values', () => {
  expect(murmur3()).toBe(0);
  expect(murmur3(0)).toBe(0x2362f9de);
  expect(murmur3(0x87654321)).toBe(0xf55b516b);
  // Three words of UTF-8, little-endian.
  const words = new Uint32Array(new TextEncoder().encode('Hello, world').buffer);
  expect(murmur3(...words)).toBe(0x6a728c54);
});

test('no two samples of an epoch have the same seed', () => {
  const seeds = new Set<number>();
  for (let index = 0; index < 200_000; index++) seeds.add(sampleSeed(0x1234_5678_9abc_def0n, index, 0));
  expect(seeds.size).toBe(200_000);
});

test('seeds depend on every part of the key', () => {
  const keys: [bigint, number, number][] = [
    [5n, 1, 0],
    [5n + (1n << 32n), 1, 0],
    [5n, 1 + 2 ** 32, 0],
    [5n, 1, 1],
    [6n, 1, 0],
    [6n, 0, 1],
  ];
  expect(new Set(keys.map((key) => sampleSeed(...key))).size).toBe(keys.length);
});

test('first draws of neighbouring samples are uniform', () => {
  const counts = new Array<number>(10).fill(0);
  const out = new Float32Array(1);
  for (let index = 0; index < 10_000; index++) {
    new SeededContext(sampleSeed(7n, index, 0)).generator.uniform(out);
    counts[Math.floor(out[0] * 10)]++;
  }
  // χ² with 9 degrees of freedom: 27.9 is passed once in a thousand times.
  expect(counts.reduce((sum, n) => sum + (n - 1000) ** 2 / 1000, 0)).toBeLessThan(27.9);
});

test('a context has one generator, that of its seed', () => {
  const context = new SeededContext(42);
  expect(context.generator).toBe(context.generator);
  expect(context.generator.random()).toBe(new Generator(42).random());
});
