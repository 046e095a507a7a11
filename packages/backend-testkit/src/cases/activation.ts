/**
 * Adapters of activation functions.
 */
import * as fk from '@fakkel/core';
import { adapter, type Adapter } from './adapter.js';

const unary = (run: (x: fk.Tensor) => fk.Tensor): Adapter => adapter(([x]) => run(x));

export const activationAdapters: Readonly<Record<string, Adapter>> = {
  leakyRelu: adapter<{ negativeSlope?: number }>(([x], { negativeSlope }) => x.leakyRelu(negativeSlope)),
  prelu: adapter(([x, weight]) => x.prelu(weight)),
  rrelu: adapter<{ lower?: number; upper?: number }>(([x], { lower, upper }) => x.rrelu(lower, upper)),
  relu6: unary(fk.relu6),
  threshold: adapter<{ threshold?: number; value?: number }>(([x], { threshold = 0.25, value = -2 }) =>
    x.threshold(threshold, value),
  ),
  maxout: adapter<{ pieces: number; dim?: number }>(([x], { pieces, dim }) => x.maxout(pieces, dim)),

  elu: adapter<{ alpha?: number }>(([x], { alpha }) => x.elu(alpha)),
  selu: unary(fk.selu),
  celu: adapter<{ alpha?: number }>(([x], { alpha }) => x.celu(alpha)),
  softplus: adapter<{ beta?: number; threshold?: number }>(([x], { beta, threshold }) => x.softplus(beta, threshold)),

  gelu: unary((x) => x.gelu()),
  geluTanh: unary((x) => x.gelu({ approximate: 'tanh' })),
  silu: unary(fk.silu),
  mish: unary(fk.mish),
  hardswish: unary(fk.hardswish),
  glu: adapter<{ dim?: number }>(([x], { dim }) => x.glu(dim)),

  logsigmoid: unary(fk.logsigmoid),
  hardsigmoid: unary(fk.hardsigmoid),
  scaledTanh: adapter<{ amplitude?: number; slope?: number }>(([x], { amplitude, slope }) =>
    x.scaledTanh(amplitude, slope),
  ),
  hardtanh: adapter<{ minVal?: number; maxVal?: number }>(([x], { minVal, maxVal }) => x.hardtanh(minVal, maxVal)),
  softsign: unary(fk.softsign),

  hardshrink: adapter<{ lambda?: number }>(([x], { lambda }) => x.hardshrink(lambda)),
  softshrink: adapter<{ lambda?: number }>(([x], { lambda }) => x.softshrink(lambda)),
  tanhshrink: unary(fk.tanhshrink),

  softmin: adapter<{ dim: number }>(([x], { dim }) => x.softmin(dim)),
};
