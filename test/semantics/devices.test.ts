/** Devices: order of runs, moves between them, loss, running out of memory. */
import {
  BackendError,
  BackendUnavailableError,
  Cell,
  device,
  flush,
  getDefaultDevice,
  manualSeed,
  nn,
  noGrad,
  ones,
  Parameter,
  randn,
  setDefaultDevice,
  stats,
  tensor,
  type Backend,
} from '@fakkel/core';
import { SGD } from '@fakkel/optim';
import { afterEach, beforeEach, expect, test, onTestFinished, vi } from 'vitest';
import { cost, freshDevice, TwoLayerNet } from './helpers.js';

const standard = getDefaultDevice();
beforeEach(() => void manualSeed(0));
afterEach(() => setDefaultDevice(standard));

test('runs execute in the order of their calls, each on the versions as of its call, awaited or not', async () => {
  const cell = new Cell(tensor([1]));
  const reads: Promise<number>[] = [];
  for (let i = 0; i < 5; i++) {
    reads.push(cell.mul(10).item());
    cell.assign(cell.add(1));
  }
  expect(await Promise.all(reads)).toEqual([10, 20, 30, 40, 50]);
  expect(await cell.item()).toBe(6);
});

test('steps that nobody awaits run in order too', async () => {
  const train = async (wait: boolean): Promise<unknown> => {
    manualSeed(3);
    const net = new TwoLayerNet();
    const optimizer = new SGD(net.parameters(), { lr: 0.1, momentum: 0.9 });
    let last: Promise<void> = Promise.resolve();
    for (let i = 0; i < 4; i++) {
      optimizer.zeroGrad();
      net(randn([2, 4]))
        .square()
        .mean()
        .backward();
      last = optimizer.step();
      if (wait) await last;
    }
    await last;
    return net.fc1.weight.toArray();
  };
  expect(await train(false)).toEqual(await train(true));
});

test('steps that nobody awaits in one tick share a run', async () => {
  const net = new TwoLayerNet();
  const optimizer = new SGD(net.parameters(), { lr: 0.1 });
  const { runs } = await cost(async () => {
    const steps: Promise<void>[] = [];
    for (let i = 0; i < 3; i++) {
      optimizer.zeroGrad();
      net(ones([2, 4]))
        .square()
        .mean()
        .backward();
      steps.push(optimizer.step());
    }
    await Promise.all(steps);
  });
  expect(runs).toBe(1);
});

test('batch norm: the running statistics are part of the step', async () => {
  const net = new nn.Sequential(
    new nn.Conv2d(1, 2, 3),
    new nn.BatchNorm2d(2),
    new nn.Flatten(),
    new nn.Linear(2 * 6 * 6, 2),
  );
  const optimizer = new SGD(net.parameters(), { lr: 0.1 });
  const step = async (): Promise<void> => {
    optimizer.zeroGrad();
    net(randn([4, 1, 8, 8]))
      .square()
      .mean()
      .backward();
    await optimizer.step();
  };
  await step();
  const { runs, compiles, kernels } = await cost(step);
  expect({ runs, compiles, batchNorm: kernels['batchNorm'] }).toEqual({ runs: 1, compiles: 0, batchNorm: 1 });
  const count = net.stateDict().get('1.num_batches_tracked')!;
  expect(await count.item()).toBe(2);
});

test('a model and its data on another device', async () => {
  const other = await freshDevice();
  const net = new TwoLayerNet();
  const expected = await noGrad(() => net(ones([1, 4]))).toArray();
  net.to(other);
  expect(net.fc1.weight.device).toBe(other);
  expect(await noGrad(() => net(ones([1, 4], { device: other }))).toArray()).toEqual(expected);
  const optimizer = new SGD(net.parameters(), { lr: 0.1 });
  net(ones([1, 4]).to(other))
    .sum()
    .backward();
  await optimizer.step();
  expect(stats(other).runs).toBeGreaterThan(1);
});

test('a model that moves between backward and step takes its gradients along', async () => {
  const other = await freshDevice();
  const [weight] = [new Parameter(tensor([1, 2]))];
  const optimizer = new SGD([weight], { lr: 0.5 });
  weight.square().sum().backward();
  weight._moveTo(other);
  expect(await weight.grad!.toArray()).toEqual([2, 4]);
  await optimizer.step();
  expect(await weight.toArray()).toEqual([0, 0]);
  expect(weight.device).toBe(other);
});

test('gradients flow through a move', async () => {
  const other = await freshDevice();
  const x = tensor([1, 2], { requiresGrad: true });
  x.mul(3).to(other).square().sum().backward();
  expect(await x.grad!.toArray()).toEqual([18, 36]);
  expect(x.grad!.device).toBe(standard);
});

