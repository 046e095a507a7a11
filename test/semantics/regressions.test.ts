/** What adversarial programs once broke: each test is a bug that was, by the promise that it broke. */
import {
  cat,
  Cell,
  checkNumerics,
  evaluate,
  flush,
  memory,
  nn,
  ones,
  Parameter,
  setMemoryBudget,
  StaleTensorError,
  stats,
  tensor,
  zeros,
  type Backend,
  type Device,
  type Tensor,
} from '@fakkel/core';
import { SGD } from '@fakkel/optim';
import { afterEach, describe, expect, test } from 'vitest';
import { freshDevice } from './helpers.js';

afterEach(() => checkNumerics(false));

/** A device whose next runs or downloads fail on demand. `failRuns(1, 3)`: the first and third from now. */
async function faulty(): Promise<{
  device: Device;
  failRuns: (...which: number[]) => void;
  failDownload: () => void;
}> {
  let runs = 0;
  let failing: number[] = [];
  let download = false;
  const device = await freshDevice((backend): Backend => {
    const wrapped: Partial<Backend> = {
      compile: async (program) => {
        const executable = await backend.compile(program);
        return {
          dispose: () => executable.dispose(),
          run: async (inputs, donated) => {
            if (failing.includes(++runs)) throw new Error('the device hiccuped');
            return executable.run(inputs, donated);
          },
        };
      },
      download: async (buffers) => {
        const broken = download;
        download = false;
        if (broken) throw new Error('the bus is busy');
        return backend.download(buffers);
      },
    };
    return new Proxy(backend, {
      get: (target, name) => Reflect.get(name in wrapped ? wrapped : target, name) as unknown,
    });
  });
  return {
    device,
    failRuns: (...which) => void (failing = which.map((n) => runs + n)),
    failDownload: () => void (download = true),
  };
}

/** Lets the requests of this tick become a run that is queued and not executed yet. */
async function scheduled(): Promise<void> {
  for (let i = 0; i < 2; i++) await Promise.resolve();
}

/** Records as library code does: nothing that `fn` makes is visible. */
function hidden(fn: () => void): void {
  class Hidden extends nn.Module {
    forward(): void {
      fn();
    }
  }
  new Hidden()();
}

/** At rest every buffer of the backend is in `memory()`, and no cell has two. */
async function expectNoLeak(device: Device, cells: number): Promise<void> {
  await flush(device);
  expect(memory(device).totalBuffers).toBe(stats(device).backend.liveBuffers);
  expect(memory(device).buffers.state).toBeLessThanOrEqual(cells);
}

describe('a failed run changes no cell', () => {
  test('also when more runs on its value are queued behind it', async () => {
    const { device, failRuns } = await faulty();
    const cell = new Cell(tensor([1], { device }));
    await cell.add(0).data();
    failRuns(1);
    const reads: Promise<unknown>[] = [];
    for (let i = 0; i < 4; i++) {
      cell.assign(cell.add(1));
      reads.push(cell.data().catch((error: unknown) => error));
      await scheduled();
    }
    for (const error of await Promise.all(reads)) expect(error).toBeInstanceOf(Error);
    expect(await cell.item()).toBe(1);
    cell.assign(cell.add(1));
    expect(await cell.item()).toBe(2);
    await expectNoLeak(device, 1);
  });

  test('and a good write queued behind it frees what the failed one would have replaced', async () => {
    const { device, failRuns } = await faulty();
    const cell = new Cell(tensor([1], { device }));
    cell.assign(cell.add(1));
    await cell.data();
    failRuns(1);
    cell.assign(cell.add(1));
    const failing = cell.data().catch(() => 'failed');
    await scheduled();
    cell.assign(tensor([5], { device }).mul(2));
    expect(await cell.item()).toBe(10);
    expect(await failing).toBe('failed');
    cell.assign(cell.add(1));
    expect(await cell.item()).toBe(11);
    await expectNoLeak(device, 1);
  });

  test('and neither does a swap while the failing run is queued', async () => {
    const { device, failRuns } = await faulty();
    const cell = new Cell(tensor([1], { device }));
    cell.assign(cell.add(1));
    await cell.data();
    failRuns(1);
    cell.assign(cell.add(1));
    const failing = cell.data().catch(() => 'failed');
    await scheduled();
    cell.assign(tensor([7], { device }));
    expect(await failing).toBe('failed');
    expect(await cell.add(0).item()).toBe(7);
    await expectNoLeak(device, 1);
  });

  test('nor one whose value was assigned while it was in flight', async () => {
    const { device, failRuns } = await faulty();
    const cell = new Cell(tensor([1], { device }));
    cell.assign(cell.add(1));
    await cell.data();
    failRuns(1);
    const value = tensor([1, 2, 3], { device }).sum().reshape([1]);
    const reading = value.data();
    await scheduled();
    cell.assign(value);
    await expect(reading).rejects.toThrow('hiccuped');
    expect(await cell.item()).toBe(2);
  });

  test('a download that fails is told to those who read; the run has succeeded', async () => {
    const { device, failDownload } = await faulty();
    const cell = new Cell(tensor([1], { device }));
    hidden(() => cell.assign(cell.add(1)));
    await flush(device);
    const shared = cell.mul(3);
    hidden(() => cell.assign(shared.add(1)));
    failDownload();
    const write = cell.mul(1);
    const [read, step] = await Promise.allSettled([shared.data(), evaluate(write)]);
    expect([read.status, step.status]).toEqual(['rejected', 'fulfilled']);
    expect(await cell.item()).toBe(7);
    expect(await shared.item()).toBe(6);
    await expectNoLeak(device, 1);
  });
});

