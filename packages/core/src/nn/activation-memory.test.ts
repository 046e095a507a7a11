/**
 * The memory that a summary counts is the memory that the reference backend measures: what a forward run keeps for the
 * backward pass in training, and the peak of a run in inference.
 */
import { describe, expect, test } from 'vitest';
import { referenceBackend } from '../backends/reference/index.js';
import { cat, evaluate, manualSeed, memory, nn, noGrad, randn, type Tensor } from '../index.js';
import { Device } from '../runtime/device.js';

class Residual extends nn.Module {
  conv = new nn.Conv2d(4, 4, 3, { padding: 1, bias: false });
  bn = new nn.BatchNorm2d(4);
  override forward(x: Tensor): Tensor {
    return this.bn(this.conv(x)).add(x).relu();
  }
}

class Branches extends nn.Module {
  a = new nn.Conv2d(3, 4, 1);
  b = new nn.Conv2d(3, 6, 3, { padding: 1 });
  fc = new nn.Linear(10, 3);
  override forward(x: Tensor): { main: Tensor; sum: Tensor } {
    const [a, b] = [this.a(x).relu(), this.b(x).tanh()];
    const joined = cat([a, b], 1);
    return { main: this.fc(joined.mean([2, 3])), sum: joined.sum() };
  }
}

interface Case {
  make: () => nn.Module;
  shape: number[];
  /** Bytes of its output that its last rule reads: they are a result already, and not kept again. */
  result?: number;
  /** Bytes of number operands, which enter a program as inputs: an eps a layer, alpha and k. */
  scalars?: number;
}

const NETS: Record<string, Case> = {
  perceptron: {
    make: () => new nn.Sequential(new nn.Linear(20, 30), new nn.ReLU(), new nn.Linear(30, 10), new nn.Sigmoid()),
    shape: [5, 20],
    result: 5 * 10 * 4,
  },
  'convolutions with biases, pooling, dropout': {
    make: () =>
      new nn.Sequential(
        new nn.Conv2d(1, 6, 5),
        new nn.ReLU(),
        new nn.MaxPool2d(2),
        new nn.Conv2d(6, 16, 5, { groups: 2 }),
        new nn.Tanh(),
        new nn.AvgPool2d(2),
        new nn.Flatten(),
        new nn.Dropout(0.5),
        new nn.Linear(256, 10),
      ),
    shape: [3, 1, 28, 28],
  },
  'batch normalization and residual additions': {
    make: () =>
      new nn.Sequential(
        new nn.Conv2d(3, 4, 3),
        new Residual(),
        new Residual(),
        new nn.AdaptiveAvgPool2d(1),
        new nn.Flatten(),
        new nn.Linear(4, 2),
      ),
    shape: [2, 3, 10, 10],
    scalars: 8,
  },
  'branches that are joined, and two outputs': { make: () => new Branches(), shape: [2, 3, 8, 8] },
  'local response normalization': {
    make: () =>
      new nn.Sequential(new nn.Conv2d(3, 8, 3), new nn.ReLU(), new nn.LocalResponseNorm(5), new nn.Conv2d(8, 2, 3)),
    shape: [1, 3, 9, 9],
    scalars: 8,
  },
  frozen: {
    make: () => {
      const net = new nn.Sequential(new nn.Conv2d(1, 4, 3), new nn.Tanh(), new nn.Flatten(), new nn.Linear(144, 3));
      net.at(0).requiresGrad_(false);
      return net;
    },
    shape: [2, 1, 8, 8],
  },
};

const tensorsOf = (output: unknown): Tensor[] =>
  output instanceof Object && !('shape' in output) ? Object.values(output) : [output as Tensor];

describe.each(Object.entries(NETS))('%s', (_, { make, shape, result = 0, scalars = 0 }) => {
  const setUp = async () => {
    const backend = await referenceBackend.create({});
    const device = new Device('measured', backend);
    manualSeed(0);
    const net = make().to(device);
    const x = randn(shape).to(device);
    const { activations } = nn.summary(net, shape).totals;
    const call = (): Tensor[] => tensorsOf((net as (x: Tensor) => unknown)(x));
    return { backend, device, net, call, activations };
  };

  test('training: what a run before backward keeps', async () => {
    const { device, net, call, activations } = await setUp();
    net.train();
    const outputs = call();
    await evaluate(...outputs);
    expect(activations.training).toBeGreaterThan(0);
    expect(memory(device).bytes.activation).toBe(activations.training! - result);
  });

  test('inference: the peak of a run', async () => {
    const { backend, device, net, call, activations } = await setUp();
    net.eval();
    await evaluate(...noGrad(call));
    const { peakBytes, liveBytes } = backend.stats();
    // Parameters and buffers stay on the device; the input comes and goes with the run.
    const { bytes } = memory(device);
    expect(liveBytes).toBe(bytes.parameter + bytes.buffer);
    const input = 4 * shape.reduce((n, size) => n * size);
    expect(peakBytes - liveBytes - input - scalars).toBe(activations.inference);
  });
});
