/**
 * Normalization layers.
 */
import { Buffer, Cell, nn, type Tensor } from '@fakkel/core';
import { OnnxError } from '../../errors.js';
import { type Call, decimal, type OperatorTable } from '../call.js';
import type { Value } from '../values.js';

const F = nn.functional;

/**
 * With running statistics that are buffers, the module's mode rules: in training they move as PyTorch's do (unbiased
 * variance, `1 − momentum` is PyTorch's momentum). Statistics that the graph computes are taken as ONNX has it.
 */
function batchNorm(call: Call): readonly (Value | undefined)[] {
  const [x, weight, bias, mean, variance] = [0, 1, 2, 3, 4].map((i) => call.tensor(i));
  const eps = call.float('epsilon', 1e-5);
  const momentum = decimal(Math.fround(1 - call.float('momentum', 0.9)));
  if (call.opset < 9 && call.int('spatial', 1) === 0) {
    throw new OnnxError(`attribute 'spatial' is 0, a mean for each position, which is not supported.`);
  }
  const batched = x.ndim === 1 ? x.reshape([x.numel(), 1]) : x;
  if (mean instanceof Buffer && variance instanceof Buffer) {
    const y = F.batchNorm(batched, mean, variance, weight, bias, { eps, momentum, training: call.training });
    const counter = call.around.counter(call.node.inputs[3]);
    if (call.training && counter instanceof Cell) counter.assign(counter.add(1));
    return [y.reshape(x.shape), mean, variance];
  }
  if (!call.flag('training_mode')) {
    return [F.batchNorm(batched, mean, variance, weight, bias, { eps }).reshape(x.shape)];
  }
  const axes = [...batched.shape.keys()].filter((axis) => axis !== 1);
  const batchMean = batched.mean(axes);
  const batchVariance = batched.sub(batched.mean(axes, true)).square().mean(axes);
  return [
    F.batchNorm(batched, null, null, weight, bias, { eps, training: true }).reshape(x.shape),
    mean.mul(1 - momentum).add(batchMean.mul(momentum)),
    variance.mul(1 - momentum).add(batchVariance.mul(momentum)),
  ];
}

/** Over all axes from `axis` on. */
function layerNorm(call: Call): readonly (Value | undefined)[] {
  const x = call.tensor(0);
  const axis = call.axis(-1, x.ndim);
  const shape = x.shape.slice(axis);
  const eps = call.float('epsilon', 1e-5);
  const [weight, bias] = [call.tensor(1), call.optional(2)].map((t) => t && t.expand(shape));
  const y = F.layerNorm(x, shape, weight, bias, { eps });
  if (!call.wants(1) && !call.wants(2)) return [y];
  const axes = shape.map((_, i) => axis + i);
  const mean = x.mean(axes, true);
  return [y, mean, x.sub(mean).square().mean(axes, true).add(eps).rsqrt()];
}

/** Scale and bias: one for each group up to version 20, one for each channel since 21. */
function groupNorm(call: Call): Tensor {
  const [x, weight, bias] = [call.tensor(0), call.tensor(1), call.tensor(2)];
  const groups = call.int('num_groups', 1);
  const perChannel = [weight, bias].map((t) =>
    call.opset < 21
      ? t
          .reshape([groups, 1])
          .expand([groups, x.shape[1] / groups])
          .reshape([x.shape[1]])
      : t,
  );
  return F.groupNorm(x, groups, perChannel[0], perChannel[1], { eps: call.float('epsilon', 1e-5) });
}

/** The window of an even size has the odd channel after; core's, as PyTorch's, before. */
function localResponseNorm(call: Call): Tensor {
  const x = call.tensor(0);
  const size = call.int('size');
  if (size === undefined) throw new OnnxError(`attribute 'size' is missing.`);
  const options = { alpha: call.float('alpha', 1e-4), beta: call.float('beta', 0.75), k: call.float('bias', 1) };
  const isEven = size % 2 === 0;
  const y = F.localResponseNorm(isEven ? x.flip(1) : x, size, options);
  return isEven ? y.flip(1) : y;
}

export const normalization: OperatorTable = {
  BatchNormalization: batchNorm,
  InstanceNormalization: (call) => {
    const [x, weight, bias] = [call.tensor(0), call.tensor(1), call.tensor(2)];
    return F.instanceNorm(x, null, null, weight, bias, { eps: call.float('epsilon', 1e-5) });
  },
  LayerNormalization: layerNorm,
  GroupNormalization: groupNorm,
  LRN: localResponseNorm,
  LpNormalization: (call) => {
    const x = call.tensor(0);
    return x.div(x.norm(call.int('p', 2), call.axis(-1, x.ndim), true));
  },
  MeanVarianceNormalization: (call) => {
    const x = call.tensor(0);
    const axes = call.ints('axes') ?? [0, 2, 3];
    const centered = x.sub(x.mean(axes, true));
    return centered.div(centered.square().mean(axes, true).sqrt().add(1e-9));
  },
};
