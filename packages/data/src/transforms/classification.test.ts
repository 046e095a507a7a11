import { describe, expect, test } from 'vitest';
import { expectImage, randomImage, smoothImage } from '../../test/golden-images.js';
import golden from '../../test/goldens/transforms/image-classification.json' with { type: 'json' };
import { HostArray, transforms } from '../index.js';

const { ImageClassification } = transforms;
const imageOf = ({ kind, shape }: { kind: string; shape: number[] }, dtype = 'uint8') =>
  kind === 'smooth' ? smoothImage(shape, dtype) : randomImage(shape, dtype);

describe.each(golden.cases)('$kind, $shape: $resizeSize, then $cropSize', (one) => {
  const { cropSize, resizeSize, mean, std } = one;
  const options = { cropSize, resizeSize, mean, std, interpolation: one.interpolation as 'bilinear' };

  // Normalized values reach 2.6: two of their last places are four of white's.
  test('bytes are what torchvision makes of an image of PIL', () => {
    expectImage(new ImageClassification(options)(imageOf(one)), one.pil, 4);
  });

  test('without antialiasing, and on floats, they are those of torchvision on tensors', () => {
    expectImage(new ImageClassification({ ...options, antialias: false })(imageOf(one)), one.tensor, 4);
    expectImage(new ImageClassification(options)(imageOf(one, 'float32')), one.antialiased, 4);
  });

  test('printed as torchvision prints it', () => {
    expect(String(new ImageClassification(options))).toBe(one.repr);
  });
});

test('ImageNet’s numbers are the default, and batches are taken', () => {
  const preset = new ImageClassification({ cropSize: 224 });
  expect(String(preset)).toBe(golden.repr);
  expect(String(new ImageClassification({ cropSize: 2, antialias: false }))).toContain('\n    antialias=False\n)');
  const small = new ImageClassification({ cropSize: 4, resizeSize: 5 });
  const batch = randomImage([2, 3, 8, 10]);
  const first = new HostArray(batch.data.slice(0, 240), [3, 8, 10], 'uint8');
  expect(small(batch).shape).toEqual([2, 3, 4, 4]);
  expect(small(batch).data.slice(0, 48)).toEqual(small(first).data);
});

test('workers make an equal one', () => {
  const preset = new ImageClassification({ cropSize: 4, resizeSize: 5, interpolation: 'bicubic' });
  const { name, args } = preset.recipe()!;
  expect(name).toBe('transforms.ImageClassification');
  const again = new ImageClassification(
    ...(structuredClone(args) as ConstructorParameters<typeof ImageClassification>),
  );
  const image = randomImage([3, 8, 10]);
  expect(again(image)).toEqual(preset(image));
});

test('misuse', () => {
  expect(() => new ImageClassification({ crop_size: 224 } as any)).toThrowErrorMatchingInlineSnapshot(
    `[FakkelError: ImageClassification: unknown option 'crop_size'. Write cropSize.]`,
  );
  expect(() => new ImageClassification({} as any)).toThrowErrorMatchingInlineSnapshot(
    `[OutOfRangeError: ImageClassification: cropSize: expected a whole number from 1 up, or [height, width], got undefined]`,
  );
  expect(() => new ImageClassification({ cropSize: 8, std: [0, 1, 1] })).toThrowErrorMatchingInlineSnapshot(
    `[FakkelError: ImageClassification: channel 0 has mean 0.485 and standard deviation 0]`,
  );
  expect(() =>
    new ImageClassification({ cropSize: 8, resizeSize: 8 })(randomImage([1, 9, 9])),
  ).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: normalize: expected 3 channels for as many means, got 1 of float32[1,8,8]]`,
  );
});
