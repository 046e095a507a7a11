import { describe, expect, test } from 'vitest';
import { cat, evaluate, manualSeed, nn, noGrad, onCompile, randn, tensor, type Tensor } from '@fakkel/core';
import {
  adapt,
  alexnet,
  cifarResnet20,
  freeze,
  googlenet,
  lenet5,
  lenet5Original,
  resnet18,
  unfreeze,
  vgg11Bn,
  type AdaptOptions,
  type GoogLeNetOutputs,
} from './index.js';

const { skipInit } = nn.utils;
const shapes = (net: nn.Module): Map<string, string> =>
  new Map([...net.stateDict()].map(([key, { shape }]) => [key, shape.join('×')]));
/** Keys of the state dict whose shape differs. */
function changed(before: Map<string, string>, net: nn.Module): string[] {
  const after = shapes(net);
  expect([...after.keys()]).toEqual([...before.keys()]);
  return [...after].filter(([key, shape]) => before.get(key) !== shape).map(([key, shape]) => `${key} ${shape}`);
}

describe('adapt, numClasses', () => {
  test.each([
    ['ResNet', () => resnet18(), ['fc.weight 5×512', 'fc.bias 5']],
    ['AlexNet', () => alexnet(), ['classifier.6.weight 5×4096', 'classifier.6.bias 5']],
    // Its hidden layers have as many outputs, and are no classifiers.
    ['VGG of 4096 classes', () => vgg11Bn({ numClasses: 4096 }), ['classifier.6.weight 5×4096', 'classifier.6.bias 5']],
    [
      'GoogLeNet',
      () => googlenet({ initWeights: false }),
      [
        'aux1.fc2.weight 5×1024',
        'aux1.fc2.bias 5',
        'aux2.fc2.weight 5×1024',
        'aux2.fc2.bias 5',
        'fc.weight 5×1024',
        'fc.bias 5',
      ],
    ],
    ['LeNet-5 of 1998', () => lenet5Original(), ['output.weight 5×84', 'output.bias 5']],
  ] as [string, () => nn.Module, string[]][])('%s', (_, make, expected) => {
    const net = skipInit(make);
    const before = shapes(net);
    expect(skipInit(() => adapt(net, { numClasses: 5 }))).toBe(net);
    expect(changed(before, net)).toEqual(expected);
  });

  test('GoogLeNet trains with the new heads', async () => {
    const net = adapt(
      skipInit(() => googlenet({ initWeights: false })),
      { numClasses: 3 },
    );
    const { logits, auxLogits1, auxLogits2 } = net(randn([2, 3, 64, 64])) as GoogLeNetOutputs;
    expect([logits, auxLogits1, auxLogits2].map((t) => t.shape)).toEqual([
      [2, 3],
      [2, 3],
      [2, 3],
    ]);
  });

  test('the new classifier is drawn as nn.Linear draws; all else stays', async () => {
    const net = cifarResnet20();
    const before = net.stateDict();
    manualSeed(3);
    adapt(net, { numClasses: 7 });
    manualSeed(3);
    const { weight, bias } = new nn.Linear(64, 7);
    expect(await net.fc.weight.toArray()).toEqual(await weight.toArray());
    expect(await net.fc.bias!.toArray()).toEqual(await bias!.toArray());
    expect(String(net.fc)).toBe('Linear(in_features=64, out_features=7, bias=True)');
    for (const [key, value] of net.stateDict()) {
      if (!key.startsWith('fc.')) expect(await value.toArray()).toEqual(await before.get(key)!.toArray());
    }
  });

  test('as many classes as before start anew; dtype, absence of a bias and hooks stay', async () => {
    const head = new nn.Linear(4, 3, { bias: false, dtype: 'float64' });
    const before = await head.weight.toArray();
    let calls = 0;
    head.registerForwardHook(() => void calls++);
    const net = adapt(new nn.Sequential(new nn.Linear(2, 4, { dtype: 'float64' }), head), { numClasses: 3 });
    expect(net.at(1)).toBe(head);
    expect([head.weight.dtype, head.bias]).toEqual(['float64', null]);
    expect(await head.weight.toArray()).not.toEqual(before);
    net(randn([1, 2], { dtype: 'float64' }));
    expect(calls).toBe(1);
  });

  test('a network whose classifier is not last in definition order: by name', () => {
    class Backwards extends nn.Module {
      head = new nn.Linear(4, 10);
      body = new nn.Linear(2, 4);
      override forward(x: Tensor): Tensor {
        return this.head(this.body(x).relu());
      }
    }
    const net = adapt(new Backwards(), { numClasses: 3, classifier: 'head' });
    expect(net(randn([1, 2])).shape).toEqual([1, 3]);
  });
});

