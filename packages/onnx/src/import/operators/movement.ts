/**
 * Shapes and movements: of data, and of the shapes themselves, which stay on the host.
 */
import { isTensor } from '@fakkel/core';
import { elementCount } from '../../dtypes.js';
import { OnnxError } from '../../errors.js';
import type { Call, OperatorTable } from '../call.js';
import { Host, hostOf, integers, moveHost } from '../host.js';
import { axesOf, axisOf, expand, join, permute, reshape, stride, type Value } from '../values.js';

/** 0 keeps the input's size (unless `allowzero`), −1 follows from the others. */
function reshapeTo(call: Call): Value {
  const x = call.value(0);
  const target = call.ints('shape') ?? call.list(1, 'shape');
  const sizes = target.map((size, i) => (size === 0 && !call.flag('allowzero') ? (x.shape[i] ?? 0) : size));
  const { batch } = call.around;
  // A file with a fixed batch size has it in its shapes, too.
  if (batch && sizes[0] === batch.declared && x.shape[0] === batch.actual) sizes[0] = batch.actual;
  const free = sizes.indexOf(-1);
  if (free >= 0) {
    const known = elementCount(sizes.filter((size) => size !== -1));
    sizes[free] = known === 0 ? 0 : elementCount(x.shape) / known;
  }
  if (!sizes.every(Number.isInteger)) {
    throw new OnnxError(`[${x.shape.join(',')}] can't be reshaped to [${target.join(',')}].`);
  }
  return reshape(x, sizes);
}

/** Two axes: what lies before `axis`, and the rest. */
function flatten(call: Call): Value {
  const x = call.value(0);
  const axis = call.int('axis', 1);
  const at = axis < 0 ? axis + x.shape.length : axis;
  return reshape(x, [elementCount(x.shape.slice(0, at)), elementCount(x.shape.slice(at))]);
}

function squeeze(call: Call): Value {
  const x = call.value(0);
  const axes = call.axes(1, x.shape.length);
  const wide = axes?.find((axis) => x.shape[axis] !== 1);
  if (wide !== undefined) throw new OnnxError(`axis ${wide} of [${x.shape.join(',')}] has not the size 1.`);
  return reshape(
    x,
    x.shape.filter((size, axis) => (axes ? !axes.includes(axis) : size !== 1)),
  );
}

/** Axes are those of the result. */
function unsqueeze(call: Call): Value {
  const x = call.value(0);
  const given = call.either('axes', 1);
  if (given === undefined) throw new OnnxError(`it has no axes.`);
  const rank = x.shape.length + given.length;
  const axes = axesOf(given, rank);
  const sizes = [...x.shape];
  return reshape(
    x,
    Array.from({ length: rank }, (_, axis) => (axes.includes(axis) ? 1 : sizes.shift()!)),
  );
}

/** Bounds are attributes up to version 9, inputs since 10. Those beyond the ends, INT64_MAX too, are the ends. */
function slice(call: Call): Value {
  const x = call.value(0);
  const [starts, ends] = [call.either('starts', 1), call.either('ends', 2)];
  if (!starts || !ends) throw new OnnxError(`it has no starts or ends.`);
  const axes = call.axes(3, x.shape.length) ?? [...starts.keys()];
  const steps = call.has(4) ? call.list(4, 'steps') : starts.map(() => 1);
  return axes.reduce((y, axis, i) => {
    const size = y.shape[axis];
    const step = steps[i];
    if (step === 0) throw new OnnxError(`the step of axis ${axis} is 0.`);
    // Backwards, the first is at most the last element, and the end may lie before the first one.
    const [least, most] = step > 0 ? [0, size] : [-1, size - 1];
    const clamp = (n: number): number => Math.min(Math.max(n < 0 ? n + size : n, least), most);
    const [start, end] = [clamp(starts[i]), clamp(ends[i])];
    return stride(y, axis, start, Math.max(Math.ceil((end - start) / step), 0), step);
  }, x);
}

/** Sizes are an attribute, or since version 13 an input; without them equal parts, the last one smaller since 18. */
function split(call: Call): Value[] {
  const x = call.value(0);
  const axis = call.axis(0, x.shape.length);
  const size = x.shape[axis];
  const parts = call.int('num_outputs', call.node.outputs.length);
  const part = Math.ceil(size / parts);
  const sizes =
    call.either('split', 1) ?? Array.from({ length: parts }, (_, i) => Math.max(Math.min(part, size - i * part), 0));
  if (sizes.reduce((sum, n) => sum + n, 0) !== size) {
    throw new OnnxError(`the sizes [${sizes.join(', ')}] do not sum to the ${size} of axis ${axis}.`);
  }
  if (isTensor(x)) return x.split(sizes, axis);
  let start = 0;
  return sizes.map((count) => stride(x, axis, (start += count) - count, count, 1));
}

function tile(call: Call): Value {
  const x = call.value(0);
  const counts = call.list(1, 'repeats');
  if (isTensor(x)) return x.tile(counts);
  return moveHost(
    x,
    x.shape.map((size, axis) => size * counts[axis]),
    (index) => index.map((n, axis) => n % x.shape[axis]),
  );
}

