/**
 * What programs are lowered to, for every provider, before ONNX's own checker: types, shapes and attributes.
 */
import { type Target } from '@fakkel/onnx/lowering';
import {
  Device,
  manualSeed,
  nn,
  noGrad,
  randint,
  randn,
  referenceDevice,
  setDefaultDevice,
  type Tensor,
} from '@fakkel/core';
import { lenet5 } from '@fakkel/models';
import { checkModel, encodeModel, type OnnxModel } from '@fakkel/onnx';
import { Adam, SGD } from '@fakkel/optim';
import { afterAll, describe, expect, test } from 'vitest';
import { checkerNote, checkModels, hasChecker } from '../../../test/onnx-checker.js';
import { OrtBackend } from '../src/backend.js';
import { createNodeEngine } from '../src/engines/node.js';
import { ResNet20 } from './resnet20.js';

/** A step of each kind of network and optimizer, and their inference; the models that were made for it. */
async function modelsFor(target: Target): Promise<OnnxModel[]> {
  const engine = await createNodeEngine();
  const models: OnnxModel[] = [];
  const backend = new OrtBackend({
    ...engine,
    target,
    createSession: (model) => {
      models.push(model);
      return engine.createSession(model);
    },
  });
  const device = new Device('watched', backend);
  setDefaultDevice(device);
  manualSeed(0);
  const nets = [
    { net: lenet5(), image: [1, 32, 32], make: SGD },
    { net: new ResNet20(), image: [3, 16, 16], make: Adam },
    { net: new nn.Sequential(new nn.Conv2d(3, 4, 3), new nn.Dropout(), new nn.Flatten()), image: [3, 5, 5], make: SGD },
  ];
  for (const { net, image, make } of nets) {
    const forward = net as nn.Module & ((x: Tensor) => Tensor);
    const optimizer = new make(net.parameters(), { lr: 0.01 });
    const [x, y] = [randn([4, ...image]), randint(0, 10, [4])];
    new nn.CrossEntropyLoss()(forward(x), y).backward();
    await optimizer.step();
    net.eval();
    for (let run = 0; run < 3; run++) await noGrad(() => forward(x)).data();
  }
  await backend.dispose();
  return models;
}

describe.each<Target>([
  { provider: 'cpu', blockSize: 16 },
  { provider: 'wasm', blockSize: 1 },
  { provider: 'cuda', blockSize: 1 },
  { provider: 'webgpu', blockSize: 1 },
])('for $provider, blocks of $blockSize', (target) => {
  let models: OnnxModel[] = [];
  test('names, order and types hold', async () => {
    const { target: own } = await createNodeEngine();
    // Sessions are made on this machine's CPU: in its own blocks, where it has any.
    models = await modelsFor(target.blockSize > 1 ? { ...target, blockSize: own.blockSize } : target);
    expect(models.length).toBeGreaterThanOrEqual(6);
    for (const model of models) checkModel(model);
  });

  test.skipIf(!hasChecker)(`onnx.checker accepts them${checkerNote}`, async () => {
    expect((await checkModels(models.map((model) => encodeModel(model)))).filter(Boolean)).toEqual([]);
  });
});

afterAll(() => setDefaultDevice(referenceDevice()));