describe('what is in flight', () => {
  test('a cell is moved while its write is queued', async () => {
    const a = await freshDevice();
    const b = await freshDevice();
    const cell = new Parameter(tensor([1], { device: a }));
    cell.assign(cell.add(1));
    cell._moveTo(b);
    expect(await cell.item()).toBe(2);
    cell.assign(cell.add(1));
    const reading = cell.data();
    await scheduled();
    cell._moveTo(a);
    expect((await reading)[0]).toBe(3);
    expect(await cell.item()).toBe(3);
    await expectNoLeak(a, 1);
    await expectNoLeak(b, 1);
  });

  test('a snapshot of a queued write outlives the swap that replaces it', async () => {
    const device = await freshDevice();
    const cell = new Cell(tensor([1], { device }));
    cell.assign(cell.add(1));
    const reading = cell.mul(2).data();
    await scheduled();
    const snapshot = cell.detach();
    cell.assign(tensor([7], { device }));
    expect((await reading)[0]).toBe(4);
    expect([await snapshot.item(), await cell.item()]).toEqual([2, 7]);
    await expectNoLeak(device, 1);
  });

  test('a cell is disposed of while its write is queued', async () => {
    const device = await freshDevice();
    const cell = new Cell(tensor([1], { device }));
    cell.assign(cell.add(1));
    const reading = cell.data();
    await scheduled();
    cell.dispose();
    expect((await reading)[0]).toBe(2);
    await flush(device);
    expect(stats(device).backend.liveBuffers).toBe(0);
  });

  test('more programs are queued than the cache keeps', async () => {
    const device = await freshDevice();
    const reads: Promise<number>[] = [];
    for (let i = 1; i <= 200; i++) {
      reads.push(ones([i], { device }).exp().sum().item());
      await Promise.resolve();
    }
    const sums = await Promise.all(reads);
    sums.forEach((sum, i) => expect(sum).toBeCloseTo((i + 1) * Math.E, 2));
    expect(stats(device).cachedPrograms).toBe(64);
  });

  test('the checking mode is switched while a run is on its way', async () => {
    for (let ticks = 0; ticks < 12; ticks++) {
      const device = await freshDevice();
      const cell = new Cell(tensor([1], { device }));
      for (const [i, on] of [true, false].entries()) {
        checkNumerics(on);
        hidden(() => cell.assign(cell.add(1)));
        const reading = cell.data();
        for (let k = 0; k < ticks; k++) await Promise.resolve();
        checkNumerics(!on);
        expect((await reading)[0]).toBe(2 + i);
      }
      await expectNoLeak(device, 1);
    }
  });
});

test('two cells are swapped, and a cell is given itself', async () => {
  const device = await freshDevice();
  const a = new Cell(tensor([1], { device }));
  const b = new Cell(tensor([2], { device }));
  const values = async (): Promise<number[]> => [await a.item(), await b.item()];
  for (const write of [(c: Cell) => c.assign(c.add(10)), (c: Cell) => hidden(() => c.assign(c.add(10)))]) {
    write(a);
    write(b);
    let before = await values();
    const old = [a.detach(), b.detach()];
    a.assign(old[1]);
    b.assign(old[0]);
    expect(await values()).toEqual(before.reverse());
    before = await values();
    write(a);
    write(b);
    const pending = a.detach();
    a.assign(b);
    b.assign(pending);
    expect(await values()).toEqual(before.map((v) => v + 10).reverse());
    a.assign(a);
    b.assign(b.add(0));
    b.assign(b);
    expect(await values()).toEqual(before.map((v) => v + 10).reverse());
  }
  await expectNoLeak(device, 2);
});

