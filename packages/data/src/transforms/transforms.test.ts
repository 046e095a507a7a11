/** What transforms have in common: calls, printing, recipes, errors. */
import { Generator, manualSeed, tensor } from '@fakkel/core';
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { randomImage, smoothImage } from '../../test/golden-images.js';
import reprs from '../../test/goldens/transforms/reprs.json' with { type: 'json' };
import { DataLoader, digits, HostArray, MapDataset, transforms, type SampleContext } from '../index.js';
import { isPortable } from '../portable.js';

const t = transforms;
const pair = [new t.RandomCrop(3), new t.CenterCrop([2, 3])];

describe('printing', () => {
  const made: Record<keyof typeof reprs, unknown> = {
    ToTensor: new t.ToTensor(),
    Normalize: new t.Normalize([0.5, 1], [0.25, 1e-5]),
    Resize: new t.Resize(256),
    Resize2: new t.Resize([3, 4], { interpolation: 'bicubic', antialias: false }),
    ResizeMax: new t.Resize(20, { maxSize: 30 }),
    CenterCrop: new t.CenterCrop(7),
    Pad: new t.Pad([1, 2], { fill: 3, paddingMode: 'edge' }),
    RandomCrop: new t.RandomCrop(32, { padding: 4 }),
    RandomCrop2: new t.RandomCrop([3, 4], { padding: [1, 2] }),
    RandomResizedCrop: new t.RandomResizedCrop(224),
    RandomHorizontalFlip: new t.RandomHorizontalFlip(),
    RandomVerticalFlip: new t.RandomVerticalFlip(1),
    RandomRotation: new t.RandomRotation(30),
    RandomRotation2: new t.RandomRotation([5, 10], {
      interpolation: 'bilinear',
      expand: true,
      center: [1, 2],
      fill: 3,
    }),
    RandomAffine: new t.RandomAffine(10),
    RandomAffine2: new t.RandomAffine([1, 2], {
      ...{ translate: [0.1, 0.2], scale: [0.5, 1.5], shear: 5 },
      ...{ interpolation: 'bilinear', fill: 2, center: [1, 2] },
    }),
    RandomPerspective: new t.RandomPerspective(),
    ColorJitter: new t.ColorJitter({ brightness: 0.5, contrast: 0.25, hue: 0.1 }),
    Grayscale: new t.Grayscale(),
    RandomGrayscale: new t.RandomGrayscale(),
    RandomErasing: new t.RandomErasing(),
    RandomErasing2: new t.RandomErasing({ value: 'random' }),
    FiveCrop: new t.FiveCrop(3),
    TenCrop: new t.TenCrop([3, 4], { verticalFlip: true }),
    GaussianBlur: new t.GaussianBlur(5),
    RandAugment: new t.RandAugment({ numOps: 3, fill: [1, 2, 3] }),
    Compose: new t.Compose(pair),
    RandomApply: new t.RandomApply(pair),
    RandomChoice: new t.RandomChoice(pair, { p: [0.5, 0.5] }),
    RandomOrder: new t.RandomOrder(pair),
  };

  test.each(Object.entries(made))('%s as torchvision', (name, transform) => {
    // torchvision 0.14 closes a parenthesis too many in this one, and prints a size given as a list as one.
    const golden = reprs[name as keyof typeof reprs].replace('bilinear), antialias', 'bilinear, antialias');
    const lists = (text: string) => text.replace(/size=[[(](.*?)[\])]/g, 'size=($1)');
    expect(lists(String(transform))).toBe(lists(golden));
    expect(inspect(transform)).toBe(String(transform));
  });

  test('functions by their names, what torchvision lacks likewise', () => {
    const named = (image: HostArray) => image;
    expect(String(new t.Compose([named, new t.Lambda(named)]))).toBe('Compose(\n    named\n    Lambda()\n)');
    expect(String(new t.Lighting())).toBe('Lighting(alphastd=0.1)');
    expect(String(new t.Mixup({ numClasses: 10, alpha: 0.2 }))).toBe('Mixup(num_classes=10, p=1.0, alpha=0.2)');
  });
});

