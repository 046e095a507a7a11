/** The functions against torchvision 0.14's functions of tensors. */
import { describe, expect, test } from 'vitest';
import { expectImage, randomImage, smoothImage, unpack, type PackedImage } from '../../test/golden-images.js';
import blurs from '../../test/goldens/transforms/blur.json' with { type: 'json' };
import colors from '../../test/goldens/transforms/color.json' with { type: 'json' };
import conversions from '../../test/goldens/transforms/conversion.json' with { type: 'json' };
import crops from '../../test/goldens/transforms/crop.json' with { type: 'json' };
import resizes from '../../test/goldens/transforms/resize.json' with { type: 'json' };
import warps from '../../test/goldens/transforms/warp.json' with { type: 'json' };
import { HostArray, transforms } from '../index.js';

const F = transforms.functional;
const call = (name: string, ...args: unknown[]): HostArray | HostArray[] =>
  (F as unknown as Record<string, (...a: unknown[]) => HostArray>)[name](...args);

describe('conversion', () => {
  test.each(conversions.cases.map((c) => [`${c.in.dtype} to ${c.to}`, c] as const))('%s', (_, c) => {
    expectImage(F.convertImageDtype(unpack(c.in), c.to as 'uint8'), c.out);
  });

  test('toTensor and normalize, in float32 and float64', () => {
    expectImage(F.toTensor(unpack(conversions.bytes)), conversions.toTensor);
    const { mean, std } = conversions;
    const image = unpack(conversions.image);
    expectImage(F.normalize(image, mean, std), conversions.normalized);
    const doubles = F.convertImageDtype(image, 'float64');
    expectImage(F.normalize(doubles, mean, std), conversions.normalized64);
  });
});

describe('resize', () => {
  const cases = [...resizes.cases, ...resizes.digests].map((c) => {
    const { interpolation, antialias } = c.options;
    return [
      `${c.dtype}[${c.shape.join()}] to ${JSON.stringify(c.size)}, ${interpolation}, antialias ${antialias}`,
      c,
    ] as const;
  });
  test.each(cases)('%s', (_, c) => {
    expectImage(F.resize(randomImage(c.shape, c.dtype), c.size, c.options as object), c.out);
  });
});

describe('crop, pad, flip, erase', () => {
  const cases = crops.map((c) => [`${c.name} ${JSON.stringify(c.args)} ${JSON.stringify(c.options)}`, c] as const);
  test.each(cases)('%s', (_, c) => {
    const image = randomImage(c.shape, c.dtype);
    const options = Object.keys(c.options).length > 0 ? [c.options] : [];
    const out = call(c.name, image, ...c.args, ...options);
    if (!Array.isArray(out)) expectImage(out, c.out as PackedImage);
    else (c.out as PackedImage[]).forEach((golden, i) => expectImage(out[i], golden));
  });
});

describe('warp', () => {
  const cases = warps.cases.map((c) => [`${c.name} ${c.dtype} ${JSON.stringify([c.args, c.options])}`, c] as const);
  test.each(cases)('%s', (_, c) => {
    const out = call(c.name, randomImage(c.shape, c.dtype), ...c.args, c.options) as HostArray;
    expectImage(out, c.out, c.name === 'perspective' ? 8 : 0);
  });

  test('perspective lies within a level of torchvision’s, which solves in float32', () => {
    const c = warps.cases.find((w) => w.name === 'perspective' && w.dtype === 'uint8')!;
    const ours = call(c.name, randomImage(c.shape, c.dtype), ...c.args, { ...c.options, interpolation: 'bilinear' });
    const bilinear = warps.cases.find((w) => w.name === 'perspective' && w.options.interpolation === 'bilinear')!;
    const theirs = unpack((bilinear as { solvedInFloat32?: PackedImage }).solvedInFloat32!);
    const worst = Math.max(...Array.from((ours as HostArray).data, (v, i) => Math.abs(v - theirs.data[i])));
    expect(worst).toBeLessThanOrEqual(1);
  });

  test.each(warps.sizes)('rotate(%d × %d, %d, expand) is %j', (h, w, angle, size) => {
    const image = new HostArray(new Uint8Array((h as number) * (w as number)), [1, h as number, w as number], 'uint8');
    expect(F.rotate(image, angle as number, { expand: true }).shape.slice(1)).toEqual(size);
  });
});

describe('colour', () => {
  const cases = colors.cases.map((c) => [`${c.name}(${c.args.join()}) of ${c.in} ${c.dtype}`, c] as const);
  test.each(cases)('%s', (_, c) => {
    const make = c.in === 'smooth' ? smoothImage : randomImage;
    expect(Buffer.from(make([3, 5, 6]).data).toString('base64')).toBe(colors.inputs[c.in as 'smooth'].data);
    expectImage(call(c.name, make([3, 5, 6], c.dtype), ...c.args) as HostArray, c.out, 1);
  });

  test.each(colors.digests.map((c) => [`${c.name}(${c.args.join()}) of all colours`, c] as const))('%s', (_, c) => {
    const levels = Array.from({ length: 18 }, (_, i) => 15 * i);
    const cube = levels.flatMap((r) => levels.flatMap((g) => levels.map((b) => [r, g, b])));
    const planes = [0, 1, 2].flatMap((channel) => cube.map((color) => color[channel]));
    const big = randomImage([3, 60, 70]);
    const image =
      c.in === 'big'
        ? new HostArray(
            big.data.map((v) => (v >> 1) + 30),
            big.shape,
            'uint8',
          )
        : new HostArray(Uint8Array.from(planes), [3, 18, 324], 'uint8');
    expectImage(call(c.name, image, ...c.args) as HostArray, c.out);
  });
});

describe('blur', () => {
  test.each(blurs.map((c, i) => [`${i}: ${c.in.dtype} ${JSON.stringify([c.kernelSize, c.sigma])}`, c] as const))(
    '%s',
    (_, c) => {
      // PyTorch sums all products of the kernel, up to 81, in float32.
      expectImage(F.gaussianBlur(unpack(c.in), c.kernelSize, c.sigma), c.out, 4);
    },
  );
});

describe('batches', () => {
  test('of images give what each image gives', () => {
    const images = randomImage([2, 3, 8, 9]);
    for (const f of [
      F.hflip,
      F.autocontrast,
      F.equalize,
      (x: HostArray) => F.resize(x, [5, 4]),
      (x: HostArray) => F.rotate(x, 20, { interpolation: 'bilinear', fill: [1, 2, 3] }),
      (x: HostArray) => F.adjustContrast(x, 0.4),
      (x: HostArray) => F.adjustHue(x, 0.2),
      (x: HostArray) => F.adjustSaturation(x, 0.2),
      (x: HostArray) => F.adjustSharpness(x, 0.2),
      (x: HostArray) => F.rgbToGrayscale(x, 3),
      (x: HostArray) => F.gaussianBlur(x, 3),
      (x: HostArray) => F.normalize(F.toTensor(x), [0.1, 0.2, 0.3], [1, 2, 3]),
      (x: HostArray) => F.erase(x, 1, 2, 3, 4, [5, 6, 7]),
    ]) {
      const both = f(images);
      for (const n of [0, 1]) expect(both.row(n).data).toEqual(f(images.row(n)).data);
    }
  });
});
