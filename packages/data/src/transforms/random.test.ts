/** Random transforms against torchvision 0.14's after torch.manual_seed. */
import { Generator, manualSeed, defaultGenerator } from '@fakkel/core';
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { expectImage, smoothImage } from '../../test/golden-images.js';
import params from '../../test/goldens/transforms/params.json' with { type: 'json' };
import augments from '../../test/goldens/transforms/rand-augment.json' with { type: 'json' };
import goldens from '../../test/goldens/transforms/random.json' with { type: 'json' };
import { HostArray, transforms } from '../index.js';

/** What `probe()` of the script draws: whether the generator stands where PyTorch's does. */
const probe = (generator: Generator): number => {
  const out = new Int32Array(1);
  generator.randint(out, 0, 2 ** 31 - 1);
  return out[0];
};

const sha = (image: HostArray): string =>
  createHash('sha256')
    .update(image.data as Uint8Array)
    .digest('hex');

const make = (name: string, ...args: any[]): any => new (transforms as any)[name](...args);
const blank = (shape: number[]) => new HostArray(new Float32Array(shape.reduce((n, d) => n * d, 1)), shape);

/** The draws of each class as the script writes them. */
const DRAW: Record<string, (args: any[], g: Generator) => unknown> = {
  RandomCrop: ([shape, size], g) => transforms.RandomCrop.getParams(blank(shape), size, g),
  RandomResizedCrop: ([shape, scale, ratio], g) =>
    transforms.RandomResizedCrop.getParams(blank(shape), scale, ratio, g),
  RandomRotation: ([degrees], g) => transforms.RandomRotation.getParams(degrees, g),
  RandomAffine: ([degrees, translate, scale, shear, size], g) => {
    const p = transforms.RandomAffine.getParams(degrees, translate, scale, shear, size, g);
    return [p.angle, p.translate, p.scale, p.shear];
  },
  RandomPerspective: ([width, height, scale], g) => transforms.RandomPerspective.getParams(width, height, scale, g),
  ColorJitter: ([b, c, s, h], g) => {
    const p = transforms.ColorJitter.getParams(b, c, s, h, g);
    return [p.order, ...p.factors];
  },
  GaussianBlur: ([low, high], g) => transforms.GaussianBlur.getParams(low, high, g),
  RandomErasing: ([shape, scale, ratio, value], g) => {
    const p = transforms.RandomErasing.getParams(blank(shape), scale, ratio, value, g);
    if (!p) return null;
    const [i, j, h, w, v] = p;
    const data = v instanceof HostArray ? v.data : (v as number[]);
    return [i, j, h, w, [data[0], data[data.length - 1]]];
  },
};

describe('getParams draws torchvision’s numbers, and leaves the generator where torchvision does', () => {
  test.each(params.map((c) => [`${c.name} ${JSON.stringify(c.args)}`, c] as const))(
    '%s',
    (_, { name, args, drawn }) => {
      drawn.forEach(([expected, next], seed) => {
        const generator = new Generator(seed);
        const actual = DRAW[name](args, generator);
        if (name === 'RandomErasing' && expected !== null) {
          // Normal numbers differ in the last bits with the processor.
          const [e, a] = [expected as any[], actual as any[]];
          expect(a.slice(0, 4)).toEqual(e.slice(0, 4));
          e[4].forEach((v: number, i: number) => expect(a[4][i]).toBeCloseTo(v, 5));
        } else {
          expect(actual).toEqual(expected);
        }
        expect(probe(generator)).toBe(next);
      });
    },
  );
});

describe('transforms after manual_seed give torchvision’s images', () => {
  test.each(goldens.cases.map((c) => [`${c.name} ${JSON.stringify(c.args)} ${c.dtype}, seed ${c.seed}`, c] as const))(
    '%s',
    (_, c) => {
      const image = smoothImage(c.shape, c.dtype);
      const before = image.data.slice();
      const transform = make(c.name, ...c.args);
      manualSeed(c.seed);
      const byDefault: HostArray = transform(image);
      expect(probe(defaultGenerator)).toBe(c.next);
      const generator = new Generator(c.seed);
      const out: HostArray = transform(image, { generator });
      expect(probe(generator)).toBe(c.next);
      expect(out.data).toEqual(byDefault.data);
      expect(image.data).toEqual(before);
      if ('sum' in c.out || c.args.some((a) => (a as { value?: string }).value === 'random')) {
        expect(String(out)).toBe(`float32[${c.out.shape.join(',')}]`);
        if (!('sum' in c.out)) return;
        const sum = Array.from(out.data).reduce((a, b) => a + b, 0);
        expect(Math.abs(sum - (c.out as { sum: number }).sum)).toBeLessThan(1e-6 * out.numel());
      } else {
        expectImage(out, c.out);
      }
    },
  );

  test('RandAugment: 180 runs, and its strengths', () => {
    for (const [options, seed, sha256, next] of augments.cases as [object, number, string, number][]) {
      const generator = new Generator(seed);
      const out = new transforms.RandAugment(options)(smoothImage([3, 20, 24]), { generator });
      const message = `${JSON.stringify(options)} seed ${seed}`;
      expect(probe(generator), message).toBe(next);
      expect(sha(out).slice(0, 16), message).toBe(sha256);
    }
    for (const [bins, space] of Object.entries(augments.spaces)) {
      for (const [name, strengths] of Object.entries(space)) {
        const seen = new Map<number, number>();
        for (let magnitude = 0; magnitude < Number(bins); magnitude++) {
          for (let seed = 0; seed < 400 && !seen.has(magnitude); seed++) {
            const drawn = transforms.RandAugment.getParams(magnitude, Number(bins), [20, 24], new Generator(seed));
            if (drawn[0] === name) seen.set(magnitude, Math.abs(drawn[1]));
          }
        }
        expect([...seen.values()], `${name} in ${bins} bins`).toEqual(strengths);
      }
    }
  });

  test('RandomChoice and RandomOrder draw as torch.multinomial and torch.randperm, RandomApply as torch.rand', () => {
    const tag = (name: string) => new transforms.Lambda((x: string) => x + name);
    const list = ['a', 'b', 'c', 'd'].map(tag);
    goldens.choices.forEach(([choice, order, skipped, next], seed) => {
      const context = { generator: new Generator(seed) };
      const chosen = new transforms.RandomChoice<string, string>(list.slice(0, 3), { p: [5, 2, 3] })('', context);
      expect(chosen).toBe('abc'[choice as number]);
      expect(new transforms.RandomOrder<string>(list)('', context)).toBe(
        (order as number[]).map((i) => 'abcd'[i]).join(''),
      );
      expect(new transforms.RandomApply<string>([tag('x')], { p: 0.3 })('', context)).toBe(skipped ? '' : 'x');
      expect(probe(context.generator)).toBe(next);
    });
  });
});