test('a large pending write that is superseded stays in its snapshot', async () => {
  const device = await freshDevice();
  const weight = new Cell(ones([600, 600], { device }));
  const cell = new Cell(ones([600, 600], { device }));
  hidden(() => weight.assign(weight.add(1)));
  await flush(device);
  const value = weight.add(1);
  value.sum();
  cell.assign(value);
  const snapshot = cell.detach();
  cell.assign(zeros([600, 600], { device }));
  hidden(() => weight.assign(weight.mul(0)));
  await flush(device);
  expect((await snapshot.data())[0]).toBe(3);
});

test('a stale value that nobody reads takes no write with it', async () => {
  const device = await freshDevice();
  const weight = new Cell(ones([600, 600], { device }));
  const cell = new Cell(tensor([1], { device }));
  const move = async (): Promise<void> => {
    hidden(() => weight.assign(weight.add(1)));
    await flush(device);
  };
  await move();
  const large = weight.mul(2);
  await large.sum().item();
  await move();
  const stale = large.sum();
  cell.assign(cell.add(1));
  await flush(device);
  expect(await cell.item()).toBe(2);
  await expect(stale.item()).rejects.toThrow(StaleTensorError);
  const again = large.sum();
  cell.assign(cell.add(1));
  await expect(evaluate(again, cell.mul(1))).rejects.toThrow(StaleTensorError);
  expect(await cell.item()).toBe(3);
});

test('a hook on a parameter is called for every version of it', async () => {
  const weight = new Parameter(tensor([1]));
  let calls = 0;
  const handle = weight.registerHook(() => void calls++);
  const optimizer = new SGD([weight], { lr: 0.1 });
  const step = async (): Promise<void> => {
    optimizer.zeroGrad();
    weight.sum().backward();
    await optimizer.step();
  };
  for (let i = 0; i < 3; i++) await step();
  expect(calls).toBe(3);
  handle.remove();
  await step();
  expect(calls).toBe(3);
});

test('a parameter beside tensors of another device is an error, not a lost gradient', async () => {
  const device = await freshDevice();
  const scale = new Parameter(tensor(2));
  expect(() => ones([3], { device }).mul(scale)).toThrowErrorMatchingInlineSnapshot(
    `[DeviceError: mul: all tensors must be on one device, got float32[3] on fresh, float32[] on reference. Move them with x.to(device).]`,
  );
});

test('infinite exponents are told apart', async () => {
  const x = tensor([0.5, 2]);
  expect(await x.pow(Infinity).toArray()).toEqual([0, Infinity]);
  expect(await x.pow(-Infinity).toArray()).toEqual([Infinity, 0]);
  expect(await x.pow(NaN).toArray()).toEqual([NaN, NaN]);
});

test('tensors without elements among others', async () => {
  const x = tensor([1, 2, 3]);
  expect(await cat([zeros([0]), x.mul(2)]).toArray()).toEqual([2, 4, 6]);
  expect(
    await tensor([[true], [true]])
      .sum(1)
      .toArray(),
  ).toEqual([1, 1]);
});

test('a forward pass on a write that runs with it can be differentiated afterwards', async () => {
  const device = await freshDevice();
  const weight = new Parameter(tensor([3], { device }));
  weight.assign(weight.mul(2));
  const loss = weight.square().sum();
  expect(await loss.item()).toBe(36);
  loss.backward();
  expect(await weight.grad!.item()).toBe(12);
});

test('so can one after a step that nobody awaits', async () => {
  const weight = new Parameter(tensor([3]));
  const optimizer = new SGD([weight], { lr: 0.5 });
  weight.square().sum().backward();
  void optimizer.step();
  optimizer.zeroGrad();
  const loss = weight.add(1).square().sum();
  expect(await loss.item()).toBe(1);
  loss.backward();
  expect(await weight.grad!.item()).toBe(2);
});

test('gradients that a loader flushes between micro-batches are gone with the step', async () => {
  const device = await freshDevice();
  const weight = new Parameter(tensor([3], { device }));
  const optimizer = new SGD([weight], { lr: 0.1 });
  for (let i = 0; i < 5; i++) {
    optimizer.zeroGrad();
    for (let micro = 0; micro < 2; micro++) {
      weight.square().sum().backward();
      if (micro === 0) await flush(device);
    }
    await optimizer.step();
    expect(memory(device).buffers.gradient).toBe(0);
  }
  expect(stats(device).backend.liveBuffers).toBe(memory(device).totalBuffers);
});

