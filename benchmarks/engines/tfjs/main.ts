/**
 * TensorFlow.js on its wasm backend as an engine of the benchmark.
 */
import * as tf from '@tensorflow/tfjs';
import { getThreadsCount, setThreadsCount, version_wasm } from '@tensorflow/tfjs-backend-wasm';
import { availableParallelism } from 'node:os';
import type { Task } from '../protocol.js';
import type { HostTensor } from '../safetensors.js';
import { CannotError, type HostBatch, type Loaded, serve } from '../serve.js';
import { Layers, toWeights } from './layers.js';
import { NETWORKS } from './networks.js';

setThreadsCount(availableParallelism());
await tf.setBackend('wasm');

/** Images come as all engines get them, channels first; TensorFlow.js's pools take them last only. */
function images({ x, shape }: HostBatch): tf.Tensor4D {
  const [batch, channels, height, width] = shape;
  return tf.transpose(tf.tensor4d(x, [batch, channels, height, width]), [0, 2, 3, 1]);
}

async function load({ network, phase, lr, momentum }: Task, state: ReadonlyMap<string, HostTensor>): Promise<Loaded> {
  const forward = NETWORKS[network];
  const layers = new Layers(toWeights(state), phase === 'train');
  if (phase === 'infer') {
    return {
      async step(batch) {
        const logits = tf.tidy(() => forward(layers, images(batch)));
        const data = await logits.data();
        logits.dispose();
        return data as Float32Array;
      },
    };
  }
  const optimizer = tf.train.momentum(lr, momentum);
  return {
    async step(batch) {
      const loss = tf.tidy(() =>
        orCannot(() =>
          optimizer.minimize(() => {
            const logits = forward(layers, images(batch));
            const labels = tf.oneHot(tf.tensor1d(batch.y, 'int32'), logits.shape[1]);
            return tf.losses.softmaxCrossEntropy(labels, logits).asScalar();
          }, true)!,
        ),
      );
      const [value] = await loss.data();
      loss.dispose();
      return value;
    },
  };
}

/** As shipped, the wasm backend has no gradient of a convolution's weight: said, not counted as a fault. */
function orCannot<T>(fn: () => T): T {
  try {
    return fn();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const missing = /Kernel '(\w+)' not registered/.exec(message);
    if (missing) throw new CannotError(`cannot train: it has no kernel ${missing[1]}`);
    throw error;
  }
}

await serve({ title: `TensorFlow.js ${version_wasm}, wasm`, threads: threads(), load });

function threads(): number {
  try {
    return getThreadsCount();
  } catch {
    return 1; // the build without threads does not say
  }
}
