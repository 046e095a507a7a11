import { isTensor, manualSeed, nn, randn, type Tensor, tensor, zeros } from '@fakkel/core';
import { describe, expect, test } from 'vitest';
import { publishedRules } from './googlenet.js';
import {
  expectFingerprint,
  expectLogits,
  expectStep,
  images,
  readGolden,
  type StateGolden,
  stateOf,
  type StepGolden,
} from '../test/zoo-classic.js';
import {
  BasicConv2d,
  type ConvBlockOptions,
  GoogLeNet,
  googlenet,
  googlenetLoss,
  type GoogLeNetOutputs,
  Inception,
  InceptionAux,
} from './index.js';

const states = readGolden<Record<string, StateGolden>>('states');

describe('googlenet is torchvision’s', () => {
  test('state dict: 13,004,888 parameters with auxiliary classifiers, 6,624,904 without', () => {
    const state = nn.utils.skipInit(() => stateOf(googlenet()));
    expect(state).toEqual(states.googlenet);
    expect(state.parameters).toBe(13_004_888);
    const without = nn.utils.skipInit(() => stateOf(googlenet({ auxLogits: false })));
    expect(without).toEqual(states['googlenet without aux']);
    expect(without.parameters).toBe(6_624_904);
  });

  test('the printed tree', () => {
    const net = nn.utils.skipInit(() => googlenet({ numClasses: 10 }));
    expect(String(net)).toBe(readGolden<Record<string, string>>('reprs').googlenet);
  });

  test('weights after manualSeed(0)', { timeout: 240_000 }, async () => {
    const { initial } = readGolden<{ initial: Record<string, number[]> }>('googlenet');
    manualSeed(0);
    using net = googlenet();
    const parameters = net.namedParameters();
    expect(parameters.map(([key]) => key)).toEqual(Object.keys(initial));
    for (const [key, p] of parameters) await expectFingerprint(p, initial[key], 1e-6, key);
  });

  test('logits of the three classifiers, loss, gradients, statistics', { timeout: 240_000 }, async () => {
    manualSeed(0);
    using net = googlenet({ numClasses: 10, dropout: 0, dropoutAux: 0, dtype: 'float64' });
    const x = images(64, 'float64');
    const target = tensor([3, 1], { dtype: 'int32' });
    await expectStep(net, readGolden<StepGolden>('googlenet-step'), 1e-8, {
      logits: (training) => {
        const output = net(x);
        expect(isTensor(output)).toBe(!training);
        if (isTensor(output)) return [output];
        expect(Object.keys(output)).toEqual(['logits', 'auxLogits2', 'auxLogits1']);
        return [output.logits, output.auxLogits2, output.auxLogits1];
      },
      loss: ([logits, auxLogits2, auxLogits1]) => googlenetLoss({ logits, auxLogits2, auxLogits1 }, target),
    });
  });
});

