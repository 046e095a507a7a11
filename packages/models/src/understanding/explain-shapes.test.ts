import { cat, nn, randn, type Tensor, zeros } from '@fakkel/core';
import { describe, expect, test, vi } from 'vitest';
import * as zoo from '../index.js';
import { explainShapes } from './explain-shapes.js';

const skip = nn.utils.skipInit;

test('a single layer, which has no name', () => {
  expect(explainShapes(new nn.Linear(3, 2), [1, 3]).toString()).toMatch(
    /^Linear {2}3 {6}3 → 2 {2}2 {7}2·3 \+ 2 = 8 {5}6$/m,
  );
});

test('the walk through LeNet that the lecture does by hand', () => {
  const walk = explainShapes(zoo.lenet5Original(), [1, 1, 32, 32]);
  // 5·5·6 + 1·6 = 156, 6·(1 + 1) = 12, 25·(6·3 + 6·4 + 3·4 + 6) + 16 = 1516, 16·(1 + 1) = 32, 48120, 10164, 850: 60850.
  expect(walk.toString()).toMatchInlineSnapshot(`
    "Layer             Input     What                                Size                         Output    Parameters                      MACs   Sees
    --------------------------------------------------------------------------------------------------------------------------------------------------
    c1: Conv2d        32×32×1   6 of 5×5×1, no padding              ⌊(32 + 2·0 − 5)/1⌋ + 1 = 28  28×28×6   6·(5·5·1) + 6 = 156          117,600    5×5
    act: ScaledTanh   28×28×6                                                                    28×28×6                                           5×5
    s2: Subsample     28×28×6   sum over 2×2, stride 2, no padding  ⌊(28 + 2·0 − 2)/2⌋ + 1 = 14  14×14×6   6 + 6 = 12                              6×6
    act: ScaledTanh   14×14×6                                                                    14×14×6                                           6×6
    c3: SparseConv2d  14×14×6   16 of 5×5×6, no padding             ⌊(14 + 2·0 − 5)/1⌋ + 1 = 10  10×10×16  60·(5·5) + 16 = 1,516        240,000  14×14
    act: ScaledTanh   10×10×16                                                                   10×10×16                                        14×14
    s4: Subsample     10×10×16  sum over 2×2, stride 2, no padding  ⌊(10 + 2·0 − 2)/2⌋ + 1 = 5   5×5×16    16 + 16 = 32                          16×16
    act: ScaledTanh   5×5×16                                                                     5×5×16                                          16×16
    c5: Conv2d        5×5×16    120 of 5×5×16, no padding           ⌊(5 + 2·0 − 5)/1⌋ + 1 = 1    1×1×120   120·(5·5·16) + 120 = 48,120   48,000  32×32
    act: ScaledTanh   1×1×120                                                                    1×1×120                                         32×32
    reshape           1×1×120                                       120·1·1 = 120                120
    f6: Linear        120       120 → 84                                                         84        84·120 + 84 = 10,164          10,080
    act: ScaledTanh   84                                                                         84
    output: Linear    84        84 → 10                                                          10        10·84 + 10 = 850                 840
    --------------------------------------------------------------------------------------------------------------------------------------------------
    Total                                                                                                  60,850                       416,520"
  `);
});

