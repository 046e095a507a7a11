/**
 * Class indices as targets: their checks, and those of class weights.
 */
import { AutogradError, DTypeError, OutOfRangeError, ShapeError } from '../../errors.js';
import { checkTensor, describe } from '../../graph/record.js';
import { isTensor, type Tensor } from '../../graph/tensor.js';
import { formatAval, sameShape, sizeOf } from '../../shape.js';
import { checkFloat } from '../common.js';

/** Throws unless both are tensors, and the scores floats with an axis of classes. */
export function checkScores(op: string, x: Tensor, target: Tensor): void {
  checkTensor(op, x);
  checkTensor(op, target);
  checkFloat(op, [x]);
  if (x.ndim === 0) throw new ShapeError(`${op}: expected scores [N, C, …] or [C], got ${formatAval(x)}`);
}

/** Checks scores [N, C, …] or [C], and labels [N, …] or []; both come back as a batch. `ignoreIndex` null: there is none. */
export function checkLabels(
  op: string,
  x: Tensor,
  target: Tensor,
  options: { readonly weight?: Tensor | null; readonly ignoreIndex?: number | null },
): [Tensor, Tensor] {
  if (target.dtype !== 'int32') {
    throw new DTypeError(
      `${op}: expected class indices, int32 of shape [N] or [N, …], got ${formatAval(target)} for ${formatAval(x)}. ` +
        `Make labels with tensor([…], { dtype: 'int32' }), or convert them with target.to('int32').`,
    );
  }
  const expected = x.ndim === 1 ? [] : [x.shape[0], ...x.shape.slice(2)];
  if (!sameShape(target.shape, expected)) {
    const remedy =
      sizeOf(target.shape) === sizeOf(expected)
        ? `Use target.reshape([${expected.join(', ')}]).`
        : sameShape(target.shape, x.shape)
          ? `For one-hot targets: target.argmax(1), or class probabilities with target.to('${x.dtype}').`
          : 'Scores are [N, C, …] with classes in axis 1, labels [N, …].';
    throw new ShapeError(
      `${op}: expected a target int32[${expected.join(',')}] for ${formatAval(x)}, got ${formatAval(target)}. ${remedy}`,
    );
  }
  checkWeight(op, x, options.weight);
  checkRange(op, target, x.shape[x.ndim === 1 ? 0 : 1], options.ignoreIndex === undefined ? -100 : options.ignoreIndex);
  return x.ndim === 1 ? [x.reshape([1, x.shape[0]]), target.reshape([1])] : [x, target];
}

/** Throws unless there is one weight for each class, without a gradient. */
export function checkWeight(op: string, x: Tensor, weight: Tensor | null | undefined): void {
  if (!weight) return;
  const classes = x.shape[x.ndim === 1 ? 0 : 1];
  if (!isTensor(weight)) {
    throw new TypeError(
      `${op}: expected a weight for each class, ${x.dtype}[${classes}], got ${describe(weight)} for ${formatAval(x)}`,
    );
  }
  if (!sameShape(weight.shape, [classes]) || weight.dtype !== x.dtype) {
    throw new ShapeError(
      `${op}: expected a weight for each class, ${x.dtype}[${classes}], got ${formatAval(weight)} for ${formatAval(x)}`,
    );
  }
  if (weight.requiresGrad) {
    throw new AutogradError(`${op}: the class weights have no gradient, as in PyTorch. Pass weight.detach().`);
  }
}

/** Labels that are on the host are checked at once; others by the backend, which must not read out of bounds. */
function checkRange(op: string, target: Tensor, classes: number, ignoreIndex: number | null): void {
  const labels = target._resolve()._storage?.host;
  if (!labels) return;
  const at = labels.findIndex((label: number) => (label < 0 || label >= classes) && label !== ignoreIndex);
  if (at < 0) return;
  const place: number[] = [];
  for (let i = target.ndim - 1, rest = at; i >= 0; rest = Math.floor(rest / target.shape[i]), i--) {
    place.unshift(rest % target.shape[i]);
  }
  const position =
    place.length === 1 ? ` at position ${at}` : place.length > 1 ? ` at position [${place.join(', ')}]` : '';
  throw new OutOfRangeError(
    `${op}: label ${labels[at]}${position} is out of range for ${classes} classes (0 to ${classes - 1}). ` +
      `Labels count from 0${ignoreIndex === null ? '' : `; positions without a class get the ignoreIndex, ${ignoreIndex}`}.`,
  );
}

/** The loss of one position of an unbatched input has no axis. */
export const unbatch = (loss: Tensor, x: Tensor): Tensor => (x.ndim === 1 && loss.ndim === 1 ? loss.reshape([]) : loss);