describe('googlenet', () => {
  test('transformInput: torchvision’s logits, of statistics of the batch', { timeout: 240_000 }, async () => {
    manualSeed(0);
    using net = googlenet({ numClasses: 10, auxLogits: false, transformInput: true, dtype: 'float64' }).eval();
    for (const layer of net.modules()) {
      if (layer instanceof nn.BatchNorm2d) Object.assign(layer, { runningMean: null, runningVar: null });
    }
    const golden = readGolden<Pick<StepGolden, 'eval'>>('googlenet-transform');
    await expectLogits(net(images(32, 'float64')) as Tensor, golden.eval, 1e-8, 'logits');
  });

  test('a tensor in evaluation mode and without auxiliary classifiers, three in training', () => {
    const x = zeros([2, 3, 32, 32]);
    const net = nn.utils.skipInit(() => googlenet({ numClasses: 7 }));
    expect(Object.values(net(x) as GoogLeNetOutputs).map((t: Tensor) => t.shape)).toEqual([
      [2, 7],
      [2, 7],
      [2, 7],
    ]);
    expect((net.eval()(x) as Tensor).shape).toEqual([2, 7]);
    const without = nn.utils.skipInit(() => googlenet({ numClasses: 7, auxLogits: false }));
    expect((without(x) as Tensor).shape).toEqual([2, 7]);
    expect([without.aux1, without.aux2]).toEqual([null, null]);
    expect(without.namedChildren().map(([name]) => name)).not.toContain('aux1');
  });

  test('dropout of the network and of the auxiliary classifiers', () => {
    const net = nn.utils.skipInit(() => googlenet({ dropout: 0.1, dropoutAux: 0.6 }));
    const ps = net.namedModules().flatMap(([name, m]) => (m instanceof nn.Dropout ? [[name, m.p]] : []));
    expect(Object.fromEntries(ps)).toEqual({ 'aux1.dropout': 0.6, 'aux2.dropout': 0.6, dropout: 0.1 });
  });

  test('blocks of one’s own', () => {
    /** Without normalization, as in the paper. */
    class PlainConv2d extends nn.Module {
      conv: nn.Conv2d;
      constructor(inChannels: number, outChannels: number, { kernelSize, ...options }: ConvBlockOptions) {
        super();
        this.conv = new nn.Conv2d(inChannels, outChannels, kernelSize, options);
      }
      override forward(x: Tensor): Tensor {
        return this.conv(x).relu();
      }
    }
    class PlainInception extends Inception {
      constructor(...args: ConstructorParameters<typeof Inception>) {
        super(...(args.slice(0, 7) as [number, number, number, number, number, number, number]), {
          ...args[7],
          convBlock: PlainConv2d,
        });
      }
    }
    const net = nn.utils.skipInit(
      () => new GoogLeNet({ numClasses: 5, blocks: [PlainConv2d, PlainInception, InceptionAux] }),
    );
    expect(net.conv1).toBeInstanceOf(PlainConv2d);
    expect(net.inception4c).toBeInstanceOf(PlainInception);
    const normalizations = net.namedModules().filter(([, m]) => m instanceof nn.BatchNorm2d);
    expect(normalizations.map(([name]) => name)).toEqual(['aux1.conv.bn', 'aux2.conv.bn']);
    expect((net.eval()(zeros([1, 3, 32, 32])) as Tensor).shape).toEqual([1, 5]);
    const aux = new InceptionAux(8, 3, { convBlock: PlainConv2d, dropout: 0.2 });
    expect(aux(zeros([2, 8, 4, 4])).shape).toEqual([2, 3]);
    expect([...aux.stateDict().keys()].slice(0, 2)).toEqual(['conv.conv.weight', 'conv.conv.bias']);
  });

  test.each([[[2, 3, 14, 14]], [[2, 1, 64, 64]], [[3, 64, 64]]])('images that it is not made for: %j', (shape) => {
    const net = nn.utils.skipInit(() => googlenet());
    expect(() => net(zeros(shape))).toThrowErrorMatchingSnapshot();
  });

  test('from 15 × 15 on', () => {
    const net = nn.utils.skipInit(() => googlenet({ numClasses: 10 })).eval();
    expect((net(zeros([1, 3, 15, 15])) as Tensor).shape).toEqual([1, 10]);
  });

  test('misuse', () => {
    expect(() => googlenet({ aux_logits: false } as object)).toThrowErrorMatchingInlineSnapshot(
      `[FakkelError: GoogLeNet: unknown option 'aux_logits'. Did you mean auxLogits? There are: numClasses, auxLogits, transformInput, initWeights, blocks, dropout, dropoutAux, dtype, device.]`,
    );
    expect(() => googlenet({ blocks: [BasicConv2d] as never })).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: GoogLeNet: blocks are three classes, [BasicConv2d, Inception, InceptionAux] or your own; got 1]`,
    );
    expect(
      () => new Inception(8, 1, 1, 1, 1, 1, 1, { conv_block: BasicConv2d } as object),
    ).toThrowErrorMatchingInlineSnapshot(
      `[FakkelError: Inception: unknown option 'conv_block'. Did you mean convBlock? There are: convBlock, dtype, device.]`,
    );
  });
});

describe('googlenet with published weights', () => {
  const { prepare, finish } = publishedRules;

  test('is made as the file was: with auxiliary classifiers, its transform, and no weights drawn for nothing', () => {
    const made = { transformInput: true, auxLogits: true, initWeights: false };
    expect(prepare!({ numClasses: 1000 })).toEqual({ numClasses: 1000, ...made });
    expect(prepare!({ auxLogits: false, initWeights: true })).toEqual(made);
    expect(prepare!({ transformInput: false })).toEqual({ ...made, transformInput: false });
  });

  test('loses its auxiliary classifiers unless they are asked for', () => {
    const make = () => nn.utils.skipInit(() => googlenet({ numClasses: 10, initWeights: false }));
    const net = finish!(make(), {});
    expect([net.auxLogits, net.aux1, net.aux2]).toEqual([false, null, null]);
    const { shapes } = nn.utils.skipInit(() => stateOf(googlenet({ numClasses: 10, auxLogits: false })));
    expect(stateOf(net).shapes).toEqual(shapes);
    expect(isTensor(net(zeros([2, 3, 32, 32])))).toBe(true);
    expect(finish!(make(), { auxLogits: true }).aux1).toBeInstanceOf(InceptionAux);
  });
});

describe('googlenetLoss', () => {
  const make = (seed: number) => {
    manualSeed(seed);
    return randn([3, 5], { requiresGrad: true });
  };
  const target = tensor([0, 4, 2], { dtype: 'int32' });

  test('the auxiliary classifiers count 0.3 each, in the gradients too', async () => {
    const [logits, auxLogits2, auxLogits1] = [make(0), make(1), make(2)];
    const loss = googlenetLoss({ logits, auxLogits2, auxLogits1 }, target);
    loss.backward();
    const alone = await Promise.all(
      [0, 1, 2].map(async (seed) => {
        const t = make(seed);
        const ce = nn.functional.crossEntropy(t, target);
        ce.backward();
        return { loss: await ce.item(), gradient: await t.grad!.data() };
      }),
    );
    expect(await loss.item()).toBeCloseTo(alone[0].loss + 0.3 * (alone[1].loss + alone[2].loss), 5);
    for (const [i, t] of [logits, auxLogits2, auxLogits1].entries()) {
      const expected = [...alone[i].gradient].map((g) => Number(g) * (i === 0 ? 1 : 0.3));
      for (const [j, g] of (await t.grad!.data()).entries()) expect(g).toBeCloseTo(expected[j], 6);
    }
  });

  test('of a tensor it is the criterion; another weight, another criterion', async () => {
    const [logits, auxLogits2, auxLogits1] = [make(0), make(1), make(2)];
    const criterion = new nn.CrossEntropyLoss({ labelSmoothing: 0.1 });
    const losses = await Promise.all([logits, auxLogits2, auxLogits1].map((t) => criterion(t, target).item()));
    expect(await googlenetLoss(logits, target, { criterion }).item()).toBe(losses[0]);
    const outputs = { logits, auxLogits2, auxLogits1 };
    const heavy = googlenetLoss(outputs, target, { auxWeight: 1, criterion });
    expect(await heavy.item()).toBeCloseTo(losses[0] + losses[1] + losses[2], 5);
    expect(await googlenetLoss(outputs, target, { auxWeight: 0, criterion }).item()).toBe(losses[0]);
  });

  test('misuse', () => {
    const logits = make(0);
    expect(() => googlenetLoss({ logits } as GoogLeNetOutputs, target)).toThrowErrorMatchingInlineSnapshot(
      `[FakkelError: googlenetLoss: expected what GoogLeNet returns, a tensor or { logits, auxLogits2, auxLogits1 }; got { logits }]`,
    );
    expect(() => googlenetLoss(null as unknown as Tensor, target)).toThrowErrorMatchingInlineSnapshot(
      `[FakkelError: googlenetLoss: expected what GoogLeNet returns, a tensor or { logits, auxLogits2, auxLogits1 }; got null]`,
    );
    expect(() => googlenetLoss(logits, target, { auxWeight: -1 })).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: googlenetLoss: auxWeight is a number of at least 0, got -1]`,
    );
    expect(() => googlenetLoss(logits, target, { weight: 0.3 } as object)).toThrowErrorMatchingInlineSnapshot(
      `[FakkelError: googlenetLoss: unknown option 'weight'. Did you mean auxWeight? There are: auxWeight, criterion.]`,
    );
  });
});

test('BasicConv2d and Inception are made of what they say', () => {
  expect(String(new BasicConv2d(3, 8, { kernelSize: 3, stride: 2, dtype: 'float64' }))).toMatchInlineSnapshot(`
    "BasicConv2d(
      (conv): Conv2d(3, 8, kernel_size=(3, 3), stride=(2, 2), bias=False)
      (bn): BatchNorm2d(8, eps=0.001, momentum=0.1, affine=True, track_running_stats=True)
    )"
  `);
  const block = nn.utils.skipInit(() => new Inception(192, 64, 96, 128, 16, 32, 32));
  expect(block(zeros([1, 192, 5, 4])).shape).toEqual([1, 64 + 128 + 32 + 32, 5, 4]);
  expect(() => new BasicConv2d(3, 8, { kernel_size: 3 } as never)).toThrowErrorMatchingInlineSnapshot(
    `[FakkelError: BasicConv2d: unknown option 'kernel_size'. Did you mean kernelSize? There are: kernelSize, stride, padding, dilation, groups, paddingMode, dtype, device.]`,
  );
});