test('AlexNet of 2012', () => {
  const walk = explainShapes(
    skip(() => zoo.alexnetOriginal()),
    [1, 3, 227, 227],
  );
  const layers = walk.layers.filter((layer) => layer.macs > 0 || layer.windows);
  expect(layers.map((l) => [l.name, l.sizeFormula, l.parameterFormula, l.receptiveField?.join('×')].join(' | ')))
    .toMatchInlineSnapshot(`
    [
      "conv1 | ⌊(227 + 2·0 − 11)/4⌋ + 1 = 55 | 96·(11·11·3) + 96 = 34,944 | 11×11",
      "pool1 | ⌊(55 + 2·0 − 3)/2⌋ + 1 = 27 |  | 19×19",
      "conv2 | ⌊(27 + 2·2 − 5)/1⌋ + 1 = 27 | 256·(5·5·48) + 256 = 307,456 | 51×51",
      "pool2 | ⌊(27 + 2·0 − 3)/2⌋ + 1 = 13 |  | 67×67",
      "conv3 | ⌊(13 + 2·1 − 3)/1⌋ + 1 = 13 | 384·(3·3·256) + 384 = 885,120 | 99×99",
      "conv4 | ⌊(13 + 2·1 − 3)/1⌋ + 1 = 13 | 384·(3·3·192) + 384 = 663,936 | 131×131",
      "conv5 | ⌊(13 + 2·1 − 3)/1⌋ + 1 = 13 | 256·(3·3·192) + 256 = 442,624 | 163×163",
      "pool5 | ⌊(13 + 2·0 − 3)/2⌋ + 1 = 6 |  | 195×195",
      "fc6 |  | 4096·9216 + 4096 = 37,752,832 | ",
      "fc7 |  | 4096·4096 + 4096 = 16,781,312 | ",
      "fc8 |  | 1000·4096 + 1000 = 4,097,000 | ",
    ]
  `);
  expect(walk.parameters).toBe(60_965_224);
  expect(layers[2]).toMatchObject({
    text: '256 of 5×5×48, padding 2, 2 groups',
    windows: { groups: 2, kernel: [5, 5] },
  });
});

test('what happens between layers: residual additions, concatenations, and where values come from', () => {
  const block = explainShapes(new zoo.BasicBlock(64, 64), [1, 64, 56, 56], { channels: 'first' });
  expect(block.layers.map(({ type, text, from }) => [type, text, from])).toEqual([
    ['Conv2d', '64 of 3×3×64, padding 1', [-1]],
    ['BatchNorm2d', '', [0]],
    ['ReLU', '', [1]],
    ['Conv2d', '64 of 3×3×64, padding 1', [2]],
    ['BatchNorm2d', '', [3]],
    ['add', '64×56×56 + 64×56×56', [4, -1]],
    ['ReLU', '', [5]],
  ]);
  const inception = explainShapes(new zoo.Inception(192, 64, 96, 128, 16, 32, 32), [1, 192, 28, 28]).layers;
  const joined = inception.at(-1)!;
  expect([joined.type, joined.text, joined.sizeFormula]).toEqual([
    'cat',
    'concatenation of 4',
    '64 + 128 + 32 + 32 = 256',
  ]);
  expect(joined.from.map((i) => inception[i].name)).toEqual(['branch1', 'branch2.1', 'branch3.1', 'branch4.1']);
});

class Functional extends nn.Module {
  weight = new nn.Parameter(zeros([4, 2, 3, 5]));
  scale = new nn.Parameter(zeros([4, 1, 1]));
  up = new nn.ConvTranspose2d(4, 2, 3, { stride: 2, padding: 1, outputPadding: 1 });
  dilated = new nn.Conv2d(2, 2, 3, { dilation: 2, padding: 'same' });
  same = new nn.Identity();
  pool = new nn.AvgPool2d(2, { ceilMode: true });
  shared = new nn.Linear(2, 2);
  override forward(x: Tensor, skip: Tensor): Tensor {
    x = this.same(nn.functional.conv2d(x, this.weight, null, { stride: [1, 2] }).mul(this.scale));
    x = cat([this.dilated(this.up(x)), skip], 3);
    return this.shared(this.shared(this.pool(x).mean([2, 3])));
  }
}