describe('adapt, inChannels', () => {
  test('a grey image gives what it gave in colours; the check of the input follows', async () => {
    const net = cifarResnet20().eval();
    const grey = randn([2, 1, 28, 28]);
    const expected = await net(cat([grey, grey, grey], 1)).data();
    adapt(net, { inChannels: 1 });
    const actual = await net(grey).data();
    for (const [i, value] of expected.entries()) expect(actual[i]).toBeCloseTo(value, 4);
    expect(() => net(randn([1, 3, 28, 28]))).toThrow('expected images [N, 1, H, W]');
    expect(String(net.conv1)).toContain('Conv2d(1, 16,');
  });

  // timm's adapt_input_conv: weights repeated cyclically, times old / new.
  test.each([
    [3, 2, [1.5, 3]],
    [3, 4, [0.75, 1.5, 2.25, 0.75]],
    [3, 6, [0.5, 1, 1.5, 0.5, 1, 1.5]],
    [3, 1, [6]],
    [1, 3, [1 / 3, 1 / 3, 1 / 3]],
    [3, 3, [1, 2, 3]],
  ])('%i channels to %i', async (from, to, expected) => {
    const net = new nn.Conv2d(from, 1, 1);
    net.weight.assign(tensor([1, 2, 3].slice(0, from)).reshape([1, from, 1, 1]));
    const bias = net.bias;
    adapt(net, { inChannels: to });
    const weight = await net.weight.data();
    expect([...weight].map((w) => Number(w.toFixed(6)))).toEqual(expected.map((w) => Number(w.toFixed(6))));
    expect(net.bias).toBe(bias);
    expect(net.weight.requiresGrad).toBe(true);
    expect(net(randn([1, to, 4, 4])).shape).toEqual([1, 1, 4, 4]);
  });

  test('both at once, and the historic ones', () => {
    expect(adapt(lenet5(), { inChannels: 3, numClasses: 26 })(randn([1, 3, 32, 32])).shape).toEqual([1, 26]);
    expect(adapt(lenet5Original(), { inChannels: 3 })(randn([1, 3, 32, 32])).shape).toEqual([1, 10]);
  });
});

describe('adapt, misuse', () => {
  const conv = new nn.Sequential(new nn.Conv2d(3, 8, 3), new nn.Conv2d(8, 10, 1));
  const calls: Record<string, [net: nn.Module, options: AdaptOptions]> = {
    'nothing to do': [conv, {}],
    'a class too few': [conv, { numClasses: 0 }],
    'an unknown option': [conv, { num_classes: 2 } as object],
    'a convolution as classifier': [conv, { numClasses: 2 }],
    'bitmaps as classifier': [lenet5Original({ output: 'rbf' }), { numClasses: 2 }],
    'no weights': [new nn.ReLU(), { numClasses: 2 }],
    'no convolution first': [new nn.Linear(2, 2), { inChannels: 2 }],
    'no layers': [new nn.ReLU(), { inChannels: 2 }],
    'a convolution with groups': [new nn.Conv2d(4, 4, 3, { groups: 2 }), { inChannels: 2 }],
    'a name that there is not': [conv, { numClasses: 2, classifier: 'fc' }],
    'channels that are rescaled': [skipInit(() => googlenet({ transformInput: true })), { inChannels: 1 }],
    'a computed weight': [nn.utils.weightNorm(new nn.Linear(2, 2)), { numClasses: 2 }],
    'no module': [(() => 0) as never, { numClasses: 2 }],
  };
  test.each(Object.entries(calls))('%s', (_, [net, options]) => {
    const before = shapes(net instanceof nn.Module ? net : conv);
    expect(() => adapt(net, options)).toThrowErrorMatchingSnapshot();
    expect(shapes(net instanceof nn.Module ? net : conv)).toEqual(before);
  });

  test('what fails changes nothing', () => {
    const net = new nn.Sequential(new nn.Conv2d(4, 4, 1, { groups: 2 }), new nn.Flatten(), new nn.Linear(4, 2));
    expect(() => adapt(net, { numClasses: 5, inChannels: 2 })).toThrow('without groups');
    expect((net.at(2) as nn.Linear).outFeatures).toBe(2);
  });
});

