/**
 * What goes wrong is said, changes nothing that a user can see, and leaves nothing behind.
 */
import {
  BackendError,
  Cell,
  type Device,
  device,
  DeviceError,
  type DeviceBuffer,
  manualSeed,
  nn,
  noGrad,
  OutOfRangeError,
  type Program,
  randn,
  referenceDevice,
  stats,
  tensor,
} from '@fakkel/core';
import { createOnnxruntime } from '@fakkel/backend-onnxruntime';
import { SGD } from '@fakkel/optim';
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { countingDevice } from './counting-device.js';

beforeEach(() => void manualSeed(0));

const opened: Device[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((own) => own.dispose()));
});

async function open(options: Parameters<typeof createOnnxruntime>[0] = {}): Promise<Device> {
  const own = await device(createOnnxruntime(options));
  opened.push(own);
  return own;
}

/** A small classifier, with the running statistics and the momentum that a failed step must not change. */
function trainer(on: Device) {
  const net = new nn.Sequential(new nn.Linear(4, 8), new nn.BatchNorm1d(8), new nn.ReLU(), new nn.Linear(8, 3)).to(on);
  const optimizer = new SGD(net.parameters(), { lr: 0.1, momentum: 0.9 });
  const criterion = new nn.CrossEntropyLoss();
  const step = async (labels: readonly number[]): Promise<number> => {
    optimizer.zeroGrad();
    const x = randn([labels.length, 4]).to(on);
    // Computed: labels that core knows are looked at when the loss is recorded.
    const loss = criterion(net(x), tensor(labels, { dtype: 'int32', device: on }).mul(1));
    loss.backward();
    await optimizer.step();
    return loss.item();
  };
  const state = async (): Promise<unknown> => {
    const values: unknown[] = [];
    for (const [name, value] of net.stateDict()) values.push(name, await value.data());
    return values;
  };
  return { step, state };
}

describe('in the thread of the caller', () => {
  test('a session that can not be built: the error says so, no cell changes, and the next step builds it', async () => {
    const { device: on, sessions } = await countingDevice();
    const { step, state } = trainer(on);
    const before = await state();
    sessions.failBuild = new Error("Unrecognized attribute: axis for operator 'Foo'");
    await expect(step([0, 1, 2])).rejects.toThrowErrorMatchingInlineSnapshot(
      `[BackendError: compile: onnxruntime:cpu can't build a session: Unrecognized attribute: axis for operator 'Foo']`,
    );
    expect(await state()).toEqual(before);
    expect(await step([0, 1, 2])).toBeGreaterThan(0);
    expect(await state()).not.toEqual(before);
    await on.dispose();
    expect(sessions.live).toBe(0);
  });

  test('a session with constant weights that can not be built: the weights are fed on', async () => {
    const { device: on, sessions } = await countingDevice();
    const net = new nn.Linear(4, 2).to(on);
    const infer = (): Promise<unknown> => noGrad(() => net(tensor([[1, 2, 3, 4]], { device: on }))).data();
    const expected = await infer();
    await infer();
    sessions.failBuild = new Error('out of memory');
    for (let i = 0; i < 3; i++) expect(await infer()).toEqual(expected);
    await on.dispose();
  });

  test('a run that fails: no cell changes, no buffer stays, and the next step works', async () => {
    const { device: on, sessions } = await countingDevice();
    const { step, state } = trainer(on);
    await step([0, 1, 2]);
    await step([0, 1, 2]);
    const before = await state();
    const { liveBuffers, liveBytes } = stats(on).backend;
    for (let i = 0; i < 5; i++) {
      sessions.failRun = new Error('Non-zero status code returned while running Conv node.');
      await expect(step([0, 1, 2])).rejects.toThrow('Non-zero status code');
    }
    expect(await state()).toEqual(before);
    expect(stats(on).backend).toMatchObject({ liveBuffers, liveBytes });
    await step([0, 1, 2]);
    expect(await state()).not.toEqual(before);
    await on.dispose();
  });
});

