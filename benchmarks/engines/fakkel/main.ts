/**
 * Fakkel as an engine of the benchmark: `node fakkel.ts onnxruntime`, or `reference`.
 */
import {
  type Backend,
  defineBackend,
  device,
  nn,
  noGrad,
  referenceBackend,
  setDefaultDevice,
  tensor,
  type Tensor,
} from '@fakkel/core';
import { SGD } from '@fakkel/optim';
import { availableParallelism } from 'node:os';
import { type Network, networkSpec } from '../../networks/index.js';
import type { Task } from '../protocol.js';
import type { HostTensor } from '../safetensors.js';
import { type HostBatch, type Loaded, serve } from '../serve.js';

/** Milliseconds in `run` until now. */
let runMs = 0;

/** The same backend, which counts the time of its runs. */
function timed(backend: Backend): Backend {
  const compile = backend.compile.bind(backend);
  backend.compile = async (program) => {
    const executable = await compile(program);
    const run = executable.run.bind(executable);
    executable.run = async (inputs, donated) => {
      const start = performance.now();
      try {
        return await run(inputs, donated);
      } finally {
        runMs += performance.now() - start;
      }
    };
    return executable;
  };
  return backend;
}

const name = process.argv[2];
const definition = name === 'reference' ? referenceBackend : (await import('@fakkel/backend-onnxruntime')).default;
setDefaultDevice(
  await device(defineBackend({ name, create: async (options) => timed(await definition.create(options)) })),
);

async function load({ network, phase, lr, momentum }: Task, weights: ReadonlyMap<string, HostTensor>): Promise<Loaded> {
  const net = networkSpec(network).make(0) as Network;
  net.loadStateDict(new Map([...weights].map(([key, { data, shape }]) => [key, tensor(data, { shape })])));
  const images = ({ x, shape }: HostBatch): Tensor => tensor(x, { shape });
  if (phase === 'infer') {
    net.eval();
    return {
      step: (batch) => noGrad(async () => (await net(images(batch)).data()) as Float32Array),
      runMs: () => runMs,
    };
  }
  net.train();
  const criterion = new nn.CrossEntropyLoss();
  const optimizer = new SGD(net.parameters(), { lr, momentum });
  return {
    async step(batch) {
      optimizer.zeroGrad();
      const loss = criterion(net(images(batch)), tensor(batch.y));
      loss.backward();
      await optimizer.step();
      return loss.item();
    },
    runMs: () => runMs,
  };
}

await serve({
  title: name === 'reference' ? 'Fakkel, reference backend' : 'Fakkel, ONNX Runtime backend',
  threads: name === 'reference' ? 1 : availableParallelism(),
  load,
});