describe('recipes', () => {
  const everything: transforms.Transform<never, unknown>[] = [
    new t.ImageClassification({ cropSize: 8, resizeSize: 10, mean: [0.5, 0.4, 0.3], std: [0.2, 0.3, 0.4] }),
    new t.ToTensor(),
    new t.ConvertImageDtype('uint8'),
    new t.Normalize([0.5], [2]),
    new t.LinearTransformation(new HostArray(new Float32Array(4), [2, 2]), [1, 2]),
    new t.Resize([8, 9], { interpolation: 'nearest' }),
    new t.CenterCrop(3),
    new t.Pad([1, 2], { paddingMode: 'reflect' }),
    new t.RandomCrop(8, { padding: 1 }),
    new t.FiveCrop(3),
    new t.TenCrop(3, { verticalFlip: true }),
    new t.RandomResizedCrop(6, { scale: [0.5, 1] }),
    new t.RandomHorizontalFlip(0.4),
    new t.RandomVerticalFlip(0.4),
    new t.RandomRotation(20, { fill: [1, 2, 3] }),
    new t.RandomAffine(20, { shear: [1, 2, 3, 4], scale: [1, 2] }),
    new t.RandomPerspective({ p: 1 }),
    new t.ColorJitter({ brightness: 0.5, hue: [-0.1, 0.2] }),
    new t.Grayscale(3),
    new t.RandomGrayscale(0.7),
    new t.Lighting({ alphaStd: 1 }),
    new t.RandomErasing({ p: 1, value: [1, 2, 3] }),
    new t.GaussianBlur(3, { sigma: 2 }),
    new t.RandAugment({ magnitude: 3 }),
    new t.Mixup({ numClasses: 3, p: 0.5 }),
    new t.CutMix({ numClasses: 3, alpha: 2 }),
    new t.Compose([new t.RandomCrop(8), new t.RandomApply([new t.RandomRotation(9)], { p: 0.9 })]),
    new t.RandomApply([new t.GaussianBlur(3)], { p: 0.6 }),
    new t.RandomChoice([new t.RandomCrop(8), new t.CenterCrop(8)], { p: [1, 2] }),
    new t.RandomOrder([new t.RandomRotation(5), new t.RandomHorizontalFlip()]),
  ];

  /** As a worker makes them: names looked up in what the package exports, nested recipes first. */
  const remake = (value: any): any => {
    if (isPortable(value)) {
      const { name, args } = value.recipe()!;
      return new (transforms as any)[name.replace('transforms.', '')](...args.map(remake));
    }
    if (Array.isArray(value)) return value.map(remake);
    if (value instanceof HostArray || typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(structuredClone(value)).map(([key, v]) => [key, remake(v)]));
  };

  test('all exported transforms but Transform and Lambda have one', () => {
    const names = Object.entries(transforms).flatMap(([name, value]) => (typeof value === 'function' ? [name] : []));
    const tested = new Set(everything.map((transform) => transform.constructor.name));
    expect(names.filter((name) => !tested.has(name)).sort()).toEqual(['Lambda', 'Transform']);
  });

  test.each(everything.map((transform) => [transform.constructor.name, transform] as const))(
    '%s is made again, and does the same',
    (name, transform) => {
      const again = remake(transform) as transforms.Transform<HostArray, unknown>;
      expect(String(again)).toBe(String(transform));
      expect(again).not.toBe(transform);
      expect(JSON.stringify(again.recipe())).toBe(JSON.stringify(transform.recipe()));
      if (['Mixup', 'CutMix', 'LinearTransformation'].includes(name)) return;
      const needsFloat = name === 'Normalize' || name === 'RandomErasing';
      const image = randomImage([3, 12, 11], needsFloat ? 'float32' : 'uint8');
      for (let seed = 0; seed < 5; seed++) {
        const run = (f: transforms.Transform<never, unknown>) =>
          (f as unknown as transforms.Transform<HostArray, unknown>)(image, { generator: new Generator(seed) });
        expect(run(again)).toEqual(run(transform));
      }
    },
  );

  test('what holds a function, or is one’s own, has none', () => {
    class Mine extends t.CenterCrop {}
    const lambda = new t.Lambda((image: HostArray) => image);
    for (const transform of [
      lambda,
      new Mine(3),
      new t.Compose([new t.ToTensor(), lambda]),
      new t.Compose([(image: HostArray) => image]),
      new t.RandomApply([new t.Compose([lambda])]),
      new t.RandomChoice([lambda]),
      new t.RandomOrder([lambda]),
    ]) {
      expect(transform.recipe()).toBeUndefined();
    }
    expect(new Mine(3)(randomImage([1, 5, 5])).shape).toEqual([1, 3, 3]);
  });
});

