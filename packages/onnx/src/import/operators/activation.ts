/**
 * Activations.
 */
import { nn, type Tensor, where } from '@fakkel/core';
import { OnnxError } from '../../errors.js';
import type { Call, Operator, OperatorTable } from '../call.js';
import { axisOf } from '../values.js';

const of =
  (fn: (x: Tensor, call: Call) => Tensor): Operator =>
  (call) =>
    fn(call.tensor(0), call);

/** Version 1 to 12: over everything from `axis` (1) on, as one axis. Since 13: along `axis` (−1). */
const alongAxis = (fn: (x: Tensor, dim: number) => Tensor): Operator =>
  of((x, call) => {
    if (call.opset >= 13) return fn(x, call.axis(-1, x.ndim));
    const axis = call.int('axis', 1);
    const from = axis === x.ndim ? axis : axisOf(axis, x.ndim);
    if (from === x.ndim - 1) return fn(x, from);
    const rows = x.shape.slice(0, from).reduce((product, size) => product * size, 1);
    return fn(x.reshape([rows, x.numel() / Math.max(rows, 1)]), 1).reshape(x.shape);
  });

/** 1 at the first of the largest elements. */
function hardmax(x: Tensor, dim: number): Tensor {
  const positions = x.argmax(dim, true);
  return x.mul(0).scatter(dim, positions, 1);
}

export const activation: OperatorTable = {
  Relu: of((x) => x.relu()),
  LeakyRelu: of((x, call) => x.leakyRelu(call.float('alpha', 0.01))),
  PRelu: of((x, call) => where(x.lt(0), x.mul(call.tensor(1)), x)),
  ThresholdedRelu: of((x, call) => x.threshold(call.float('alpha', 1), 0)),
  Elu: of((x, call) => x.elu(call.float('alpha', 1))),
  Selu: of((x, call) => x.elu(call.float('alpha', 1.6732632)).mul(call.float('gamma', 1.0507009))),
  Celu: of((x, call) => x.celu(call.float('alpha', 1))),
  Gelu: of((x, call) => {
    const approximate = call.string('approximate', 'none');
    if (approximate !== 'none' && approximate !== 'tanh') {
      throw new OnnxError(`attribute 'approximate' is 'none' or 'tanh', got '${approximate}'.`);
    }
    return x.gelu({ approximate });
  }),
  Sigmoid: of((x) => x.sigmoid()),
  HardSigmoid: of((x, call) => x.mul(call.float('alpha', 0.2)).add(call.float('beta', 0.5)).clamp(0, 1)),
  HardSwish: of((x) => x.hardswish()),
  Mish: of((x) => x.mish()),
  Tanh: of((x) => x.tanh()),
  Softplus: of((x) => x.softplus()),
  Softsign: of((x) => x.softsign()),
  Shrink: of((x, call) => {
    const [lambd, bias] = [call.float('lambd', 0.5), call.float('bias', 0)];
    return where(x.lt(-lambd), x.add(bias), where(x.gt(lambd), x.sub(bias), x.mul(0)));
  }),
  Softmax: alongAxis((x, dim) => x.softmax(dim)),
  LogSoftmax: alongAxis((x, dim) => x.logSoftmax(dim)),
  Hardmax: alongAxis(hardmax),
  /** The module's mode rules, not the file's: versions 7 to 11 have no mode, later ones an input for it. */
  Dropout: (call) => {
    const x = call.tensor(0);
    const p = call.opset < 12 ? call.float('ratio', 0.5) : call.has(1) ? call.number(1, 'ratio') : 0.5;
    if (!call.wants(1)) return nn.functional.dropout(x, p, call.training);
    const scale = nn.functional.dropout(x.detach().mul(0).add(1), p, call.training);
    return [x.mul(scale), call.opset < 10 ? scale.ne(0).to(x.dtype) : scale.ne(0)];
  },
};
