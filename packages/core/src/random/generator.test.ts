import { describe, expect, test } from 'vitest';
import { digest, golden, uint8 } from '../../test/golden.js';
import { dropoutKeys } from './dropout-keys.js';
import { defaultGenerator, Generator, initialSeed, manualSeed, seed } from './generator.js';

interface Step {
  op: string;
  n: number;
  values: string[];
  state: string;
}

/** The calls of tools/goldens/random_numbers.py, `sequences`. */
function draw(g: Generator, op: string, n: number): ArrayLike<number | bigint> {
  const fill = <T>(out: T, method: (out: T) => void): T => (method(out), out);
  switch (op) {
    case 'rand':
      return fill(new Float32Array(n), (out) => g.uniform(out));
    case 'randn':
      return fill(new Float32Array(n), (out) => g.normal(out));
    case 'rand64':
      return fill(new Float64Array(n), (out) => g.uniform(out));
    case 'randn64':
      return fill(new Float64Array(n), (out) => g.normal(out));
    case 'randint':
      return fill(new BigInt64Array(n), (out) => g.randint(out, 0, 1000));
    case 'bernoulli':
      return fill(new Float32Array(n), (out) => g.bernoulli(out, 0.3));
    case 'int64':
      return Array.from({ length: n }, () => g.randomInt64());
    case 'randperm':
      return g.randperm(n);
    default:
      throw new Error(op);
  }
}

describe('mixed calls keep to PyTorch', () => {
  for (const { seed, steps } of golden<{ seed: number; steps: Step[] }[]>('random/sequences')) {
    test(steps.map(({ op, n }) => `${op}(${n})`).join(', '), () => {
      const g = new Generator().manualSeed(seed);
      for (const { op, n, values, state } of steps) {
        const got = Array.from(draw(g, op, n)).slice(-40);
        if (op === 'randn64') {
          got.forEach((value, i) => expect(Math.abs(Number(value) - Number(values[i]))).toBeLessThan(2e-15));
        } else {
          expect(got.map(Number)).toEqual(values.map(Number));
        }
        expect(digest(g.getState().fill(0, 5024, 5032))).toBe(state); // but for the cached number's last bit
      }
    });
  }
});

