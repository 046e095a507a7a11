import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { digits, DigitsDataset, transforms } from './index.js';

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
    const plain = new transforms.Resize([32, 32], { antialias: false });
    expect(image.data).toEqual(plain(digits().get(1796)[0]).data);
  });

  test('transformed: a transform is given the float32 image', () => {
    const dataset = digits({ size: 4, transform: String, targetTransform: (label) => -label });
    expect(dataset.get(3)).toEqual(['float32[1,4,4]', -3]);
    expect([dataset.targets[3], dataset.classes[3]]).toEqual([3, '3']);
    expect(dataset.recipe()).toBeUndefined();
  });

  test('workers make an equal dataset of its recipe, which shares its memory', () => {
    const dataset = digits();
    const { name, args } = dataset.recipe()!;
    expect(name).toBe('DigitsDataset');
    const again = new DigitsDataset(...(args as ConstructorParameters<typeof DigitsDataset>));
    expect(again.get(1796)).toEqual(dataset.get(1796));
    expect(again.images.data.buffer).toBeInstanceOf(SharedArrayBuffer);
    expect(again.images.data.buffer).toBe(dataset.images.data.buffer);
  });

  test('errors', () => {
    expect(() => digits({ size: 0 })).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: digits: size: expected a whole number from 1 up, got 0]`,
    );
    expect(() => digits().get(1797)).toThrow('DigitsDataset.get: index 1797 is out of range');
  });
});

/** SHA-256 of the unpacked digits.csv.gz. */
const CSV = '6ebb3d2fee246a4e99363262ddf8a00a3c41bee6014c373ed9d9216ba7f651b8';
