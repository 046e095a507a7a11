import { describe, expect, test } from 'vitest';
import { flush, nn, randn, referenceDevice, stats, tensor, type Tensor } from '../index.js';

class Net extends nn.Module {
  features = new nn.Sequential(new nn.Conv2d(1, 6, 5), new nn.ReLU(), new nn.MaxPool2d(2));
  bn = new nn.BatchNorm2d(6);
  up = new nn.ConvTranspose2d(6, 3, 2, { stride: 2, groups: 3, bias: false });
  drop = new nn.Dropout();
  fc = new nn.Linear(2352, 10);
  head = new nn.Linear(2352, 2);
  override forward(x: Tensor, withHead = false): Tensor {
    x = this.bn(this.features(x));
    x = this.drop(this.up(x).relu()).flatten(1);
    return withHead ? this.head(x) : this.fc(x);
  }
}

test('rows of calls with shapes, parameters and multiply-accumulates, and a table', () => {
  const net = new Net();
  net.head.requiresGrad_(false);
  const s = nn.summary(net, [2, 1, 32, 32]);
  expect(s.toString()).toMatchInlineSnapshot(`
    "Layer                      Output shape  Parameters     MACs
    ------------------------------------------------------------
    Net                        [2,10]
      features: Sequential     [2,6,14,14]
        features.0: Conv2d     [2,6,28,28]          156  235,200
        features.1: ReLU       [2,6,28,28]
        features.2: MaxPool2d  [2,6,14,14]
      bn: BatchNorm2d          [2,6,14,14]           12
      up: ConvTranspose2d      [2,3,28,28]           24    9,408
      drop: Dropout            [2,3,28,28]
      fc: Linear               [2,10]            23,530   47,040
      head: Linear             (not called)       4,706
    ------------------------------------------------------------
    Total                                        28,428  291,648
    23,722 trainable, 4,706 frozen"
  `);
  expect(s.totals.parameters).toBe(net.parameters().reduce((n, p) => n + p.numel(), 0));
  // 2 images × 6 × 28 × 28 outputs × 25 cells; 2 × 6 × 14 × 14 inputs × 4 cells × 1 channel; 2 × 10 outputs × 2352.
  expect(s.totals.macs).toBe(2 * 6 * 28 * 28 * 25 + 2 * 6 * 14 * 14 * 4 + 2 * 10 * 2352);
});

describe('a summary changes nothing', () => {
  test('nothing is computed, modes and running statistics stay, hooks are not called', async () => {
    const net = new Net();
    net.bn.eval();
    let called = 0;
    net.features.registerForwardHook(() => void called++);
    await flush();
    const before = stats(referenceDevice()).runs;
    nn.summary(net, [2, 1, 32, 32]);
    await flush();
    expect(stats(referenceDevice()).runs).toBe(before);
    expect(called).toBe(0);
    expect([net.training, net.features.at(0).training, net.bn.training]).toEqual([true, true, false]);
    expect(await net.bn.numBatchesTracked!.item()).toBe(0);
  });

  test('modes are restored after an error too', () => {
    const net = new Net();
    expect(() => nn.summary(net, [2, 3, 32, 32])).toThrow(/expected input with 1 channel /);
    expect(net.training).toBe(true);
  });

  test('work that waits on the parameters is not counted', () => {
    const layer = new nn.Linear(3, 3);
    layer.weight.assign(layer.weight.detach().matmul(layer.weight.detach()));
    expect(nn.summary(layer, [1, 3]).totals.macs).toBe(9);
    const x = randn([1, 3]).matmul(randn([3, 3]));
    expect(nn.summary(layer, x).totals.macs).toBe(9);
  });
});

test('operations outside of layers belong to the module that records them', () => {
  class Functional extends nn.Module {
    weight = new nn.Parameter(randn([4, 1, 3, 3]));
    fc = new nn.Linear(4, 2, { bias: false });
    override forward(x: Tensor): Tensor {
      const features = nn.functional.conv2d(x, this.weight).mean([2, 3]);
      return this.fc(features).matmul(randn([2, 2]));
    }
  }
  const { rows } = nn.summary(new Functional(), [1, 1, 4, 4]);
  expect(rows.map(({ name, macs, parameters }) => [name, macs, parameters])).toEqual([
    ['', 4 * 4 * 9 + 4, 36],
    ['fc', 8, 8],
  ]);
});

test('several inputs, several outputs, shared modules', () => {
  class Two extends nn.Module {
    fc = new nn.Linear(3, 2);
    override forward(a: Tensor, b: Tensor): { a: Tensor; b: Tensor } {
      return { a: this.fc(a), b: this.fc(b) };
    }
  }
  const { rows, totals } = nn.summary(new Two(), [[4, 3], tensor([[1, 2, 3]])]);
  expect(rows).toEqual([
    {
      name: '',
      className: 'Two',
      depth: 0,
      outputShape: [
        [4, 2],
        [1, 2],
      ],
      parameters: 0,
      macs: 0,
    },
    { name: 'fc', className: 'Linear', depth: 1, outputShape: [4, 2], parameters: 8, macs: 24 },
    { name: 'fc', className: 'Linear', depth: 1, outputShape: [1, 2], parameters: 0, macs: 6 },
  ]);
  expect(totals).toEqual({ parameters: 8, trainable: 8, macs: 30 });
});

test('misuse', () => {
  expect(() => nn.summary(new Net(), 32 as never)).toThrowErrorMatchingInlineSnapshot(
    `[TypeError: summary: expected the shape of the input, such as [1, 1, 32, 32], got number 32]`,
  );
  expect(() => nn.summary((() => 1) as never, [1])).toThrowErrorMatchingInlineSnapshot(
    `[TypeError: summary: expected a module, got function () => 1]`,
  );
});
