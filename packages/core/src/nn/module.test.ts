import { inspect } from 'node:util';
import { beforeEach, describe, expect, test } from 'vitest';
import { Buffer, manualSeed, nn, ones, Parameter, randn, stats, tensor, zeros, type Tensor } from '../index.js';

beforeEach(() => void manualSeed(0));

class Block extends nn.Module {
  conv = new nn.Conv2d(1, 2, 3);
  bn = new nn.BatchNorm2d(2);
  override forward(x: Tensor): Tensor {
    return this.bn(this.conv(x)).relu();
  }
}

/** Fields in an order that differs from PyTorch's state order. */
class Net extends nn.Module {
  block = new Block();
  scale = new Parameter(ones([1]));
  seen = new Buffer(zeros([1]));
  head = new nn.Linear(2, 3);
  override forward(x: Tensor, shift = 0): Tensor {
    return this.head(this.block(x).mean([2, 3]).mul(this.scale).add(shift));
  }
}

describe('the tree', () => {
  test('state order is PyTorch’s: own parameters, own buffers, then children', () => {
    expect([...new Net().stateDict().keys()]).toEqual([
      'scale',
      'seen',
      'block.conv.weight',
      'block.conv.bias',
      'block.bn.weight',
      'block.bn.bias',
      'block.bn.running_mean',
      'block.bn.running_var',
      'block.bn.num_batches_tracked',
      'head.weight',
      'head.bias',
    ]);
  });

  test('modules by dotted name, children, and lookups that fail with what there is', () => {
    const net = new Net();
    expect(net.namedModules().map(([name]) => name)).toEqual(['', 'block', 'block.conv', 'block.bn', 'head']);
    expect(net.namedChildren().map(([name]) => name)).toEqual(['block', 'head']);
    expect(net.children()).toEqual([net.block, net.head]);
    expect(net.modules()).toHaveLength(5);
    expect(net.getSubmodule('block.bn')).toBe(net.block.bn);
    expect(net.getParameter('head.bias')).toBe(net.head.bias);
    expect(() => net.getSubmodule('blok')).toThrowErrorMatchingInlineSnapshot(
      `[FakkelError: getSubmodule: no module 'blok' in Net. There are: (itself), block, block.conv, block.bn, head]`,
    );
    expect(() => net.getParameter('head.wieght')).toThrowErrorMatchingInlineSnapshot(
      `[FakkelError: getParameter: no parameter 'head.wieght' in Net]`,
    );
  });

  test('a parameter or module that is used twice comes once', () => {
    class Tied extends nn.Module {
      a = new nn.Linear(2, 2);
      b = this.a;
      weight = this.a.weight;
      override forward(x: Tensor): Tensor {
        return this.b(this.a(x)).mul(this.weight.sum());
      }
    }
    const tied = new Tied();
    expect(tied.namedParameters().map(([name]) => name)).toEqual(['weight', 'a.bias']);
    expect(tied.modules()).toHaveLength(2);
    expect(tied.parameters()).toHaveLength(2);
  });

  test('arrays and plain objects of modules are no children, as in PyTorch: ModuleList and ModuleDict are', () => {
    class Wrong extends nn.Module {
      layers = [new nn.Linear(1, 1)];
    }
    expect(new Wrong().parameters()).toHaveLength(0);
  });

  test('apply visits children before their parent', () => {
    const seen: string[] = [];
    new Net().apply((module) => seen.push(module.constructor.name));
    expect(seen).toEqual(['Conv2d', 'BatchNorm2d', 'Block', 'Linear', 'Net']);
  });
});

describe('modes', () => {
  test('train and eval reach every module', () => {
    const net = new Net().eval();
    expect(net.modules().every((m) => !m.training)).toBe(true);
    net.block.train();
    expect([net.training, net.block.bn.training, net.head.training]).toEqual([false, true, false]);
  });

  test('requiresGrad_ freezes and thaws', () => {
    const net = new Net();
    net.block.requiresGrad_(false);
    net(randn([2, 1, 4, 4]))
      .sum()
      .backward();
    expect(net.block.conv.weight.grad).toBeNull();
    expect(net.head.weight.grad).not.toBeNull();
    net.zeroGrad();
    expect(net.head.weight.grad).toBeNull();
  });
});

