import { describe, expect, test } from 'vitest';
import { float32, float64, golden, maxDifference } from '../../test/golden.js';
import { erf, erfFloat32 } from './erf.js';
import { erfinv, erfinvFloat32 } from './erfinv.js';

const saved = golden<{ x: string; y: string; erf: string; erfinv: string; erfinvFloat32: string }>('random/erf');
const x = float64(saved.x);
const y = float64(saved.y);

describe('erf', () => {
  test("equals Python's math.erf within half a unit in the last place of 1", () => {
    expect(maxDifference(x.map(erf), float64(saved.erf))).toBeLessThanOrEqual(2 ** -53);
  });

  test('in single precision within one unit in the last place', () => {
    const singles = Float32Array.from(x);
    expect(maxDifference(singles.map(erfFloat32), Float64Array.from(singles, erf))).toBeLessThanOrEqual(2 ** -24);
  });

  test('special values', () => {
    for (const f of [erf, erfFloat32]) {
      expect([0, -0, Infinity, -Infinity, NaN].map(f)).toEqual([0, -0, 1, -1, NaN]);
    }
  });
});

describe('erfinv', () => {
  test("equals torch's in float64", () => {
    expect(maxDifference(y.map(erfinv), float64(saved.erfinv))).toBeLessThanOrEqual(1e-14);
  });

  test("equals torch's in float32, whose own error near 1 is greater than this", () => {
    expect(maxDifference(Float32Array.from(y).map(erfinvFloat32), float32(saved.erfinvFloat32))).toBeLessThanOrEqual(
      2.4e-7,
    );
  });

  test('special values', () => {
    for (const f of [erfinv, erfinvFloat32]) {
      expect([0, 1, -1, 1.5, NaN].map(f)).toEqual([0, Infinity, -Infinity, NaN, NaN]);
    }
  });

  test('erf(erfinv(y)) is y', () => {
    for (let y = -0.99; y < 1; y += 0.01) expect(erf(erfinv(y))).toBeCloseTo(y, 14);
  });
});
