import { describe, expect, test } from 'vitest';
import { digest, float32, float64, golden, maxDifference } from '../../test/golden.js';
import { Generator } from './generator.js';

interface Case {
  dtype: 'float32' | 'float64';
  seed: number;
  n: number;
}
interface Exact extends Case {
  sha256: string;
  last: number;
}

const allocate = (dtype: string, n: number) => (dtype === 'float32' ? new Float32Array(n) : new Float64Array(n));
const decode = (dtype: string, data: string) => (dtype === 'float32' ? float32(data) : float64(data));

describe('uniform', () => {
  test("equals torch's uniform_ to the bit, sizes 1 to 100 and four ranges", () => {
    const cases = golden<(Exact & { low: number; high: number })[]>('random/uniform');
    expect(cases.length).toBeGreaterThan(200);
    for (const { dtype, low, high, seed, n, sha256, last } of cases) {
      const out = allocate(dtype, n);
      new Generator(seed).uniform(out, low, high);
      expect([n, out[n - 1], digest(out)]).toEqual([n, last, sha256]);
    }
  });

  test('an empty array draws nothing', () => {
    const g = new Generator(1);
    g.uniform(new Float32Array(0));
    g.normal(new Float64Array(0));
    expect(g.getState()).toEqual(new Generator(1).getState());
  });

  test('arguments that make no sense', () => {
    const g = new Generator();
    const out = new Float32Array(2);
    expect(() => g.uniform(out, 1, 0)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: uniform: expected low ≤ high, got low=1, high=0]`,
    );
    expect(() => g.uniform(out, NaN, 0)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: uniform: expected a finite low within ±3.40e+38 (float32), got low=NaN]`,
    );
    expect(() => g.uniform(out, 0, 1e39)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: uniform: expected a finite high within ±3.40e+38 (float32), got high=1e+39]`,
    );
    expect(() => g.uniform(out, -3e38, 3e38)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: uniform: high − low overflows float32, got low=-3e+38, high=3e+38]`,
    );
    g.uniform(new Float64Array(1), -3e38, 3e38);
    expect(() => g.uniform(new Float64Array(1), -1.7e308, 1.7e308)).toThrow(/overflows float64/);
    expect(() => g.uniform(new Float64Array(1), 0, Infinity)).toThrow(/expected a finite high/);
  });
});

describe('normal', () => {
  test("float32 equals torch's normal_ to the bit, sizes 1 to 100 and 160,000", () => {
    const cases = golden<(Exact & { mean: number; std: number })[]>('random/normal-float32');
    expect(cases.length).toBeGreaterThan(100);
    for (const { mean, std, seed, n, sha256, last } of cases) {
      const out = new Float32Array(n);
      new Generator(seed).normal(out, mean, std);
      expect([n, out[n - 1], digest(out)]).toEqual([n, last, sha256]);
    }
  });

  test.each(['a', 'b', 'c'])("float64 equals torch's normal_ within 2e-15 (%s)", (part) => {
    const cases = golden<(Case & { mean: number; std: number; data: string })[]>(`random/normal-float64-${part}`);
    for (const { mean, std, seed, n, data } of cases) {
      const out = new Float64Array(n);
      new Generator(seed).normal(out, mean, std);
      expect(maxDifference(out, float64(data))).toBeLessThanOrEqual(2e-15);
    }
  });

  test('the cached half of a pair serves both precisions, and manualSeed drops it', () => {
    const pair = new Float64Array(2);
    new Generator(3).normal(pair);
    const g = new Generator(3);
    g.normal(new Float32Array(1));
    const rest = new Float64Array(1);
    g.normal(rest);
    expect(rest[0]).toBe(pair[1]);
    g.normal(rest);
    g.manualSeed(3).normal(rest);
    expect(rest[0]).toBe(pair[0]);
  });

  test('std below 0', () => {
    expect(() => new Generator().normal(new Float32Array(2), 0, -1)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: normal: expected std ≥ 0, got std=-1]`,
    );
    expect(() => new Generator().normal(new Float32Array(2), 0, NaN)).toThrow(/expected std ≥ 0/);
  });
});

describe('truncNormal', () => {
  const cases =
    golden<(Case & { mean: number; std: number; a: number; b: number; data: string })[]>('random/trunc-normal');
  test.each(cases)(
    "$dtype, mean $mean, std $std, [$a, $b] equals torch's",
    ({ dtype, mean, std, a, b, seed, n, data }) => {
      const out = allocate(dtype, n);
      new Generator(seed).truncNormal(out, mean, std, a, b);
      // The last bits of exp and log are the platform's; far out in float64 they count a few hundred times.
      expect(maxDifference(out, decode(dtype, data))).toBeLessThanOrEqual(
        dtype === 'float32' ? 3e-7 * std : 1e-12 * std,
      );
    },
  );

  test('arguments that make no sense', () => {
    const g = new Generator();
    const out = new Float32Array(2);
    expect(() => g.truncNormal(out, 0, 0)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: truncNormal: expected a finite std > 0, got std=0]`,
    );
    expect(() => g.truncNormal(out, 0, 1, 2, -2)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: truncNormal: expected bounds a ≤ b, got a=2, b=-2]`,
    );
    expect(() => g.truncNormal(out, NaN)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: truncNormal: expected a finite mean, got mean=NaN]`,
    );
  });
});

test("exponential equals torch's exponential_", () => {
  const cases = golden<(Case & { lambda: number; data: string })[]>('random/exponential');
  for (const { dtype, lambda, seed, n, data } of cases) {
    const out = allocate(dtype, n);
    new Generator(seed).exponential(out, lambda);
    expect(maxDifference(out, decode(dtype, data))).toBeLessThanOrEqual(dtype === 'float32' ? 0 : 1e-15);
  }
  expect(() => new Generator().exponential(new Float32Array(1), 0)).toThrowErrorMatchingInlineSnapshot(
    `[OutOfRangeError: exponential: expected lambda > 0, got lambda=0]`,
  );
});

test('layers made one after the other have the default parameters of nn.Linear and nn.Conv2d, to the bit', () => {
  interface Layer {
    layer: string;
    fanIn: number;
    weight: Exact;
    bias: Exact;
  }
  const g = new Generator(0);
  for (const { layer, fanIn, weight, bias } of golden<Layer[]>('random/initialization')) {
    // init.kaiming_uniform_(weight, a = √5): bound = √3 · gain / √fanIn with gain = √(2 / (1 + a²)).
    const gain = Math.sqrt(2 / (1 + Math.sqrt(5) ** 2));
    const bounds = [Math.sqrt(3) * (gain / Math.sqrt(fanIn)), 1 / Math.sqrt(fanIn)];
    [weight, bias].forEach(({ n, sha256, last }, i) => {
      const out = new Float32Array(n);
      g.uniform(out, -bounds[i], bounds[i]);
      expect([layer, out[n - 1], digest(out)]).toEqual([layer, last, sha256]);
    });
  }
});
