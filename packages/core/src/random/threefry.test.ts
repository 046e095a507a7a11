import { describe, expect, test } from 'vitest';
import { threefry2x32, threefryUniform } from './threefry.js';

describe('threefry2x32', () => {
  // Random123, tests/kat_vectors, "threefry2x32 20".
  test.each([
    ['zeros', [0, 0], [0, 0], [0x6b200159, 0x99ba4efe]],
    ['ones', [0xffffffff, 0xffffffff], [0xffffffff, 0xffffffff], [0x1cb996fc, 0xbb002be7]],
    ['digits of pi', [0x13198a2e, 0x03707344], [0x243f6a88, 0x85a308d3], [0xc4923a9c, 0x483df7a0]],
  ] as const)('known answer: %s', (_, [k0, k1], [c0, c1], expected) => {
    expect(threefry2x32(k0, k1, c0, c1)).toEqual(expected);
    expect(threefry2x32(k0 | 0, k1 | 0, c0 | 0, c1 | 0)).toEqual(expected); // the same words, signed
  });

  test('flipping any bit of key or counter flips about half of the output', () => {
    const words = [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344] as [number, number, number, number];
    const bitCount = (x: number) => x.toString(2).replaceAll('0', '').length;
    const [a, b] = threefry2x32(...words);
    let flipped = 0;
    for (let bit = 0; bit < 128; bit++) {
      const changed = [...words] as typeof words;
      changed[bit >> 5] ^= 1 << (bit & 31);
      const [x, y] = threefry2x32(...changed);
      flipped += bitCount((a ^ x) >>> 0) + bitCount((b ^ y) >>> 0);
    }
    expect(Math.abs(flipped / 128 - 32)).toBeLessThan(4 * (4 / Math.sqrt(128))); // 64 fair bits have σ = 4
  });
});

describe('threefryUniform', () => {
  test('element i is word i & 1 of block i >> 1, 24 bits of it', () => {
    for (const n of [0, 1, 2, 7, 8]) {
      const out = new Float32Array(n);
      threefryUniform(out, 5, 0xfffffff0);
      const expected = Array.from(
        { length: n },
        (_, i) => (threefry2x32(5, 0xfffffff0, i >> 1, 0)[i & 1] >>> 8) / 2 ** 24,
      );
      expect(Array.from(out)).toEqual(expected);
    }
  });

  test('both precisions hold the same values', () => {
    const [a, b] = [new Float32Array(101), new Float64Array(101)];
    threefryUniform(a, 1, 2);
    threefryUniform(b, 1, 2);
    expect(Array.from(a)).toEqual(Array.from(b));
  });

  test('is uniform: moments, 64 bins, neighbours and keys uncorrelated', () => {
    const n = 1 << 18;
    const u = new Float64Array(n);
    const v = new Float64Array(n);
    threefryUniform(u, 0, 0);
    threefryUniform(v, 1, 0);
    const correlation = (a: Float64Array, b: Float64Array, shift: number) => {
      let sum = 0;
      for (let i = 0; i + shift < n; i++) sum += (a[i] - 0.5) * (b[i + shift] - 0.5);
      return (sum / n) * 12;
    };
    const sigma = 1 / Math.sqrt(n);
    const mean = u.reduce((sum, x) => sum + x, 0) / n;
    expect(Math.abs(mean - 0.5)).toBeLessThan(4 * sigma * Math.sqrt(1 / 12));
    for (const shift of [1, 2, 16]) expect(Math.abs(correlation(u, u, shift))).toBeLessThan(4 * sigma);
    expect(Math.abs(correlation(u, v, 0))).toBeLessThan(4 * sigma);

    const bins = new Float64Array(64);
    for (const x of u) bins[Math.floor(x * 64)]++;
    const chiSquare = bins.reduce((sum, count) => sum + (count - n / 64) ** 2 / (n / 64), 0);
    expect(chiSquare).toBeGreaterThan(63 - 4 * Math.sqrt(126));
    expect(chiSquare).toBeLessThan(63 + 4 * Math.sqrt(126));
    expect(u.every((x) => x >= 0 && x < 1)).toBe(true);
  });
});
