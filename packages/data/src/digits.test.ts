import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import goldens from '../test/goldens/data/resize.json' with { type: 'json' };
import { digits, HostArray, resizeBilinear } from './index.js';

describe('digits', () => {
  test('are the 1,797 real ones: counts of each label, first digit, checksum of scikit-learn’s CSV', () => {
    const dataset = digits();
    expect(dataset.length).toBe(1797);
    const counts = new Array<number>(10).fill(0);
    for (const label of dataset.labels.data) counts[label]++;
    // Published counts of the UCI test set.
    expect(counts).toEqual([178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
    const [image, label] = dataset.get(0);
    expect([String(image), label]).toEqual(['float32[1,8,8]', 0]);
    expect([...image.data.subarray(0, 8)].map((v) => v * 16)).toEqual([0, 0, 5, 13, 9, 1, 0, 0]);
    const lines = Array.from({ length: 1797 }, (_, i) => {
      const [x, y] = dataset.get(i);
      return [...x.data].map((v) => v * 16).join(',') + `,${y}\n`;
    });
    expect(createHash('sha256').update(lines.join('')).digest('hex')).toBe(CSV);
  });

  test('resized', () => {
    const [image, label] = digits({ size: 32 }).get(1796);
    expect([String(image), label]).toEqual(['float32[1,32,32]', 8]);
    expect(image.data).toEqual(resizeBilinear(digits().get(1796)[0], 32).data);
  });

  test('errors', () => {
    expect(() => digits({ size: 0 })).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: digits: size: expected a whole number from 1 up, got 0]`,
    );
    expect(() => digits().get(1797)).toThrow('DigitsDataset.get: index 1797 is out of range');
  });
});

describe('resizeBilinear gives the numbers of interpolate(mode=bilinear, align_corners=False)', () => {
  test.each(goldens)('$dtype $shape to $size', ({ shape, size, dtype, x, y }) => {
    const data = dtype === 'float32' ? Float32Array.from(x) : Float64Array.from(x);
    const out = resizeBilinear(new HostArray(data, shape), size as [number, number]);
    expect(out.shape).toEqual([...shape.slice(0, 2), ...size]);
    const worst = Math.max(...y.map((v, i) => Math.abs(v - out.data[i])));
    expect(worst).toBeLessThanOrEqual(dtype === 'float32' ? 2e-7 : 4e-16);
  });

  test('errors', () => {
    const image = new HostArray(new Float32Array(4), [2, 2]);
    expect(() => resizeBilinear(image, [2, 0])).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: resizeBilinear: expected a size of whole numbers from 1 up, got [2, 0]]`,
    );
    expect(() => resizeBilinear(new HostArray(new Float32Array(4)), 2)).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: resizeBilinear: expected [..., H, W] with H and W from 1 up, got float32[4]]`,
    );
    expect(() => resizeBilinear(new HostArray(new Int32Array(4), [2, 2]), 2)).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: resizeBilinear: expected float32 or float64, got int32[2,2]]`,
    );
  });
});

/** SHA-256 of the unpacked digits.csv.gz. */
const CSV = '6ebb3d2fee246a4e99363262ddf8a00a3c41bee6014c373ed9d9216ba7f651b8';
