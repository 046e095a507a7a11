/** Networks that `exportOnnx` has written come back as they were, and may be written again. */
import { manualSeed, nn, randn, type Tensor } from '@fakkel/core';
import { cifarResnet20, lenet5, lenet5Original } from '@fakkel/models';
import { beforeEach, describe, expect, test } from 'vitest';
import { decodeModel, encodeModel, exportOnnx, exportOnnxModel, importOnnx } from '../src/index.js';
import { expectClose } from './import-helpers.js';
import { histogram } from './run.js';

beforeEach(() => {
  manualSeed(0);
});

/** Constants of several elements in its graph that are none of its weights: what windows of uneven sizes hold. */
class Constants extends nn.Module {
  pool = new nn.AdaptiveAvgPool2d([4, 3]);
  norm = new nn.BatchNorm2d(4);
  conv = new nn.Conv2d(3, 4, 3);
  fc = new nn.Linear(48, 2);
  table = randn([2]);
  override forward(x: Tensor): Tensor {
    return this.fc(this.norm(this.pool(this.conv(x))).flatten(1)).mul(this.table);
  }
}

const NETWORKS: [string, () => nn.Module, number[]][] = [
  ['lenet5', () => lenet5(), [2, 1, 32, 32]],
  ['lenet5Original', () => lenet5Original(), [2, 1, 32, 32]],
  ['cifarResnet20', () => cifarResnet20(), [2, 3, 32, 32]],
  ['constants', () => new Constants(), [2, 3, 12, 9]],
];

describe.each(NETWORKS)('%s', (_, make, shape) => {
  test.each(['eval', 'train'] as const)(
    'exported for %s: the same weights, operators and numbers',
    async (training) => {
      const net = make();
      const model = await exportOnnxModel(net, shape, { training });
      const back = importOnnx(encodeModel(model));
      const names = (module: nn.Module): string[] =>
        module
          .namedParameters()
          .filter(([, { requiresGrad }]) => requiresGrad)
          .map(([name]) => name)
          .sort();
      expect(names(back)).toEqual(names(net));
      expect([...back.stateDict().keys()].filter((key) => !key.startsWith('/')).sort()).toEqual(
        [...net.stateDict().keys()].sort(),
      );
      const again = await exportOnnxModel(back, shape, { training });
      expect(histogram(again)).toEqual(histogram(model));
      const given = ({ graph }: typeof model): string[] => graph.initializers!.map(({ name }) => name!);
      expect(given(again)).toEqual(expect.arrayContaining(given(model).filter((name) => !name.startsWith('/'))));

      const x = randn(shape);
      const twice = importOnnx(encodeModel(again));
      const expected = await (net.eval() as unknown as (x: Tensor) => Tensor)(x).data();
      for (const module of [back, twice])
        expectClose(await module(x).data(), [...expected], { rtol: 1e-5, atol: 1e-6 });
    },
  );
});

test("batch normalization in training mode keeps its statistics' place and momentum, also when written twice", async () => {
  const net = new nn.Sequential(new nn.Conv2d(1, 2, 1), new nn.BatchNorm2d(2, { momentum: 0.25 }));
  const node = async (module: nn.Module) => {
    const { graph } = await exportOnnxModel(module, [2, 1, 3, 3], { training: 'train' });
    const { inputs, attributes } = graph.nodes.find(({ opType }) => opType === 'BatchNormalization')!;
    return { inputs: inputs.slice(1), attributes };
  };
  const first = await node(net);
  expect(first.inputs).toEqual(['1.weight', '1.bias', '1.running_mean', '1.running_var']);
  expect(first.attributes).toMatchObject({ momentum: { value: 0.75 }, training_mode: { value: 1 } });
  const back = importOnnx(await exportOnnx(net, [2, 1, 3, 3], { training: 'train' }));
  expect(await node(back)).toEqual(first);
});

test("what Node's readFile gives, wherever its memory begins", async () => {
  const net = new nn.Linear(3, 2);
  const bytes = await exportOnnx(net, [1, 3]);
  const x = randn([1, 3]);
  const expected = [...(await net(x).data())];
  for (let offset = 0; offset < 4; offset++) {
    const file = Buffer.from(new ArrayBuffer(bytes.length + offset), offset);
    file.set(bytes);
    expectClose(await importOnnx(file)(x).data(), expected, { rtol: 1e-6, atol: 1e-6 });
    expect(decodeModel(file).graph.initializers).toHaveLength(2);
  }
});