describe.each([true, false])('worker: %j', (worker) => {
  test('a label out of range in a training step: an error, and nothing has happened', async () => {
    const on = await open({ worker });
    const { step, state } = trainer(on);
    await step([0, 1, 2]);
    await step([0, 1, 2]);
    const before = await state();
    const { liveBuffers } = stats(on).backend;
    for (let i = 0; i < 3; i++) {
      const error: unknown = await step([0, 7, 2]).catch((e: unknown) => e);
      expect(error).toBeInstanceOf(OutOfRangeError);
      expect((error as Error).message).toMatch(/^crossEntropy: .*label.* out of range for 3 classes/);
    }
    expect(await state()).toEqual(before);
    expect(stats(on).backend.liveBuffers).toBe(liveBuffers);
    expect(await step([0, 1, 2])).toBeGreaterThan(0);
    expect(await state()).not.toEqual(before);
  });

  test('two of them and reference train at once, each as it does alone', async () => {
    const train = async (on: Device, seed: number): Promise<number[]> => {
      // A generator for all: what is drawn is drawn before anything is awaited.
      manualSeed(seed);
      const net = new nn.Sequential(new nn.Linear(4, 8), new nn.Tanh(), new nn.Linear(8, 1)).to(on);
      const x = randn([16, 4]).to(on);
      const optimizer = new SGD(net.parameters(), { lr: 0.1, momentum: 0.9 });
      const losses: number[] = [];
      for (let i = 0; i < 10; i++) {
        optimizer.zeroGrad();
        const loss = net(x).square().mean();
        loss.backward();
        await optimizer.step();
        losses.push(await loss.item());
      }
      return losses;
    };
    const devices = [await open({ worker }), await open({ worker }), referenceDevice()];
    const alone: number[][] = [];
    for (const [seed, on] of devices.entries()) alone.push(await train(on, seed));
    const together = await Promise.all(devices.map((on, seed) => train(on, seed)));
    expect(together).toEqual(alone);
    // The same seed gives the same losses on both, to the bit, and reference's but for rounding.
    const [a, b, c] = await Promise.all(devices.map((on) => train(on, 5)));
    expect(a).toEqual(b);
    a.forEach((loss, i) => expect(Math.abs(loss / c[i] - 1)).toBeLessThan(1e-5));
  });

  test('tensors of two devices do not meet', async () => {
    const [a, b] = [await open({ worker }), await open({ worker })];
    const x = tensor([1, 2], { device: a });
    expect(() => x.add(tensor([1, 2], { device: b }))).toThrow(DeviceError);
    expect(() => x.add(tensor([1, 2]))).toThrow(DeviceError);
    const foreign = b.backend.upload(new Float32Array(2), { dtype: 'float32', shape: [2] });
    await expect(a.backend.download([foreign])).rejects.toThrow(/belongs to another backend/);
    b.backend.release(foreign);
  });

  test('dispose in the middle of a run: it ends, or says why not; afterwards everything says that it is disposed', async () => {
    const on = await device(createOnnxruntime({ worker }));
    const x = randn([64, 64]).to(on);
    const running = x.matmul(x).sum().item();
    await Promise.resolve(); // until the tick's run is scheduled
    await on.dispose();
    expect(await running).toEqual(expect.any(Number));
    await expect(x.exp().data()).rejects.toThrow(/disposed/);

    // Underneath core, where nobody waits for the run.
    const { backend } = await device(createOnnxruntime({ worker }));
    const aval = { dtype: 'float32', shape: [256, 256] } as const;
    const executable = await backend.compile(chain(aval.shape[0], 40));
    const run = executable.run([backend.upload(new Float32Array(256 * 256), aval)], [false]);
    const settled = run.then(
      (outputs: readonly DeviceBuffer[]) => outputs.length,
      (error: unknown) => error,
    );
    await backend.dispose();
    const outcome = await settled;
    if (outcome !== 1) expect(outcome).toBeInstanceOf(BackendError);
    await backend.dispose(); // again is nothing
  });
});

/** x, multiplied by itself again and again. */
function chain(size: number, length: number): Program {
  const aval = { dtype: 'float32', shape: [size, size] } as const;
  return {
    inputs: [{ aval, role: 'data' }],
    constants: [],
    nodes: Array.from({ length }, (_, i) => ({
      op: 'matmul' as const,
      attrs: {},
      inputs: [i, 0],
      outputs: [i + 1],
      avals: [aval],
      lastUses: [],
    })),
    outputs: [{ value: length }],
  };
}