test('gradients since the last step add up, also where zeroGrad() was forgotten', async () => {
  const weight = new Parameter(tensor([3]));
  const optimizer = new SGD([weight], { lr: 0.1 });
  weight.sum().backward();
  await optimizer.step();
  weight.sum().backward();
  weight.mul(2).sum().backward();
  expect(await weight.grad!.item()).toBe(3);
});

test('a value recorded on a hidden one that was not kept runs before the cell behind it moves on', async () => {
  const device = await freshDevice();
  const cell = new Cell(tensor([1], { device }));
  for (const needed of [true, false]) {
    let inner = tensor([0], { device });
    hidden(() => void (inner = cell.mul(10)));
    if (needed) await inner.add(1).data();
    else await cell.mul(3).data();
    const outer = inner.add(2);
    cell.assign(tensor([5], { device }));
    expect(await outer.item()).toBe(needed ? 12 : 52);
  }
});

describe('a large value that the budget pushed out', () => {
  const large = [100, 100];

  test('is computed again from a snapshot, whatever became of the cell', async () => {
    const device = await freshDevice();
    setMemoryBudget(0, device);
    const cell = new Cell(ones(large, { device }));
    hidden(() => cell.assign(cell.add(1)));
    const snapshot = cell.clone();
    const value = snapshot.mul(3);
    await value.data();
    hidden(() => cell.assign(cell.mul(0)));
    await flush(device);
    expect((await value.data())[0]).toBe(6);
  });

  test('is there for a write that reads it when the cell behind it moves on', async () => {
    const device = await freshDevice();
    const weight = new Cell(ones(large, { device }));
    const cell = new Cell(ones(large, { device }));
    hidden(() => weight.assign(weight.add(1)));
    await flush(device);
    const value = weight.mul(3);
    await value.data();
    hidden(() => cell.assign(value.add(1)));
    setMemoryBudget(0, device);
    await tensor([1], { device }).expand(large).mul(2).data();
    hidden(() => weight.assign(weight.mul(0)));
    await flush(device);
    expect((await cell.data())[0]).toBe(7);
  });
});

test('a step whose group holds a stale value is made, and uses its gradient', async () => {
  const device = await freshDevice();
  const other = new Cell(ones([600, 600], { device }));
  const weight = new Parameter(tensor([3], { device }));
  const optimizer = new SGD([weight], { lr: 0.5 });
  hidden(() => other.assign(other.add(1)));
  await flush(device);
  const large = other.mul(2);
  await large.sum().item();
  hidden(() => other.assign(other.mul(0)));
  await flush(device);
  weight.square().sum().backward();
  await weight.grad!.data();
  const stale = large.sum().add(weight.grad!.sum());
  await optimizer.step();
  expect(await weight.item()).toBe(0);
  await expect(stale.item()).rejects.toThrow(StaleTensorError);
});

test('a value recorded on an activation is not computed from a weight that a queued step takes', async () => {
  const device = await freshDevice();
  const weight = new Parameter(tensor([3], { device }));
  const optimizer = new SGD([weight], { lr: 0.5 });
  let inner = tensor([0], { device });
  hidden(() => void (inner = weight.square()));
  const outer = inner.mul(inner).sum();
  await outer.item(); // keeps `inner` for a backward to come
  weight.sum().backward();
  const later = inner.add(1);
  void optimizer.step();
  weight.assign(weight.sub(1));
  await flush(device);
  expect(await later.item()).toBe(10);
  expect(await weight.item()).toBe(1.5);
});

test('a superseded write is not made, also when its value was computed before and dropped', async () => {
  const device = await freshDevice();
  setMemoryBudget(0, device);
  const large = [100, 100];
  const weight = new Cell(ones(large, { device }));
  const value = weight.add(1);
  const reader = value.mul(weight);
  await value.data();
  weight.assign(value);
  await reader.data();
  weight.assign(ones(large, { device }).sub(weight));
  await flush(device);
  expect((await weight.data())[0]).toBe(-1);
  await expectNoLeak(device, 1);
});

test('what the outermost module returns in a class of its own, or in a set, is visible', async () => {
  class Output {
    constructor(
      readonly logits: Tensor,
      readonly more: ReadonlySet<Tensor>,
    ) {}
  }
  class Net extends nn.Module {
    weight = new Parameter(ones([2]));
    forward(): Output {
      return new Output(this.weight.mul(3), new Set([this.weight.mul(5)]));
    }
  }
  const net = new Net();
  const optimizer = new SGD(net.parameters(), { lr: 1 });
  const { logits, more } = net();
  logits.sum().backward();
  await optimizer.step();
  expect(await logits.toArray()).toEqual([3, 3]);
  for (const value of more) expect(await value.toArray()).toEqual([5, 5]);
});
