/** Mixup and CutMix against their formulas, in PyTorch. */
import { Generator, nn, onCompile, referenceDevice, setDefaultDevice, tensor } from '@fakkel/core';
import { beforeEach, describe, expect, test } from 'vitest';
import { unpack } from '../../test/golden-images.js';
import goldens from '../../test/goldens/transforms/mix.json' with { type: 'json' };
import { DataLoader, digits, transforms } from '../index.js';

beforeEach(() => setDefaultDevice(referenceDevice()));

const probe = (generator: Generator): number => {
  const out = new Int32Array(1);
  generator.randint(out, 0, 2 ** 31 - 1);
  return out[0];
};

test.each(goldens.lambdas)(
  'λ for α = $alpha is drawn as torch._sample_dirichlet draws it',
  ({ alpha, drawn, next }) => {
    const generator = new Generator(5);
    for (const lambda of drawn) expect(transforms.Mixup.getParams(alpha, generator)).toBeCloseTo(lambda, 6);
    expect(probe(generator)).toBe(next);
  },
);

describe('batches', () => {
  const images = unpack(goldens.images).toTensor();
  const labels = tensor(Int32Array.from(goldens.labels));

  test.each(goldens.cases.map((c) => [`${c.name} α ${c.alpha}, p ${c.p}, seed ${c.seed}`, c] as const))(
    '%s',
    async (_, c) => {
      const generator = new Generator(c.seed);
      const mix = new transforms[c.name as 'Mixup']({ numClasses: 3, alpha: c.alpha, p: c.p });
      const [x, y] = mix([images, labels], { generator });
      for (const [actual, golden] of [
        [x, c.x],
        [y, c.y],
      ] as const) {
        const expected = unpack(golden).data;
        const data = await actual.data();
        for (let i = 0; i < expected.length; i++) expect(Math.abs(data[i] - expected[i])).toBeLessThan(3e-7);
      }
      expect(probe(generator)).toBe(c.next);
    },
  );

  test('soft labels may be given, and go into the loss', async () => {
    const mix = new transforms.Mixup({ numClasses: 3 });
    const [, soft] = mix([images, labels], { generator: new Generator(0) });
    const [, twice] = mix([images, soft], { generator: new Generator(1) });
    expect(await twice.sum(1).toArray()).toEqual([1, 1, 1, 1].map((v) => expect.closeTo(v, 6) as number));
    const logits = tensor(new Float32Array(12).map((_, i) => Math.sin(i))).reshape([4, 3]);
    const loss = await new nn.CrossEntropyLoss()(logits, soft).item();
    expect(loss).toBeGreaterThan(0);
  });

  test('another λ or rectangle compiles no other program', async () => {
    const loader = new DataLoader(digits(), { batchSize: 16, shuffle: true, generator: new Generator(3) });
    for (const name of ['Mixup', 'CutMix'] as const) {
      const mix = new transforms[name]({ numClasses: 10 });
      let compiles = 0;
      const handle = onCompile(() => compiles++);
      let steps = 0;
      for await (const batch of loader) {
        const [x, y] = mix(batch);
        await x.mean().add(y.mean()).item();
        if (++steps === 10) break;
      }
      handle();
      expect([name, compiles]).toEqual([name, 1]);
    }
  });
});

test('errors', () => {
  const message = (f: () => unknown): string => {
    try {
      f();
    } catch (error) {
      return String(error);
    }
    return 'no error';
  };
  const mix = new transforms.CutMix({ numClasses: 3 });
  expect(message(() => new transforms.Mixup({ numClasses: 0 }))).toMatchInlineSnapshot(
    `"OutOfRangeError: Mixup: numClasses: expected a whole number from 1 up, got 0"`,
  );
  expect(message(() => new transforms.Mixup({ numClasses: 3, alpha: 0 }))).toMatchInlineSnapshot(
    `"OutOfRangeError: Mixup: alpha: expected a number above 0, got 0"`,
  );
  expect(message(() => new transforms.Mixup({ num_classes: 3 } as never))).toMatchInlineSnapshot(
    `"FakkelError: Mixup: unknown option 'num_classes'. Write numClasses."`,
  );
  expect(message(() => mix(digits().get(0)[0] as never))).toMatchInlineSnapshot(
    `"TypeError: CutMix: expected [images, labels], the two tensors of a loader's batch. It mixes batches: for await (const batch of loader) { const [images, labels] = mix(batch); … }."`,
  );
  expect(message(() => mix([tensor([[1, 2]]), tensor(Int32Array.of(0))]))).toMatchInlineSnapshot(
    `"ShapeError: CutMix: expected images [N, C, H, W] of floats, got float32[1,2]"`,
  );
  expect(message(() => mix([tensor([[[[1, 2]]]]), tensor(Int32Array.of(0, 1))]))).toMatchInlineSnapshot(
    `"ShapeError: CutMix: expected labels [1], or probabilities [1,3], got int32[2]"`,
  );
  expect(message(() => mix([tensor([[[[1, 2]]]]), tensor(Int32Array.of(3))]))).toMatchInlineSnapshot(
    `"OutOfRangeError: oneHot: label 3 at [0] is out of range: expected 0 to 2"`,
  );
});
