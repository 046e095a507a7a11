/**
 * Elements by index, and graphs that a condition chooses.
 */
import { isTensor, type Tensor, where } from '@fakkel/core';
import { OnnxError } from '../../errors.js';
import type { Call, OperatorTable } from '../call.js';
import { Host } from '../host.js';
import { axisOf, pick, reshape, type Value } from '../values.js';

/** Indices from the end are negative. */
function fromFront(index: Tensor, size: number): Tensor {
  return where(index.lt(0), index.add(size), index);
}

function gather(call: Call): Value {
  const [x, indices] = [call.value(0), call.value(1)];
  const axis = call.axis(0, x.shape.length);
  const size = x.shape[axis];
  const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
  if (isTensor(indices)) {
    const flat = fromFront(indices, size).reshape([indices.numel()]);
    return call.tensor(0).indexSelect(axis, flat).reshape(shape);
  }
  const places = Array.from(indices.data, (n) => (n < 0 ? n + size : n));
  const outside = places.find((n) => !(n >= 0 && n < size));
  if (outside !== undefined) {
    throw new OnnxError(`index ${outside} is out of range for the ${size} elements of axis ${axis}.`);
  }
  if (places.length === 1 && isTensor(x)) return reshape(x.narrow(axis, places[0], 1), shape);
  return reshape(pick(x, axis, places), shape);
}

/** Each element by its own index along an axis. */
function gatherElements(call: Call): Value {
  const x = call.tensor(0);
  const axis = axisOf(call.int('axis', 0), x.ndim);
  return x.gather(axis, fromFront(call.tensor(1), x.shape[axis]));
}

/** 1 where an index points; `values` says what stands for 0 and 1. */
function oneHot(call: Call): Value {
  const indices = call.tensor(0);
  const depth = call.number(1, 'depth');
  const values = call.tensor(2);
  const axis = axisOf(call.int('axis', -1), indices.ndim + 1);
  const positions = new Host(
    'int32',
    [depth, ...new Array<number>(indices.ndim - axis).fill(1)],
    Array.from({ length: depth }, (_, i) => i),
  );
  const isHot = fromFront(indices.to('int32'), depth).unsqueeze(axis).eq(positions.on(indices.device));
  return where(isHot, values.select(0, 1), values.select(0, 0));
}

/** `torch.onnx.export` writes these for shapes that it does not know; here the condition is known. */
function choose(call: Call): Value[] {
  const condition = call.number(0, 'condition');
  return call.around.runBranch(call.graph(condition !== 0 ? 'then_branch' : 'else_branch'));
}

export const indexing: OperatorTable = {
  Gather: gather,
  GatherElements: gatherElements,
  OneHot: oneHot,
  If: choose,
};