test('two devices train at once and keep apart', async () => {
  const devices = [await freshDevice(), await freshDevice()];
  const losses = await Promise.all(
    devices.map(async (home) => {
      manualSeed(0);
      const net = new TwoLayerNet().to(home);
      const optimizer = new SGD(net.parameters(), { lr: 0.1 });
      const x = ones([2, 4], { device: home });
      let loss = 0;
      for (let i = 0; i < 5; i++) {
        optimizer.zeroGrad();
        const l = net(x).square().mean();
        l.backward();
        await optimizer.step();
        loss = await l.item();
      }
      return loss;
    }),
  );
  expect(losses[0]).toBe(losses[1]);
});

test('dropout draws from its own generator: the mask is not the one of rand, and rand goes on as if it were not there', async () => {
  const draw = async (dropout: boolean): Promise<unknown> => {
    manualSeed(5);
    if (dropout) await nn.functional.dropout(ones([100]), 0.5).data();
    return randn([4]).toArray();
  };
  expect(await draw(true)).toEqual(await draw(false));
});

test('dropout: the same mask on every device, another one at each call, and the gradient sees the same mask', async () => {
  const other = await freshDevice();
  const mask = async (home = standard): Promise<number[]> => {
    manualSeed(5);
    return Array.from(await nn.functional.dropout(ones([64], { device: home }), 0.5).data());
  };
  expect(await mask(other)).toEqual(await mask());
  manualSeed(5);
  const x = ones([64], { requiresGrad: true });
  const a = nn.functional.dropout(x, 0.5);
  const b = nn.functional.dropout(x, 0.5);
  expect(await a.toArray()).not.toEqual(await b.toArray());
  a.sum().backward();
  expect(await x.grad!.toArray()).toEqual(await a.toArray());
});

/** A reference backend with one method replaced. */
const replacing = (method: keyof Backend, replacement: unknown) => (backend: Backend) =>
  new Proxy(backend, {
    get(target, name): unknown {
      if (name === method) return replacement;
      const value = Reflect.get(target, name) as unknown;
      return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(target) : value;
    },
  });

test('an allocation that fails is explained by what is on the device', async () => {
  const full = await freshDevice((backend) => {
    let calls = 0;
    return replacing('upload', (...args: Parameters<Backend['upload']>) => {
      if (++calls > 2) throw new Error('out of memory: can not allocate 16 bytes');
      return backend.upload(...args);
    })(backend);
  });
  const weight = new Cell(ones([8], { device: full }), { role: 'parameter', name: 'w' });
  await weight.mul(2).data();
  await expect(weight.mul(tensor([1, 2, 3, 4, 5, 6, 7, 8], { device: full })).data()).rejects
    .toThrowErrorMatchingInlineSnapshot(`
    [BackendError: fresh: out of memory: can not allocate 16 bytes
    on the device: 1 buffers, 32 bytes
      parameter       1 buffers           32 bytes]
  `);
});

test('a device that is lost says so from then on', async () => {
  let lose!: (error: Error) => void;
  const lost = new Promise<Error>((resolve) => (lose = resolve));
  const fragile = await freshDevice(replacing('lost', lost));
  const x = ones([2], { device: fragile });
  await x.add(1).data();
  lose(new BackendError('fragile: the device was removed'));
  await flush();
  await expect(x.add(2).data()).rejects.toThrow('the device was removed');
});

test('device(): the reference backend serves cpu where nothing faster is installed; what is missing says how to install it', async () => {
  // An application elsewhere, with nothing installed.
  const main = process.argv[1];
  onTestFinished(() => {
    process.argv[1] = main;
    vi.restoreAllMocks();
  });
  process.argv[1] = '/nowhere/main.js';
  vi.spyOn(process, 'cwd').mockReturnValue('/nowhere');
  expect((await device('cpu')).backend.name).toBe('reference');
  expect(await device('reference')).toBe(standard);
  await expect(device('onnxruntime:cuda')).rejects.toThrow(BackendUnavailableError);
  await expect(device('nothere')).rejects.toThrowErrorMatchingInlineSnapshot(
    `[BackendUnavailableError: backend 'nothere' is not installed: run \`npm install fakkel-backend-nothere\`]`,
  );
  await expect(device('cuda')).rejects.toThrowErrorMatchingInlineSnapshot(`
    [BackendUnavailableError: device('cuda'): no installed engine serves it.
    backend 'onnxruntime' is not installed: run \`npm install @fakkel/backend-onnxruntime\`]
  `);
});