describe('seeds', () => {
  const cases =
    golden<{ seed: string; initialSeed: string; rand: number[]; int64: string; randn: number[] }[]>('random/seeds');
  test.each(cases)('$seed', ({ seed, initialSeed, rand, int64, randn }) => {
    const g = seed === 'default' ? new Generator() : new Generator().manualSeed(BigInt(seed));
    expect(String(g.initialSeed())).toBe(initialSeed);
    expect(Array.from(draw(g, 'rand', 3))).toEqual(rand);
    expect(String(g.randomInt64())).toBe(int64);
    expect(Array.from(draw(g, 'randn', 3))).toEqual(randn);
  });

  test('a number and the equal bigint give the same stream', () => {
    expect(new Generator(7).random()).toBe(new Generator(7n).random());
    expect(new Generator().manualSeed(-1).initialSeed()).toBe(2n ** 64n - 1n);
  });

  test('seeds that are none', () => {
    const g = new Generator(3);
    const state = g.getState();
    expect(() => g.manualSeed(1.5)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: Generator.manualSeed: expected a whole number, got seed=1.5]`,
    );
    expect(() => g.manualSeed(NaN)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: Generator.manualSeed: expected a whole number, got seed=NaN]`,
    );
    expect(() => g.manualSeed(2 ** 60)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: Generator.manualSeed: expected a bigint, as numbers beyond 2^53 are not exact, got seed=1152921504606847000]`,
    );
    expect(() => g.manualSeed(2n ** 64n)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: Generator.manualSeed: expected a seed from -2^63 to 2^64 - 1, got seed=18446744073709551616]`,
    );
    expect(() => g.manualSeed(-(2n ** 63n) - 1n)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: Generator.manualSeed: expected a seed from -2^63 to 2^64 - 1, got seed=-9223372036854775809]`,
    );
    expect(() => g.manualSeed('0' as never)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: Generator.manualSeed: expected a whole number, got seed='0']`,
    );
    expect(() => g.manualSeed(true as never)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: Generator.manualSeed: expected a whole number, got seed=true]`,
    );
    expect(g.getState()).toEqual(state);
  });

  test('seed() is unpredictable, and is the seed', () => {
    const g = new Generator();
    const first = g.seed();
    expect(g.initialSeed()).toBe(first);
    const value = g.random();
    expect(g.seed()).not.toBe(first);
    expect(new Generator(first).random()).toBe(value);
  });
});

describe('state', () => {
  const saved = golden<{ state: string; randn: number[]; rand: number[] }>('random/state');

  test('is the bytes of torch.get_rng_state(), the cached normal number included', () => {
    const g = new Generator().manualSeed(2 ** 40 + 9);
    g.normal(new Float32Array(601));
    g.normal(new Float32Array(3));
    const view = new DataView(uint8(saved.state).buffer);
    const got = new DataView(g.getState().buffer);
    expect(got.getFloat64(5024, true)).toBeCloseTo(view.getFloat64(5024, true), 14);
    got.setFloat64(5024, view.getFloat64(5024, true), true);
    expect(new Uint8Array(got.buffer)).toEqual(uint8(saved.state));
  });

  test('a state of PyTorch continues as there', () => {
    const g = new Generator().setState(uint8(saved.state));
    expect(Array.from(draw(g, 'randn', 3))).toEqual(saved.randn);
    expect(Array.from(draw(g, 'rand', 2))).toEqual(saved.rand);
    expect(g.initialSeed()).toBe(2n ** 40n + 9n);
  });

  test('saved and restored midway, and cloned, the stream is the same', () => {
    const g = new Generator(5);
    g.normal(new Float32Array(3)); // leaves a cached number
    g.uniform(new Float32Array(700)); // past a block
    const state = g.getState();
    const clone = g.clone();
    const rest = () => [draw(g, 'randn', 1), draw(g, 'randn64', 20), g.randperm(9), g.random64()];
    const expected = rest();
    g.setState(state);
    expect(rest()).toEqual(expected);
    expect(clone.getState()).toEqual(state);
    expect(draw(clone, 'randn', 1)).toEqual(expected[0]);
    expect(new Generator().setState(clone.getState()).random()).toBe(clone.random());
  });

  test('getState gives a copy, and setState takes one', () => {
    const g = new Generator(5);
    const state = g.getState();
    g.setState(state);
    const first = g.random();
    state.fill(0);
    expect(g.manualSeed(5).random()).toBe(first);
  });

  test('bytes that are no state change nothing', () => {
    const g = new Generator(5);
    g.uniform(new Float32Array(100));
    const state = g.getState();
    const corrupt = (offset: number, value: number) => {
      const bytes = g.getState();
      new DataView(bytes.buffer).setUint32(offset, value, true);
      return bytes;
    };
    expect(() => g.setState(new Uint8Array(10))).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: Generator.setState: expected the 5056 bytes of getState() or torch.get_rng_state(), got 10]`,
    );
    expect(() => g.setState(new Uint8Array(5056))).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: Generator.setState: not a state of mt19937 (left=0, next=0); the bytes are corrupt]`,
    );
    // left = 0, left = 625, next = 700, not seeded, and a next that does not go with left
    for (const bytes of [corrupt(8, 0), corrupt(8, 625), corrupt(16, 700), corrupt(12, 0), corrupt(8, 600)]) {
      expect(() => g.setState(bytes)).toThrow(/not a state of mt19937/);
    }
    expect(g.getState()).toEqual(state);
  });

  test('a state within a larger buffer', () => {
    const g = new Generator(9);
    const buffer = new Uint8Array(6000);
    buffer.set(g.getState(), 7);
    expect(new Generator().setState(buffer.subarray(7, 7 + 5056)).random()).toBe(g.random());
  });
});

describe('the default generator', () => {
  test('manualSeed seeds it and restarts the dropout masks', () => {
    expect(manualSeed(0)).toBe(defaultGenerator);
    expect(initialSeed()).toBe(0n);
    const key = dropoutKeys.nextKey();
    expect(dropoutKeys.nextKey()).not.toEqual(key);
    expect(draw(defaultGenerator, 'rand', 2)).toEqual(Float32Array.of(0.4962565899, 0.7682217956));
    manualSeed(0);
    expect(dropoutKeys.nextKey()).toEqual(key);
    expect(() => manualSeed(0.5)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: manualSeed: expected a whole number, got seed=0.5]`,
    );
    expect(initialSeed()).toBe(0n);
  });

  test('dropout keys never advance it', () => {
    manualSeed(1);
    const state = defaultGenerator.getState();
    dropoutKeys.nextKey();
    expect(defaultGenerator.getState()).toEqual(state);
  });

  test('seed() seeds it from the platform', () => {
    const value = seed();
    expect(initialSeed()).toBe(value);
    expect(seed()).not.toBe(value);
    manualSeed(0);
  });
});