test('modules of your own: operations, several inputs, transposed and dilated convolution, ceil mode, shared layers', () => {
  const walk = explainShapes(new Functional(), [
    [1, 2, 9, 11],
    [1, 2, 14, 1],
  ]);
  expect(walk.toString()).toMatchInlineSnapshot(`
    "Layer                Input           What                                         Size                                                                               Output  Parameters                  MACs  Sees
    -------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------
    conv                 9×11×2          4 of 3×5×2, stride 1×2, no padding           ⌊(9 + 2·0 − 3)/1⌋ + 1 = 7; ⌊(11 + 2·0 − 5)/2⌋ + 1 = 4                              7×4×4   4·(3·5·2) + 4·(1·1) = 124  3,360   3×5
    mul                  7×4×4                                                                                                                                           7×4×4                                      3×5
    same: Identity       7×4×4                                                                                                                                           7×4×4                                      3×5
    up: ConvTranspose2d  7×4×4           2 of 3×3×4, stride 2, padding 1, transposed  (7 − 1)·2 − 2·1 + 1·(3 − 1) + 1 + 1 = 14; (4 − 1)·2 − 2·1 + 1·(3 − 1) + 1 + 1 = 8  14×8×2  4·(3·3·2) + 2 = 74         2,016
    dilated: Conv2d      14×8×2          2 of 3×3×2, padding 2, dilation 2            ⌊(14 + 2·2 − 2·(3 − 1) − 1)/1⌋ + 1 = 14; ⌊(8 + 2·2 − 2·(3 − 1) − 1)/1⌋ + 1 = 8     14×8×2  2·(3·3·2) + 2 = 38         4,032
    cat                  14×8×2, 14×1×2  concatenation of 2                           8 + 1 = 9                                                                          14×9×2
    pool: AvgPool2d      14×9×2          mean over 2×2, stride 2, padding 0; 0 and 1  ⌊(14 + 2·0 − 2)/2⌋ + 1 = 7; ⌊(9 + 0 + 1 − 2)/2⌋ + 1 = 5                            7×5×2
    mean                 7×5×2                                                                                                                                           2
    shared: Linear       2               2 → 2                                                                                                                           2       2·2 + 2 = 6                    4
    shared: Linear       2               2 → 2                                                                                                                           2                                      4
    -------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------
    Total                                                                                                                                                                        242                        9,416"
  `);
  expect(walk.parameters).toBe(new Functional().parameters().reduce((n, p) => n + p.numel(), 0));
});

describe('agrees with the summary', () => {
  test.each<[string, () => nn.Module, number[]]>([
    ['lenet5', () => zoo.lenet5(), [2, 1, 32, 32]],
    ['vgg11Bn', () => zoo.vgg11Bn(), [1, 3, 224, 224]],
    ['googlenet', () => zoo.googlenet({ auxLogits: false }), [1, 3, 224, 224]],
    ['resnet50', () => zoo.resnet50(), [1, 3, 224, 224]],
    ['cifarResnet20', () => zoo.cifarResnet20(), [1, 3, 32, 32]],
  ])('%s, at every depth', (_, make, shape) => {
    const net = skip(make);
    const { parameters, macs } = nn.summary(net, shape).totals;
    for (const depth of [1, 2, Infinity]) {
      const walk = explainShapes(net, shape, { depth });
      expect([depth, walk.parameters, walk.macs]).toEqual([depth, parameters, macs]);
      // Every layer's input is what the layers that it comes from put out.
      const known = [shape, ...walk.layers.flatMap((layer) => layer.outputShapes)].map(String);
      for (const layer of walk.layers) for (const s of layer.inputShapes) expect(known).toContain(String(s));
    }
  });
});

