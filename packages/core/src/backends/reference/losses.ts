/**
 * Negative log-likelihood and cross-entropy of class indices, with PyTorch's weighting: the mean divides by the summed
 * weights of the targets that are not ignored (so it is NaN where all are).
 */
import type { TypedArray } from '../../dtype.js';
import { OutOfRangeError } from '../../errors.js';
import { type HostCall, type KernelTable, splitAt } from './kernel.js';

/** The loss of the target at `position`, whose class scores are `x[at + c·step]`, and the weight of that target. */
type PositionLoss = (at: number, step: number, classes: number, target: number) => number;

function classLoss(op: string, call: HostCall, weight: TypedArray | undefined, loss: PositionLoss): void {
  const { outer, size: classes, inner } = splitAt(call.inputAvals[0].shape, 1);
  const target = call.inputs[1];
  const ignore = call.inputs[3][0];
  const [y] = call.outputs;
  const reduction = call.attrs.reduction as 'mean' | 'sum' | 'none';
  let total = 0;
  let weights = 0;
  for (let n = 0; n < outer; n++) {
    for (let i = 0; i < inner; i++) {
      const position = n * inner + i;
      const label = target[position];
      let value = 0;
      if (label !== ignore) {
        if (label < 0 || label >= classes) {
          throw new OutOfRangeError(
            `${op}: label ${label} is out of range for ${classes} classes (expected 0 to ${classes - 1}, or ` +
              `ignoreIndex ${ignore})`,
          );
        }
        value = loss(n * classes * inner + i, inner, classes, label);
        weights += weight ? weight[label] : 1;
      }
      if (reduction === 'none') y[position] = value;
      else total += value;
    }
  }
  if (reduction === 'mean') y[0] = total / weights;
  else if (reduction === 'sum') y[0] = total;
}

function nllLoss(call: HostCall): void {
  const [x, , weight] = call.inputs;
  classLoss('nllLoss', call, weight, (at, step, _classes, label) => -x[at + label * step] * weight[label]);
}

/** (1 − ε) · nll + ε/C · Σ over classes of weight · −log p, where ε is the label smoothing. */
function crossEntropy(call: HostCall): void {
  const [x, , weights, , [smoothing]] = call.inputs;
  const weight = call.attrs.weighted ? weights : undefined;
  classLoss('crossEntropy', call, weight, (at, step, classes, label) => {
    let most = -Infinity;
    for (let c = 0; c < classes; c++) most = Math.max(most, x[at + c * step]);
    let total = 0;
    for (let c = 0; c < classes; c++) total += Math.exp(x[at + c * step] - most);
    const log = Math.log(total) + most;
    const nll = (log - x[at + label * step]) * (weight ? weight[label] : 1);
    if (smoothing === 0) return nll;
    let smooth = 0;
    for (let c = 0; c < classes; c++) smooth += (log - x[at + c * step]) * (weight ? weight[c] : 1);
    return (1 - smoothing) * nll + (smoothing / classes) * smooth;
  });
}

export const lossKernels: KernelTable = { nllLoss, crossEntropy };
