/**
 * What flows through an imported graph, and the movements that shapes and data share: written once, for tensors and for
 * values on the host.
 */
import { cat, type Device, isTensor, type Tensor } from '@fakkel/core';
import { elementCount } from '../dtypes.js';
import { OnnxError } from '../errors.js';
import { broadcastShape, Host, moveHost } from './host.js';

/** A tensor of core, or an array that is known while the graph is recorded. */
export type Value = Tensor | Host;

/** A value as a tensor on a device. */
export const asTensor = (value: Value, device: Device): Tensor => (isTensor(value) ? value : value.on(device));

/** An axis counted from the front. */
export function axisOf(axis: number, rank: number): number {
  const at = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(at) || at < 0 || at >= Math.max(rank, 1)) {
    throw new OnnxError(`axis ${axis} is out of range for ${rank} axes.`);
  }
  return at;
}

export const axesOf = (axes: readonly number[], rank: number): number[] => axes.map((axis) => axisOf(axis, rank));

export function reshape<V extends Value>(x: V, shape: readonly number[]): V {
  if (elementCount(shape) !== elementCount(x.shape)) {
    throw new OnnxError(`[${x.shape.join(',')}] can't be reshaped to [${shape.join(',')}]: the sizes differ.`);
  }
  return (isTensor(x) ? x.reshape(shape) : new Host(x.dtype, shape, x.data)) as V;
}

export function permute(x: Value, dims: readonly number[]): Value {
  if (isTensor(x)) return x.permute(dims);
  return moveHost(
    x,
    dims.map((dim) => x.shape[dim]),
    (index) => x.shape.map((_, axis) => index[dims.indexOf(axis)]),
  );
}

/** Broadcast both ways, as `Expand` has it: a target size of 1 keeps the input's. */
export function expand(x: Value, target: readonly number[]): Value {
  const shape = broadcastShape([x.shape, target]);
  if (isTensor(x)) return x.expand(shape);
  const added = shape.length - x.shape.length;
  return moveHost(x, shape, (index) => x.shape.map((size, axis) => (size === 1 ? 0 : index[axis + added])));
}

/** The elements at the given places along an axis. */
export function pick(x: Value, axis: number, places: readonly number[]): Value {
  if (isTensor(x)) return x.indexSelect(axis, new Host('int32', [places.length], places).on(x.device));
  return moveHost(x, x.shape.with(axis, places.length), (index) => index.with(axis, places[index[axis]]));
}

/** `count` elements along an axis from `start` on; a negative step goes backwards. */
export function stride(x: Value, axis: number, start: number, count: number, step: number): Value {
  if (start === 0 && step === 1 && count === x.shape[axis]) return x;
  if (!isTensor(x)) {
    return pick(
      x,
      axis,
      Array.from({ length: count }, (_, i) => start + i * step),
    );
  }
  if (count === 0) return x.narrow(axis, 0, 0);
  const last = start + (count - 1) * step;
  return step > 0
    ? x.slice(axis, start, last + 1, step)
    : x
        .narrow(axis, last, start - last + 1)
        .flip(axis)
        .slice(axis, 0, undefined, -step);
}

export function join(values: readonly Value[], axis: number, device: Device): Value {
  const hosts = values.filter((value): value is Host => !isTensor(value));
  if (hosts.length < values.length) {
    return cat(
      values.map((value) => asTensor(value, device)),
      axis,
    );
  }
  const [first] = hosts;
  const size = hosts.reduce((sum, { shape }) => sum + shape[axis], 0);
  const rows = elementCount(first.shape.slice(0, axis));
  const data = Array.from({ length: rows }, (_, row) =>
    hosts.flatMap((part) => {
      const length = elementCount(part.shape.slice(axis));
      return Array.from({ length }, (_element, i) => part.data[row * length + i]);
    }),
  ).flat();
  return new Host(first.dtype, first.shape.with(axis, size), data);
}