describe('the picture', () => {
  const texts = (svg: string): string[] => [...svg.matchAll(/<text[^>]*>([^<]*)</g)].map((m) => m[1]);
  const boxes = (svg: string): number => svg.split(/<path[^>]*stroke-width="0.8"/).length / 3;

  test('LeNet: a box a layer with weights or pooling, and what it says', () => {
    const svg = explainShapes(zoo.lenet5Original(), [1, 1, 32, 32]).toSVG();
    expect(Math.floor(boxes(svg))).toBe(8);
    expect(texts(svg).slice(0, 16)).toMatchInlineSnapshot(`
      [
        "LeNet5Original: 60,850 parameters",
        "input",
        "32×32×1",
        "c1",
        "28×28×6",
        "Conv2d",
        "6 of 5×5×1",
        "no padding",
        "ScaledTanh",
        "156 par.",
        "s2",
        "14×14×6",
        "Subsample",
        "sum over 2×2",
        "stride 2, no padding",
        "ScaledTanh",
      ]
    `);
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  });

  test('a big network is drawn at a depth that is readable, with repeated blocks as one', () => {
    const walk = explainShapes(
      skip(() => zoo.resnet152()),
      [1, 3, 224, 224],
    );
    const svg = walk.toSVG({ title: 'ResNet-152' });
    expect(texts(svg)).toEqual(
      expect.arrayContaining(['ResNet-152: 60,192,808 parameters', 'layer3.0 … 35', '36 × Bottleneck']),
    );
    expect(boxes(svg)).toBeLessThan(12);
    expect(boxes(walk.toSVG({ depth: 1 }))).toBeLessThan(boxes(svg) + 1);
    const small = skip(() => zoo.resnet18());
    const shallow = explainShapes(small, [1, 3, 224, 224], { depth: 1 });
    expect(shallow.toSVG()).toBe(explainShapes(small, [1, 3, 224, 224]).toSVG({ depth: 1 })); // the walk's own depth
    expect(shallow.toSVG({ depth: 2 })).not.toBe(shallow.toSVG());
  });

  test('branches are beside each other, and a shortcut goes over what it skips', () => {
    const inception = explainShapes(new zoo.Inception(192, 64, 96, 128, 16, 32, 32), [1, 192, 28, 28]).toSVG();
    // Four edges to the concatenation end at its left side, at one place.
    const ends = [...inception.matchAll(/H([\d.]+)" fill="none"/g)].map((m) => m[1]);
    expect(Math.max(...ends.map((end) => ends.filter((e) => e === end).length))).toBe(4);
    const block = explainShapes(new zoo.BasicBlock(64, 64), [1, 64, 56, 56]).toSVG();
    expect(block.match(/<circle/g)).toHaveLength(1);
    expect(block.match(/marker-end/g)).toHaveLength(4);
  });

  test('as PNG', async () => {
    const png = await explainShapes(new nn.Linear(3, 2), [1, 3]).toPNG();
    expect([...png.subarray(1, 4)].map((c) => String.fromCharCode(c)).join('')).toBe('PNG');
  });

  test('without sharp the error names the command', async () => {
    vi.resetModules();
    vi.doMock('sharp', () => {
      throw new Error('not there');
    });
    const { svgToPNG } = await import('./peers.js');
    await expect(svgToPNG('toPNG', '<svg/>')).rejects.toThrow(
      /^toPNG: it needs the package 'sharp'. Install it: npm install sharp$/,
    );
    vi.doUnmock('sharp');
  });

  test('titles are escaped', () => {
    expect(explainShapes(new nn.Linear(3, 2), [1, 3]).toSVG({ title: 'a < b & "c"' })).toContain(
      'a &#60; b &#38; &#34;c&#34;',
    );
  });
});

test('misuse', () => {
  const net = new nn.Linear(3, 2);
  expect(() => explainShapes(net, [1, 4])).toThrow(/4/);
  expect(() => explainShapes(net, [1, 3], { Depth: 2 } as never)).toThrowErrorMatchingInlineSnapshot(
    `[FakkelError: explainShapes: unknown option 'Depth'. Did you mean depth? There are: depth, channels.]`,
  );
  expect(() => explainShapes(net, [1, 3], { depth: 0 })).toThrowErrorMatchingInlineSnapshot(
    `[OutOfRangeError: explainShapes: depth is a whole number from 1 up, got 0]`,
  );
  expect(() => explainShapes(net, [1, 3], { channels: 'middle' as never })).toThrowErrorMatchingInlineSnapshot(
    `[OutOfRangeError: explainShapes: channels is 'first' or 'last', got 'middle']`,
  );
  expect(() => explainShapes(randn([1]) as never, [1, 3])).toThrow(/expected a module/);
  expect(() => explainShapes(net, [1, 3]).toSVG({ depth: 1.5 })).toThrow(/toSVG: depth/);
});
