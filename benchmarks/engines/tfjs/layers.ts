/**
 * Layers over a state dict of PyTorch, in TensorFlow.js's functional style and layout (NHWC).
 */
import * as tf from '@tensorflow/tfjs';
import type { HostTensor } from '../safetensors.js';

/** Parameters by their PyTorch name, in TensorFlow.js's layout. */
export type Weights = ReadonlyMap<string, tf.Tensor>;

/** Kernels OIHW → HWIO, matrices transposed; counters are left out. */
export function toWeights(state: ReadonlyMap<string, HostTensor>): Weights {
  const weights = new Map<string, tf.Tensor>();
  for (const [name, { data, shape }] of state) {
    if (!(data instanceof Float32Array)) continue;
    const converted = tf.tidy(() => {
      const t = tf.tensor(data, [...shape]);
      if (shape.length === 4) return tf.transpose(t, [2, 3, 1, 0]);
      return shape.length === 2 ? tf.transpose(t) : t;
    });
    weights.set(name, /running_/.test(name) ? converted : tf.variable(converted));
  }
  return weights;
}

export interface ConvOptions {
  readonly stride?: number;
  readonly padding?: number;
}

/** The layers of one network, which find their parameters by name. */
export class Layers {
  constructor(
    private readonly weights: Weights,
    readonly training: boolean,
  ) {}

  has(name: string): boolean {
    return this.weights.has(`${name}.weight`);
  }

  conv(x: tf.Tensor4D, name: string, { stride = 1, padding = 0 }: ConvOptions = {}): tf.Tensor4D {
    const bias = this.weights.get(`${name}.bias`);
    const y = tf.conv2d(x, this.get(`${name}.weight`) as tf.Tensor4D, stride, padding);
    return bias ? tf.add(y, bias) : y;
  }

  batchNorm(x: tf.Tensor4D, name: string, epsilon = 1e-5): tf.Tensor4D {
    const moments = this.training
      ? tf.moments(x, [0, 1, 2])
      : { mean: this.get(`${name}.running_mean`), variance: this.get(`${name}.running_var`) };
    return tf.batchNorm4d(
      x,
      moments.mean as tf.Tensor1D,
      moments.variance as tf.Tensor1D,
      this.get(`${name}.bias`) as tf.Tensor1D,
      this.get(`${name}.weight`) as tf.Tensor1D,
      epsilon,
    );
  }

  linear(x: tf.Tensor2D, name: string): tf.Tensor2D {
    return tf.add(tf.matMul(x, this.get(`${name}.weight`) as tf.Tensor2D), this.get(`${name}.bias`));
  }

  private get(name: string): tf.Tensor {
    const weight = this.weights.get(name);
    if (!weight) throw new Error(`no weight is named ${name}`);
    return weight;
  }
}

/** PyTorch's `ceil_mode` where windows run over the bottom and right edges only is what TensorFlow calls 'same'. */
export const maxPool = (x: tf.Tensor4D, size: number, stride: number, padding: number | 'same' = 0): tf.Tensor4D =>
  tf.maxPool(x, size, stride, padding);

/** To `[N, features]` in PyTorch's order: channels first. */
export const flatten = (x: tf.Tensor4D): tf.Tensor2D => tf.reshape(tf.transpose(x, [0, 3, 1, 2]), [x.shape[0], -1]);

export const globalAverage = (x: tf.Tensor4D): tf.Tensor2D => tf.mean(x, [1, 2]);