describe('freeze', () => {
  const trained = (net: nn.Module): string[] =>
    net
      .namedParameters()
      .filter(([, p]) => p.requiresGrad)
      .map(([name]) => name);

  test('everything before the named module, in state order', () => {
    const net = skipInit(() => resnet18());
    expect(trained(freeze(net, 'fc'))).toEqual(['fc.weight', 'fc.bias']);
    expect(trained(freeze(unfreeze(net), 'layer4.1.conv2'))).toEqual([
      'layer4.1.conv2.weight',
      'layer4.1.bn2.weight',
      'layer4.1.bn2.bias',
      'fc.weight',
      'fc.bias',
    ]);
    expect(trained(freeze(net))).toEqual([]);
    expect(trained(unfreeze(net))).toHaveLength(62);
  });

  test('frozen layers stay in evaluation mode through train(), those above the named one do not', () => {
    const net = freeze(
      skipInit(() => vgg11Bn()),
      'features.8',
    ).train();
    const modes = new Map(net.namedModules().map(([name, module]) => [name, module.training]));
    expect([...modes].filter(([, training]) => !training).map(([name]) => name)).toEqual(
      Array.from({ length: 8 }, (_, i) => `features.${i}`),
    );
    expect(net.clone().train().getSubmodule('features.1').training).toBe(false);
    expect(
      net
        .eval()
        .modules()
        .some((module) => module.training),
    ).toBe(false);
    expect(
      unfreeze(net.train())
        .modules()
        .every((module) => module.training),
    ).toBe(true);
    expect(
      freeze(net)
        .train()
        .modules()
        .some((module) => module.training),
    ).toBe(false);
  });

  test('gradients of frozen layers are not computed', async () => {
    const gradients = async (net: nn.Layer): Promise<number> => {
      let found = 0;
      const stop = onCompile((report) => {
        found += [...report.text().matchAll(/conv(Input|Weight)Grad/g)].length;
      });
      const loss = nn.functional.crossEntropy(net(randn([2, 3, 16, 16])), tensor([1, 2], { dtype: 'int32' }));
      loss.backward();
      await evaluate(...net.parameters().flatMap((p) => p.grad ?? []));
      stop();
      return found;
    };
    // 19 convolutions; the first has no gradient of its input.
    expect(await gradients(cifarResnet20())).toBe(19 + 18);
    // Six in the last stage; the input of the first of them is of frozen layers.
    expect(await gradients(freeze(cifarResnet20(), 'layer3'))).toBe(6 + 5);
    expect(await gradients(freeze(cifarResnet20(), 'fc'))).toBe(0);
  });

  test('misuse', () => {
    const net = lenet5();
    expect(() => freeze(net, 'fc3')).toThrowErrorMatchingInlineSnapshot(
      `[FakkelError: freeze: no module 'fc3' below LeNet5. Did you mean fc1, fc2?]`,
    );
    expect(() => freeze(net, 'classifier')).toThrowErrorMatchingInlineSnapshot(
      `[FakkelError: freeze: no module 'classifier' below LeNet5. There are: conv1, relu1, pool1, conv2, relu2, pool2, conv3, relu3, flatten, fc1, relu4, fc2]`,
    );
    expect(() => freeze(net, '')).toThrow('freeze: no module');
    expect(() => freeze(null as never, 'fc')).toThrowErrorMatchingInlineSnapshot(
      `[TypeError: freeze: expected a module, freeze(net, 'fc')]`,
    );
    expect(() => unfreeze(null as never)).toThrowErrorMatchingInlineSnapshot(
      `[TypeError: unfreeze: expected a module, unfreeze(net)]`,
    );
    expect(noGrad(() => trained(net))).toHaveLength(10);
  });
});