describe('calling', () => {
  test('a module is a function with the arguments of forward', async () => {
    const net = new Net().eval();
    const x = randn([1, 1, 4, 4]);
    expect(typeof net).toBe('function');
    expect(net(x).shape).toEqual([1, 3]);
    expect(await net(x, 1).toArray()).not.toEqual(await net(x).toArray());
  });

  test('a module without forward says what to write', () => {
    class Empty extends nn.Module {}
    expect(() => new Empty()() as unknown).toThrowErrorMatchingInlineSnapshot(
      `[FakkelError: Empty: write forward(…), it says what the module computes]`,
    );
  });

  test('hooks run in order, see visible values, replace arguments and outputs, and can be taken away', async () => {
    const layer = new nn.Identity();
    const order: string[] = [];
    const first = layer.registerForwardPreHook((_, [x]) => {
      order.push('pre');
      return [(x as Tensor).mul(2)];
    });
    const second = layer.registerForwardHook((_, [x], y) => {
      order.push('post');
      expect(x).toBe(y);
      return (y as Tensor).add(1);
    });
    expect(await layer(tensor([1, 2])).toArray()).toEqual([3, 5]);
    expect(order).toEqual(['pre', 'post']);
    first.remove();
    second.remove();
    expect(await layer(tensor([1, 2])).toArray()).toEqual([1, 2]);
  });

  test('backward hooks: gradients of outputs and inputs, and a replaced input gradient', async () => {
    const layer = new nn.Linear(2, 1, { bias: false });
    const x = tensor([[1, 2]], { requiresGrad: true });
    const seen: (Tensor | null)[][] = [];
    layer.registerFullBackwardHook((_, gradInputs, gradOutputs) => {
      seen.push(gradInputs, gradOutputs);
      return [gradInputs[0]!.mul(10)];
    });
    layer(x).mul(3).sum().backward();
    expect(await seen[1][0]!.toArray()).toEqual([[3]]);
    const weight = await layer.weight.data();
    const expected = Array.from(weight, (w) => Math.fround(w * 3) * 10);
    expect((await x.grad!.data()).every((v, i) => Math.abs(v - expected[i]) < 1e-5)).toBe(true);
  });

  test('a backward hook of a module that returns an object sees the gradients of its tensors', async () => {
    class Heads extends nn.Module {
      override forward(x: Tensor): { readonly main: Tensor; readonly classes: number; readonly aux: Tensor } {
        return { main: x.mul(2), classes: 10, aux: x.mul(3) };
      }
    }
    const heads = new Heads();
    const seen: (Tensor | null)[][] = [];
    heads.registerFullBackwardHook((_, gradInputs, gradOutputs) => void seen.push(gradInputs, gradOutputs));
    const x = tensor([1], { requiresGrad: true });
    const { main, classes, aux } = heads(x);
    expect(classes).toBe(10);
    main.add(aux.mul(0.3)).sum().backward();
    expect(seen).toHaveLength(2);
    const [inputs, outputs] = await Promise.all(seen.map((list) => Promise.all(list.map((g) => g!.item()))));
    expect(inputs[0]).toBeCloseTo(2.9, 6);
    expect(outputs).toEqual([1, Math.fround(0.3)]);
  });

  test('a backward hook of a module with several inputs is called once, with all gradients', async () => {
    class Product extends nn.Module {
      override forward(a: Tensor, scale: Tensor, b: Tensor): Tensor {
        return a.mul(b).mul(scale);
      }
    }
    const product = new Product();
    const calls: unknown[] = [];
    product.registerFullBackwardHook((_, gradInputs, gradOutputs) => {
      calls.push([gradInputs.map((g) => g !== null), gradOutputs.length]);
      return [null, null, gradInputs[2]!.mul(100)];
    });
    const [a, b] = [tensor([2], { requiresGrad: true }), tensor([3], { requiresGrad: true })];
    const run = (): void =>
      product(a, tensor([5]), b)
        .sum()
        .backward();
    run();
    expect(calls).toEqual([[[true, false, true], 1]]);
    expect([await a.grad!.item(), await b.grad!.item()]).toEqual([15, 1000]);
    const { compiles } = stats();
    run();
    await a.grad!.data();
    expect(stats().compiles - compiles).toBeLessThanOrEqual(1);
  });
});

describe('clone', () => {
  test('has the values, the mode and the sharing of its source, and is independent of it', async () => {
    const net = new Net().eval();
    const copy = net.clone();
    const x = randn([2, 1, 4, 4]);
    expect(copy).toBeInstanceOf(Net);
    expect(copy.training).toBe(false);
    expect(await copy(x).toArray()).toEqual(await net(x).toArray());
    net.head.weight.assign(zeros([3, 2]));
    net.block.bn.runningMean!.assign(ones([2]));
    expect(await copy(x).toArray()).not.toEqual(await net(x).toArray());
    expect(copy.block.bn.numBatchesTracked!.savedDtype).toBe('int64');
    expect(copy.parameters().every((p, i) => p !== net.parameters()[i])).toBe(true);
  });

  test('draws no random numbers', async () => {
    const net = new Net();
    manualSeed(7);
    const expected = await randn([3]).toArray();
    manualSeed(7);
    net.clone();
    expect(await randn([3]).toArray()).toEqual(expected);
  });
});

test('console.log(net) prints what PyTorch prints', () => {
  expect(inspect(new Net())).toBe(`Net(
  (block): Block(
    (conv): Conv2d(1, 2, kernel_size=(3, 3), stride=(1, 1))
    (bn): BatchNorm2d(2, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)
  )
  (head): Linear(in_features=2, out_features=3, bias=True)
)`);
  expect(inspect({ x: tensor([1, 2]) })).toBe('{ x: tensor([1., 2.]) }');
});

test('a module is moved to a device, not to a name or a dtype', () => {
  const net = new nn.Linear(2, 3);
  expect(() => net.to('float64' as never)).toThrowErrorMatchingInlineSnapshot(
    `[TypeError: Module.to: expected a device, got string float64. Write net.to(await device('cuda')); a layer has its dtype from the beginning: new nn.Linear(2, 3, { dtype: 'float64' }).]`,
  );
});