const PAD_MODES = { constant: 'constant', reflect: 'reflect', edge: 'replicate', wrap: 'circular' } as const;

/** Befores, then afters: of all axes, or since version 18 of `axes`. Negative ones crop. */
function pad(call: Call): Value {
  const x = call.tensor(0);
  const pads = call.ints('pads') ?? call.ints('paddings') ?? call.list(1, 'pads');
  const axes = call.has(3) ? axesOf(call.list(3, 'axes'), x.ndim) : [...x.shape.keys()];
  const mode = call.string('mode', 'constant');
  if (!(mode in PAD_MODES)) {
    throw new OnnxError(`attribute 'mode' is one of ${Object.keys(PAD_MODES).join(', ')}, got '${mode}'.`);
  }
  if (pads.length !== 2 * axes.length) throw new OnnxError(`there are ${pads.length} pads for ${axes.length} axes.`);
  const [before, after] = [x.shape.map(() => 0), x.shape.map(() => 0)];
  axes.forEach((axis, i) => {
    before[axis] = pads[i];
    after[axis] = pads[i + axes.length];
  });
  const value = call.has(2) ? call.value(2) : undefined;
  const fill = value === undefined ? call.float('value', 0) : isTensor(value) ? value.reshape([]) : value.data[0];
  const counts = [...x.shape.keys()].reverse().flatMap((axis) => [before[axis], after[axis]]);
  return x.pad(counts, {
    mode: PAD_MODES[mode as keyof typeof PAD_MODES],
    ...(mode === 'constant' && { value: fill }),
  });
}

/** The shape of `x`, or since version 15 a part of it. */
function shapeOf(call: Call): Host {
  const { shape } = call.value(0);
  return integers(shape.slice(call.int('start', 0), call.int('end')));
}

function constantOfShape(call: Call): Host {
  const shape = call.list(0, 'shape');
  const value = call.constant('value');
  const { dtype, data } = value ? hostOf(value) : new Host('float32', [1], [0]);
  return new Host(dtype, shape, new Array<number>(elementCount(shape)).fill(data[0]));
}

function range(call: Call): Host {
  const [start, limit, delta] = ['start', 'limit', 'delta'].map((what, i) => call.number(i, what));
  const count = Math.max(Math.ceil((limit - start) / delta), 0);
  return new Host(
    call.host(0, 'start').dtype,
    [count],
    Array.from({ length: count }, (_, i) => start + i * delta),
  );
}

/** `DCR`: the block's cells are the slower axis of the channels; `CRD`: the faster one, as PyTorch's pixel shuffle. */
function depthToSpace(call: Call): Value {
  const x = call.value(0);
  const block = call.int('blocksize', 1);
  const [n, c, h, w] = x.shape;
  const out = c / block ** 2;
  const shape = [n, out, h * block, w * block];
  if (call.string('mode', 'DCR') === 'CRD') {
    return reshape(permute(reshape(x, [n, out, block, block, h, w]), [0, 1, 4, 2, 5, 3]), shape);
  }
  return reshape(permute(reshape(x, [n, block, block, out, h, w]), [0, 3, 4, 1, 5, 2]), shape);
}

function spaceToDepth(call: Call): Value {
  const x = call.value(0);
  const block = call.int('blocksize', 1);
  const [n, c, h, w] = x.shape;
  const blocks = reshape(x, [n, c, h / block, block, w / block, block]);
  return reshape(permute(blocks, [0, 3, 5, 1, 2, 4]), [n, c * block ** 2, h / block, w / block]);
}

/** What lies above or below a diagonal becomes 0. */
function triangle(call: Call): Value {
  const k = call.has(1) ? call.number(1, 'k') : 0;
  const upper = call.flag('upper', true);
  const x = call.value(0);
  if (isTensor(x)) return upper ? x.triu(k) : x.tril(k);
  const [rows, columns] = x.shape.slice(-2);
  const data = Array.from(x.data, (value, at) => {
    const beyond = (at % columns) - (Math.floor(at / columns) % rows) - k;
    return (upper ? beyond >= 0 : beyond <= 0) ? value : 0;
  });
  return new Host(x.dtype, x.shape, data);
}

export const movement: OperatorTable = {
  Reshape: reshapeTo,
  Flatten: flatten,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Transpose: (call) => {
    const x = call.value(0);
    return permute(x, call.ints('perm') ?? [...x.shape.keys()].reverse());
  },
  Expand: (call) => expand(call.value(0), call.list(1, 'shape')),
  Concat: (call) => {
    const values = call.values();
    return join(values, axisOf(call.int('axis', 1), values[0].shape.length), call.around.device);
  },
  Split: split,
  Slice: slice,
  Tile: tile,
  Pad: pad,
  Shape: shapeOf,
  Size: (call) => integers([elementCount(call.value(0).shape)], []),
  ConstantOfShape: constantOfShape,
  Range: range,
  DepthToSpace: depthToSpace,
  SpaceToDepth: spaceToDepth,
  Trilu: triangle,
};