describe('calls', () => {
  test('draw from the sample’s generator alone: the order of samples changes nothing', async () => {
    const augment = new t.Compose([
      new t.RandomCrop(8, { padding: 2 }),
      new t.RandomErasing({ p: 1, value: 'random' }),
    ]);
    const dataset = new MapDataset(digits(), ([image, label], _, context) => [augment(image, context), label] as const);
    const pixels = async (order: number[]): Promise<Map<number, string>> => {
      manualSeed(7);
      const loader = new DataLoader(dataset, { sampler: order, batchSize: 1, generator: new Generator(1) });
      const seen = new Map<number, string>();
      let n = 0;
      for await (const [x] of loader) seen.set(order[n++], String(await x.data()));
      return seen;
    };
    const [forwards, backwards] = [await pixels([0, 1, 2, 3, 4]), await pixels([4, 2, 0, 3, 1])];
    for (const [index, image] of forwards) expect(backwards.get(index)).toBe(image);
    expect(new Set(forwards.values()).size).toBe(5);
  });

  test('of a class of one’s own', () => {
    class Darker extends t.Transform {
      override forward(image: HostArray, context?: SampleContext): HostArray {
        return t.functional.adjustBrightness(image, context ? 0.5 : 1);
      }
    }
    const image = smoothImage([3, 4, 4]);
    expect(new Darker()(image).data).toEqual(image.data);
    expect(new Darker()(image, { generator: new Generator() }).data).not.toEqual(image.data);
    expect(String(new Darker())).toBe('Darker()');
  });

  test('do not write to the given image, and masks may be cropped, flipped, resized and rotated', () => {
    const mask = new HostArray(
      Int32Array.from({ length: 16 }, (_, i) => i * 1000),
      [1, 4, 4],
    );
    const before = mask.data.slice();
    expect(t.functional.resize(mask, [2, 2], { interpolation: 'nearest' }).data).toEqual(
      Int32Array.of(0, 2000, 8000, 10000),
    );
    expect(t.functional.rotate(mask, 90).data.subarray(0, 4)).toEqual(Int32Array.of(3000, 7000, 11000, 15000));
    expect(t.functional.hflip(mask).data.subarray(0, 2)).toEqual(Int32Array.of(3000, 2000));
    const bool = new HostArray(Uint8Array.of(1, 0, 0, 0), [1, 2, 2], 'bool');
    expect(String(t.functional.pad(bool, 1))).toBe('bool[1,4,4]');
    expect(mask.data).toEqual(before);
  });

  test('LinearTransformation is torch.mm(x − mean, matrix), and takes fewer columns', () => {
    const matrix = new HostArray(Float64Array.of(1, 2, 3, 4, 5, 6), [3, 2]);
    const out = new t.LinearTransformation(matrix, [1, 1, 1])(new HostArray(Float64Array.of(2, 3, 4)));
    expect([String(out), ...out.data]).toEqual(['float64[2]', 1 + 6 + 15, 2 + 8 + 18]);
  });

  test('channelsFirst turns canvas pixels around', () => {
    const rgba = new HostArray(
      Uint8Array.from({ length: 24 }, (_, i) => i),
      [2, 3, 4],
      'uint8',
    );
    const out = t.functional.channelsFirst(rgba, 3);
    expect([String(out), ...out.data.subarray(0, 6)]).toEqual(['uint8[3,2,3]', 0, 4, 8, 12, 16, 20]);
    expect([...t.functional.channelsFirst(rgba).data.subarray(18)]).toEqual([3, 7, 11, 15, 19, 23]);
  });
});

