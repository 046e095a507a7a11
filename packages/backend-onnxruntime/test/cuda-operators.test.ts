/**
 * The graphs that are for CUDA, without a GPU: every node of them has a kernel there, and on the CPU they give what the
 * reference backend gives.
 */
import { defineBackendTests, expectClose } from '@fakkel/backend-testkit';
import {
  type CompileHints,
  Device,
  type Executable,
  manualSeed,
  nn,
  type Program,
  randint,
  randn,
  referenceDevice,
  setDefaultDevice,
  type Tensor,
} from '@fakkel/core';
import { lenet5 } from '@fakkel/models';
import { SGD, trainSteps } from '@fakkel/optim';
import { afterAll, describe, expect, test } from 'vitest';
import { OrtBackend } from '../src/backend.js';
import { createNodeEngine } from '../src/engines/node.js';
import { rules } from '../src/lowering/rules.js';
import { cudaProblems } from './cuda-table.js';
import { ResNet20 } from './resnet20.js';

const lowered = new Set<string>();

/** What is lowered for CUDA, checked against the table, and run on the CPU. */
class CudaForms extends OrtBackend {
  static async open(): Promise<CudaForms> {
    const engine = await createNodeEngine();
    return new CudaForms({
      ...engine,
      name: 'the forms for CUDA on the CPU',
      target: { provider: 'cuda', blockSize: 1 },
      createSession: (model) => {
        const problems = cudaProblems(model);
        if (problems.length > 0) throw new Error(`not for CUDA: ${problems.join('; ')}`);
        return engine.createSession(model);
      },
    });
  }

  override compile(program: Program, hints?: CompileHints): Promise<Executable> {
    for (const { op } of program.nodes) lowered.add(op);
    return super.compile(program, hints);
  }
}

describe('conformance', () => {
  defineBackendTests({ create: () => CudaForms.open() });
  test('every rule was lowered', () => {
    expect(Object.keys(rules).filter((op) => !lowered.has(op))).toEqual([]);
  });
});

interface Network {
  readonly name: string;
  readonly build: () => nn.Module;
  readonly image: readonly number[];
}

const networks: readonly Network[] = [
  { name: 'LeNet-5', build: lenet5, image: [1, 32, 32] },
  { name: 'ResNet-20', build: () => new ResNet20(), image: [3, 16, 16] },
];

/** The losses of two steps in a run each and of two in one run, and the logits behind them. */
async function train({ build, image }: Network, device: Device): Promise<number[]> {
  setDefaultDevice(device);
  manualSeed(0);
  const net = build() as nn.Module & ((x: Tensor) => Tensor);
  const optimizer = new SGD(net.parameters(), { lr: 0.01, momentum: 0.9, weightDecay: 1e-4 });
  const criterion = new nn.CrossEntropyLoss();
  const batches = [0, 1, 2, 3].map(() => ({ x: randn([4, ...image]), y: randint(0, 10, [4]) }));
  const lossOf = ({ x, y }: (typeof batches)[0]): Tensor => criterion(net(x), y);
  const losses: Tensor[] = [];
  for (const chunk of [batches.slice(0, 1), batches.slice(1, 2), batches.slice(2)]) {
    losses.push(...(await trainSteps(optimizer, chunk, lossOf)));
  }
  const numbers = (await Promise.all(losses.map((loss) => loss.item()))).map(Number);
  net.eval();
  // The third run is the first one with constant weights.
  for (let run = 0; run < 3; run++) numbers.push(...Array.from(await net(batches[0].x).data(), Number));
  return numbers;
}

describe('training steps and inference', () => {
  afterAll(() => setDefaultDevice(referenceDevice()));

  test.each(networks)('$name', { timeout: 120_000 }, async (network) => {
    const backend = await CudaForms.open();
    const device = new Device(backend.name, backend);
    const got = await train(network, device);
    const expected = await train(network, referenceDevice());
    expectClose(network.name, got, expected, [got.length], { relative: 1e-4, absolute: 1e-5 });
    await device.dispose();
  });
});