describe('a worker that dies', () => {
  const workerOf = (on: Device): Worker => (on.backend as unknown as { worker: Worker }).worker;

  test.each<[string, (worker: Worker) => unknown, RegExp]>([
    ['is terminated', (worker) => worker.terminate(), /its worker thread ended with code 1\./],
    ['throws', (worker) => worker.postMessage(null), /its worker thread failed: /],
  ])('%s: pending reads reject, the device is lost, and a new one works', async (_, kill, message) => {
    const on = await device(createOnnxruntime());
    const cell = new Cell(tensor([1, 2], { device: on }));
    await cell.mul(2).data();
    // Idle: a thread that is ended inside ONNX Runtime takes the process with it.
    void kill(workerOf(on));
    const pending = [cell.mul(3).data(), cell.mul(4).data()].map((read) => read.catch((e: unknown) => e));
    for (const error of await Promise.all(pending)) {
      expect(error).toBeInstanceOf(BackendError);
      expect((error as Error).message).toMatch(message);
    }
    expect((await on.backend.lost).message).toMatch(message);
    await expect(cell.mul(5).data()).rejects.toThrow(/load the last checkpoint/);
    await on.dispose();

    const next = await open();
    expect(Array.from(await tensor([1, 2], { device: next }).mul(2).data())).toEqual([2, 4]);
  });
});

describe('a process', { timeout: 60_000 }, () => {
  const root = fileURLToPath(new URL('../../../', import.meta.url));
  const prelude = `
    import { device, randn } from '@fakkel/core';
    import { createOnnxruntime } from '@fakkel/backend-onnxruntime';
    const on = await device(createOnnxruntime({ worker: WORKER }));
    const long = () => {
      const w = randn([1200, 1200], { device: on });
      let x = w;
      for (let i = 0; i < 60; i++) x = x.matmul(w);
      return x.sum().item();
    };
    await randn([2, 2], { device: on }).exp().data();
  `;

  /** Runs a script; sends SIGINT when it has said 'now'. */
  function script(code: string, worker: boolean) {
    const child = spawn(
      process.execPath,
      [
        '--conditions=@fakkel/source',
        '--import',
        'tsx',
        '--input-type=module',
        '-e',
        prelude.replace('WORKER', String(worker)) + code,
      ],
      { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] },
    );
    return new Promise<{ out: string; code: number | null; signal: string | null; afterSignal: number }>((resolve) => {
      let out = '';
      let sent = NaN;
      child.stdout.on('data', (chunk) => {
        out += String(chunk);
        if (Number.isNaN(sent) && out.includes('now')) {
          // A while after the run has begun.
          setTimeout(() => child.kill('SIGINT'), 300);
          sent = performance.now() + 300;
        }
      });
      child.on('close', (exitCode, signal) =>
        resolve({ out, code: exitCode, signal, afterSignal: performance.now() - sent }),
      );
    });
  }

  test.each([true, false])('whose main has ended ends, with a device that is idle (worker: %j)', async (worker) => {
    expect(await script(`console.log('done');`, worker)).toMatchObject({ out: 'done\n', code: 0, signal: null });
  });

  test('that awaits a run does not end before it', async () => {
    const { out, code } = await script(`console.log(typeof (await long()));`, true);
    expect({ out, code }).toEqual({ out: 'number\n', code: 0 });
  });

  test.each([true, false])('that is interrupted in a run ends at once (worker: %j)', async (worker) => {
    const { out, signal, afterSignal } = await script(
      `const run = long(); setTimeout(() => undefined); console.log('now'); await run; console.log('finished');`,
      worker,
    );
    expect({ out, signal }).toEqual({ out: 'now\n', signal: 'SIGINT' });
    expect(afterSignal).toBeLessThan(2000);
  });

  test('that exits in a run ends with its own code when the run is over', async () => {
    const { out, code } = await script(
      `setTimeout(() => { console.log('exits'); process.exit(3); }, 200); await long(); console.log('finished');`,
      true,
    );
    expect({ out, code }).toEqual({ out: 'exits\n', code: 3 });
  });

  test('with a handler is told in the middle of a run, and the run ends as it would have', async () => {
    const { out, code } = await script(
      `let over = false;
       process.once('SIGINT', () => console.log(over ? 'late' : 'asked'));
       const run = long(); console.log('now'); await run; over = true; console.log('finished');`,
      true,
    );
    expect({ out, code }).toEqual({ out: 'now\nasked\nfinished\n', code: 0 });
  });
});