describe('Lighting', () => {
  test('adds Σ α λ p to each channel', () => {
    const image = new HostArray(new Float32Array(12).fill(0.5), [3, 2, 2]);
    const alpha = t.Lighting.getParams(3, 0.1, new Generator(4));
    const out = new t.Lighting()(image, { generator: new Generator(4) });
    const [values, first, second, third] = [
      [0.2175, 0.0188, 0.0045],
      ...[
        [-0.5675, -0.5808, -0.5836],
        [0.7192, -0.0045, -0.6948],
        [0.4009, -0.814, 0.4203],
      ],
    ];
    for (let c = 0; c < 3; c++) {
      const shift =
        alpha[0] * values[0] * first[c] + alpha[1] * values[1] * second[c] + alpha[2] * values[2] * third[c];
      expect([...out.data.subarray(4 * c, 4 * c + 4)]).toEqual([...new Float32Array(4).fill(0.5 + shift)]);
    }
  });

  test('of bytes is that of floats, rounded and cut', () => {
    const bytes = smoothImage([3, 5, 5]);
    const lighting = new t.Lighting({ alphaStd: 2 });
    const [a, b] = [bytes, t.functional.toTensor(bytes)].map((x) => lighting(x, { generator: new Generator(1) }));
    const expected = Array.from(b.data, (v) => Math.min(255, Math.max(0, v * 255)));
    expected.forEach((v, i) => expect(Math.abs(v - a.data[i])).toBeLessThanOrEqual(0.5001));
  });

  test('of one’s own data takes the principal components of its colours', async () => {
    // Colours along (1, 2, 2)/3 with variance 4, and along (2, 1, −2)/3 with variance 1.
    const pixels = [-2, 2].flatMap((u) => [-1, 1].map((v) => [(u + 2 * v) / 3, (2 * u + v) / 3, (2 * u - 2 * v) / 3]));
    const planes = [0, 1, 2].flatMap((c) => pixels.map((p) => p[c] + 5));
    const { eigenvalues, eigenvectors } = await t.Lighting.fit([
      [new HostArray(Float64Array.from(planes), [1, 3, 2, 2]), 0],
    ]);
    for (const [i, value] of [4, 1, 0].entries()) expect(eigenvalues[i]).toBeCloseTo(value, 12);
    for (const [i, v] of [1 / 3, 2 / 3, 2 / 3].entries()) expect(eigenvectors[0][i]).toBeCloseTo(v, 12);
    for (const [i, v] of [2 / 3, 1 / 3, -2 / 3].entries()) expect(eigenvectors[1][i]).toBeCloseTo(v, 12);
  });
});

