import { describe, expect, test } from 'vitest';
import { digest, float32, float64, golden } from '../../test/golden.js';
import { Generator } from './generator.js';

const ARRAYS = { int32: Int32Array, int64: BigInt64Array, float32: Float32Array, float64: Float64Array };

describe('randint', () => {
  interface Case {
    dtype: keyof typeof ARRAYS;
    low: string;
    high: string;
    seed: number;
    n: number;
    sha256: string;
    first: string[];
  }
  test.each(golden<Case[]>('random/randint'))("$dtype in [$low, $high) equals torch's", (c) => {
    const out = new ARRAYS[c.dtype](c.n);
    new Generator(c.seed).randint(out, BigInt(c.low), BigInt(c.high));
    expect(Array.from(out as ArrayLike<number | bigint>, (value) => String(BigInt(value))).slice(0, 4)).toEqual(
      c.first,
    );
    expect(digest(out)).toBe(c.sha256);
  });

  test('numbers and bigints as bounds', () => {
    const [a, b] = [new Int32Array(9), new Int32Array(9)];
    new Generator(1).randint(a, -4, 4);
    new Generator(1).randint(b, -4n, 4n);
    expect(a).toEqual(b);
  });

  test('arguments that make no sense', () => {
    const g = new Generator();
    const out = new Int32Array(2);
    expect(() => g.randint(out, 5, 5)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: randint: expected low < high (high is exclusive), got low=5, high=5]`,
    );
    expect(() => g.randint(out, 0, 1.5)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: randint: expected a whole number, got high=1.5]`,
    );
    expect(() => g.randint(out, 0, 2 ** 31 + 1)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: randint: [0, 2147483649) does not fit int32, which holds −2³¹ to 2³¹ − 1; use int64]`,
    );
    expect(() => g.randint(new BigInt64Array(2), 0, 2 ** 60)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: randint: expected a bigint, as numbers beyond 2^53 are not exact, got high=1152921504606847000]`,
    );
    expect(() => g.randint(new BigInt64Array(2), 0, 2n ** 63n)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: randint: high=9223372036854775808 is out of range for int64]`,
    );
    expect(() => g.randint(new Float32Array(2), 2 ** 24 + 3, 2 ** 24 + 4)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: randint: no float32 value lies in [16777219, 16777220); use an integer type]`,
    );
    expect(g.getState()).toEqual(new Generator().getState());
  });
});

describe('randperm', () => {
  interface Case {
    seed: number;
    n: number;
    sha256: string;
    first: number[];
    after: number;
  }
  test.each(golden<Case[]>('random/randperm'))("of $n equals torch's", ({ seed, n, sha256, first, after }) => {
    const g = new Generator(seed);
    const out = g.randperm(n);
    expect(Array.from(out.slice(0, 10))).toEqual(first);
    expect(digest(out)).toBe(sha256);
    const next = new Float32Array(1);
    g.uniform(next);
    expect(next[0]).toBe(after);
  });

  test('arguments that make no sense', () => {
    expect(() => new Generator().randperm(-1)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: randperm: expected a whole number from 0 to 2^31 − 1, got n=-1]`,
    );
    expect(() => new Generator().randperm(2.5)).toThrow(/got n=2.5/);
  });
});

describe('bernoulli', () => {
  interface Case {
    kind: 'scalar' | 'float32' | 'float64';
    p: number;
    data: string;
    seed: number;
    n: number;
    sha256: string;
  }
  test.each(golden<Case[]>('random/bernoulli'))(
    "$kind $p, n $n equals torch's",
    ({ kind, p, data, seed, n, sha256 }) => {
      const probability = kind === 'scalar' ? p : kind === 'float32' ? float32(data) : float64(data);
      const out = kind === 'float64' ? new Float64Array(n) : new Float32Array(n);
      new Generator(seed).bernoulli(out, probability);
      expect(digest(out)).toBe(sha256);
      const bool = new Uint8Array(n);
      new Generator(seed).bernoulli(bool, probability);
      expect(Array.from(bool)).toEqual(Array.from(out));
    },
  );

  test('arguments that make no sense', () => {
    const g = new Generator();
    expect(() => g.bernoulli(new Uint8Array(2), 1.5)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: bernoulli: expected a probability from 0 to 1, got p=1.5]`,
    );
    expect(() => g.bernoulli(new Uint8Array(2), Float32Array.of(0.5, NaN))).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: bernoulli: expected a probability from 0 to 1, got p=NaN]`,
    );
    expect(() => g.bernoulli(new Uint8Array(2), Float32Array.of(0.5))).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: bernoulli: expected one probability for each of 2 elements, got 1]`,
    );
  });
});

describe('multinomial', () => {
  interface Case {
    dtype: 'float32' | 'float64';
    weights: number[] | string;
    seed: number;
    count: number;
    replacement: boolean;
    indices: number[];
  }
  test("equals torch's, with and without replacement", () => {
    const cases = golden<Case[]>('random/multinomial');
    expect(cases.length).toBe(20);
    for (const { dtype, weights, seed, count, replacement, indices } of cases) {
      const list = Array.isArray(weights) ? weights : Array.from({ length: 200 }, (_, i) => ((i * 7919) % 101) / 7);
      const w = dtype === 'float32' ? Float32Array.from(list) : list;
      expect(Array.from(new Generator(seed).multinomial(w, count, replacement))).toEqual(indices);
    }
  });

  test('arguments that make no sense', () => {
    const g = new Generator();
    expect(() => g.multinomial([1, 2], 3)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: multinomial: cannot draw 3 samples from 2 weights without replacement; pass replacement: true]`,
    );
    expect(() => g.multinomial([1, 2], 0)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: multinomial: expected a whole number of samples from 1 up, got 0]`,
    );
    expect(() => g.multinomial([1, -2], 1)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: multinomial: expected finite weights ≥ 0, got -2 at index 1]`,
    );
    expect(() => g.multinomial([0, 0], 1)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: multinomial: expected weights with a sum > 0, got only zeros or none]`,
    );
    expect(() => g.multinomial([], 5, true)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: multinomial: expected weights with a sum > 0, got only zeros or none]`,
    );
  });
});