describe('errors teach', () => {
  const bytes = randomImage([3, 8, 9]);
  const floats = randomImage([3, 8, 9], 'float32');
  const message = (f: () => unknown): string => {
    try {
      f();
    } catch (error) {
      return String(error);
    }
    return 'no error';
  };

  test('what is no image', () => {
    const crop = new t.RandomCrop(4) as (x: unknown) => unknown;
    expect(message(() => crop(tensor([[1, 2]])))).toMatchInlineSnapshot(
      `"TypeError: RandomCrop: expected a HostArray [C, H, W], got a tensor float32[1,2]. Transforms work on samples in ordinary memory, before a loader makes tensors of them: new MapDataset(dataset, ([image, label], _, context) => [transform(image, context), label])."`,
    );
    expect(message(() => crop([bytes, 3]))).toMatchInlineSnapshot(
      `"TypeError: RandomCrop: expected a HostArray [C, H, W], got an array. A transform takes the image of a sample alone: new MapDataset(dataset, ([image, label], _, context) => [transform(image, context), label])."`,
    );
    expect(message(() => crop(new Uint8Array(4)))).toMatchInlineSnapshot(
      `"TypeError: RandomCrop: expected a HostArray [C, H, W], got an object of class Uint8Array. Give it a shape: new HostArray(data, [C, H, W], 'uint8')."`,
    );
    expect(message(() => crop(undefined))).toMatchInlineSnapshot(
      `"TypeError: RandomCrop: expected a HostArray [C, H, W], got undefined."`,
    );
    expect(message(() => crop(new HostArray(new Float32Array(4))))).toMatchInlineSnapshot(
      `"ShapeError: RandomCrop: expected an image [C, H, W], got float32[4]"`,
    );
    expect(message(() => crop(randomImage([8, 9, 3])))).toMatchInlineSnapshot(
      `"ShapeError: RandomCrop: expected [C, H, W] with the channels first, got uint8[8,9,3], whose channels seem to be last. Write transforms.functional.channelsFirst(image) where it is read."`,
    );
    expect(message(() => t.functional.resize(randomImage([3, 8, 0]), 4))).toMatchInlineSnapshot(
      `"ShapeError: resize: expected an image with pixels, got uint8[3,8,0]"`,
    );
  });

  test('dtypes', () => {
    const doubles = new HostArray(new Float64Array(12), [3, 2, 2]);
    expect(message(() => new t.Normalize([0.5], [0.5])(bytes))).toMatchInlineSnapshot(
      `"DTypeError: normalize: expected float32 or float64, got uint8[3,8,9]. Write new transforms.ToTensor() before it."`,
    );
    expect(message(() => new t.RandAugment()(floats))).toMatchInlineSnapshot(
      `"DTypeError: RandAugment: expected uint8, got float32[3,8,9]. Write it before new transforms.ToTensor()."`,
    );
    expect(message(() => new t.RandomErasing({ value: 'random' })(bytes))).toMatchInlineSnapshot(
      `"DTypeError: RandomErasing: 'random' writes normal numbers, got uint8[3,8,9]. Write new transforms.ToTensor() before it."`,
    );
    expect(message(() => new t.Resize(4)(doubles))).toMatchInlineSnapshot(
      `"DTypeError: resize: expected uint8 from 0 to 255 or float32 from 0 to 1, got float64[3,2,2]. Convert it: new transforms.ConvertImageDtype('float32')."`,
    );
    expect(message(() => new t.ToTensor()(new HostArray(new Int32Array(4))))).toMatchInlineSnapshot(
      `"DTypeError: toTensor: expected uint8 from 0 to 255 or floats, got int32[4]. For pixels in other ranges write transforms.functional.convertImageDtype(image, 'float32')."`,
    );
    expect(message(() => t.functional.convertImageDtype(floats, 'int32'))).toMatchInlineSnapshot(
      `"DTypeError: convertImageDtype: float32[3,8,9] can't be converted to int32 safely"`,
    );
    expect(message(() => t.functional.posterize(floats, 4))).toMatchInlineSnapshot(
      `"DTypeError: posterize: expected uint8, got float32[3,8,9]. Write it before new transforms.ToTensor()."`,
    );
  });

  test('shapes', () => {
    expect(message(() => new t.Normalize([0, 0], [1, 1])(floats))).toMatchInlineSnapshot(
      `"ShapeError: normalize: expected 2 channels for as many means, got 3 of float32[3,8,9]"`,
    );
    expect(message(() => new t.RandomCrop(20)(bytes))).toMatchInlineSnapshot(
      `"ShapeError: RandomCrop: a crop of [20, 20] is larger than the image, uint8[3,8,9]. Resize it, or pass padIfNeeded: true."`,
    );
    expect(message(() => new t.FiveCrop(20)(bytes))).toMatchInlineSnapshot(
      `"ShapeError: fiveCrop: a crop of [20, 20] is larger than the image, uint8[3,8,9]"`,
    );
    expect(message(() => new t.Pad(9, { paddingMode: 'reflect' })(bytes))).toMatchInlineSnapshot(
      `"ShapeError: pad: reflect shows at most 7 pixels beyond an edge of uint8[3,8,9], got padding 9"`,
    );
    expect(message(() => new t.ColorJitter()(randomImage([2, 4, 4])))).toMatchInlineSnapshot(
      `"ShapeError: ColorJitter: expected [C, H, W] with 1 or 3 channels, got uint8[2,4,4]"`,
    );
    expect(message(() => new t.GaussianBlur(21)(bytes))).toMatchInlineSnapshot(
      `"ShapeError: gaussianBlur: a kernel of 21 × 21 needs more pixels than uint8[3,8,9] has"`,
    );
    expect(message(() => new t.RandomErasing({ value: [1, 2] })(floats))).toMatchInlineSnapshot(
      `"ShapeError: RandomErasing: value: 2 numbers for 3 channels of float32[3,8,9]"`,
    );
    expect(message(() => new t.Lighting()(randomImage([1, 4, 4])))).toMatchInlineSnapshot(
      `"ShapeError: Lighting: expected 3 channels, as the eigenvectors have, got uint8[1,4,4]"`,
    );
    expect(message(() => new t.RandomRotation(5, { fill: [1, 2] })(bytes))).toMatchInlineSnapshot(
      `"ShapeError: rotate: fill: expected a number, or one for each of 3 channels, got [1,2]"`,
    );
    expect(message(() => t.functional.erase(bytes, 4, 4, 9, 9, 0))).toMatchInlineSnapshot(
      `"OutOfRangeError: erase: 9 × 9 pixels from row 4, column 4 do not lie in uint8[3,8,9]"`,
    );
  });

  test('arguments', () => {
    expect(message(() => new t.Normalize([0], [0]))).toMatchInlineSnapshot(
      `"FakkelError: Normalize: channel 0 has mean 0 and standard deviation 0"`,
    );
    expect(message(() => new t.Normalize(0.5 as never, 0.5 as never))).toMatchInlineSnapshot(
      `"TypeError: Normalize: expected an array of means and one of standard deviations, [0.5] for one channel"`,
    );
    expect(message(() => new t.RandomCrop(32, 4 as never))).toMatchInlineSnapshot(
      `"TypeError: RandomCrop: options come in an object, got number 4. Write new RandomCrop(32, { padding: 4 })."`,
    );
    expect(message(() => new t.RandomCrop(32, { pad_if_needed: true } as never))).toMatchInlineSnapshot(
      `"FakkelError: RandomCrop: unknown option 'pad_if_needed'. Write padIfNeeded."`,
    );
    expect(message(() => new t.Resize(0))).toMatchInlineSnapshot(
      `"OutOfRangeError: Resize: size: expected a whole number from 1 up, or [height, width], got 0"`,
    );
    expect(message(() => new t.Resize(8, { interpolation: 'lanczos' as never }))).toMatchInlineSnapshot(
      `"OutOfRangeError: Resize: interpolation: expected nearest, bilinear, bicubic, got "lanczos""`,
    );
    expect(message(() => new t.Resize([8, 9], { maxSize: 10 })(bytes))).toMatchInlineSnapshot(
      `"OutOfRangeError: resize: maxSize goes with one number as size, the shorter side"`,
    );
    expect(message(() => new t.Resize(8, { maxSize: 8 })(bytes))).toMatchInlineSnapshot(
      `"OutOfRangeError: resize: maxSize: expected more than the shorter side, 8, got 8"`,
    );
    expect(message(() => new t.RandomHorizontalFlip({ p: 0.5 } as never))).toMatchInlineSnapshot(
      `"FakkelError: RandomHorizontalFlip: p: expected a probability from 0 to 1, got {"p":0.5}. Write new transforms.RandomHorizontalFlip(0.5)."`,
    );
    expect(message(() => new t.RandomResizedCrop(8, { scale: [1, 0.5] }))).toMatchInlineSnapshot(
      `"OutOfRangeError: RandomResizedCrop: scale: expected [low, high] from 0 up, got [1,0.5]"`,
    );
    expect(message(() => new t.ColorJitter({ hue: 0.7 }))).toMatchInlineSnapshot(
      `"OutOfRangeError: ColorJitter: hue: expected [low, high] from -0.5 to 0.5, got [-0.7,0.7]"`,
    );
    expect(message(() => new t.ColorJitter({ brightness: -1 }))).toMatchInlineSnapshot(
      `"OutOfRangeError: ColorJitter: brightness: one number is ±, from 0 up; got -1"`,
    );
    expect(message(() => new t.RandomErasing({ inplace: true } as never))).toMatchInlineSnapshot(
      `"FakkelError: RandomErasing: no option 'inplace'. Samples are never changed in place."`,
    );
    expect(message(() => new t.GaussianBlur(4))).toMatchInlineSnapshot(
      `"OutOfRangeError: GaussianBlur: kernelSize: expected odd numbers, so that there is a middle, got 4"`,
    );
    expect(message(() => new t.RandAugment({ magnitude: 31 }))).toMatchInlineSnapshot(
      `"OutOfRangeError: RandAugment: magnitude: expected a whole number from 0 to 30, got 31"`,
    );
    expect(message(() => new t.Compose(new t.ToTensor() as never))).toMatchInlineSnapshot(
      `"TypeError: Compose: expected an array of transforms, got a function. Write new Compose([…])."`,
    );
    expect(message(() => new t.Compose([t.ToTensor.name as never]))).toMatchInlineSnapshot(
      `"TypeError: Compose: transform 0: expected a transform or a function, got string ToTensor"`,
    );
    expect(message(() => new t.Compose([t.ToTensor as never]))).toMatchInlineSnapshot(
      `"TypeError: Compose: ToTensor is a class. Write new transforms.ToTensor(…)."`,
    );
    expect(message(() => new t.RandomResizedCrop(8, { ratio: [0, 1] }))).toMatchInlineSnapshot(
      `"OutOfRangeError: RandomResizedCrop: ratio: expected [low, high] above 0, got [0,1]"`,
    );
    expect(message(() => new t.RandomChoice([new t.ToTensor()], { p: [0.5, 0.5] }))).toMatchInlineSnapshot(
      `"OutOfRangeError: RandomChoice: p: expected a weight for each of 1 transforms, from 0 up, got [0.5,0.5]"`,
    );
    expect(message(() => new t.RandomAffine(5, { translate: [5, 5] }))).toMatchInlineSnapshot(
      `"OutOfRangeError: RandomAffine: translate: expected [x, y] from 0 to 1, got [5,5]"`,
    );
    expect(message(() => new t.RandomRotation(-5))).toMatchInlineSnapshot(
      `"OutOfRangeError: RandomRotation: degrees: one number is ±, from 0 up; got -5. Or write [low, high]."`,
    );
    expect(message(() => t.functional.solarize(floats, 128))).toMatchInlineSnapshot(
      `"OutOfRangeError: solarize: threshold: expected a number up to 1, the white of float32, got 128"`,
    );
    expect(message(() => t.functional.crop(bytes, 0.5, 0, 2, 2))).toMatchInlineSnapshot(
      `"OutOfRangeError: crop: top: expected a whole number, got 0.5"`,
    );
  });
});
