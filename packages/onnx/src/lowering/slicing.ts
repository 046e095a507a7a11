/**
 * Reading and writing slices whose start is a value of the program: a loop over starts compiles once.
 */
import { OutOfRangeError } from '@fakkel/core';
import { type GraphBuilder, int, type Value } from './graph.js';
import { iota, toUnsigned } from './indexing.js';
import { isGpu, rule, type Rules } from './rule.js';

/** Where a slice lies along its axis. */
interface Place {
  readonly dim: number;
  /** The axis it is taken from, or written to. */
  readonly size: number;
  readonly length: number;
  readonly step: number;
}

/** From the first to behind the last element of the slice. */
const spanOf = ({ length, step }: Place): number => (length - 1) * step + 1;

/**
 * The start as an int64 vector of one element; an error when it runs, if the slice leaves its axis: ONNX itself would
 * clip the slice, or count a negative start from the end.
 */
function checkedStart(graph: GraphBuilder, start: Value, place: Place): Value {
  const { dim, size, length, step } = place;
  const limit = size - spanOf(place);
  const message = `a start leaves axis ${dim} of size ${size} (${length} elements, ${step} apart)`;
  const known = graph.valuesOf(start);
  if (known) {
    if (known[0] >= 0 && known[0] <= limit) return graph.vector(known);
    throw new OutOfRangeError(`${graph.scope}: ${message}`);
  }
  const from = graph.reshape(toUnsigned(graph, start), [1]);
  // By how much the start is too large is looked up in a table that has an entry for 0 alone.
  const excess = graph.node('Max', [graph.node('Sub', [from, graph.vector([limit])]), graph.vector([0])]);
  const none = graph.node('Gather', [graph.vector([0]), excess], { axis: int(0) }, { outOfRange: message });
  return graph.node('Add', [from, none]);
}

/** `start + n`, and `n − start`, for starts of {@link checkedStart}. */
function plus(graph: GraphBuilder, start: Value, n: number): Value {
  const known = graph.valuesOf(start);
  return known ? graph.vector([known[0] + n]) : graph.node('Add', [start, graph.vector([n])]);
}
function minus(graph: GraphBuilder, n: number, start: Value): Value {
  const known = graph.valuesOf(start);
  return known ? graph.vector([n - known[0]]) : graph.node('Sub', [graph.vector([n]), start]);
}

/** The positions of the slice along its axis, int32: on a GPU a `Slice` with computed bounds waits for it. */
function positions(graph: GraphBuilder, start: Value, { length, step }: Place): Value {
  return graph.node('Add', [start, graph.constant('int32', [length], iota(length, step))]);
}

const narrow = rule<{ dim: number; length: number; step: number }>(
  ({ graph, target }, { inputs: [x, start], inputAvals, outputAvals, attrs }) => {
    const { dim, step } = attrs;
    const place: Place = { ...attrs, size: inputAvals[0].shape[dim] };
    if (isGpu(target) && !graph.valuesOf(start)) {
      return [graph.node('Gather', [x, positions(graph, start, place)], { axis: int(dim) })];
    }
    const from = checkedStart(graph, start, place);
    const to = plus(graph, from, spanOf(place));
    const steps = step === 1 ? [] : [graph.vector([step])];
    const slice = graph.node('Slice', [x, from, to, graph.vector([dim]), ...steps]);
    // The reshape says the shape, which ONNX Runtime can't see from bounds that are computed; it does not copy.
    return [graph.valuesOf(start) ? slice : graph.reshape(slice, outputAvals[0].shape)];
  },
);

const sliceScatter = rule<{ dim: number; step: number }>(({ graph, target }, { inputs, inputAvals, attrs }) => {
  const [base, source, start] = inputs;
  const [{ shape, dtype }, { shape: sourceShape }] = inputAvals;
  const { dim } = attrs;
  const place: Place = { ...attrs, size: shape[dim], length: sourceShape[dim] };
  if (isGpu(target) && !graph.valuesOf(start)) {
    return [replaced(graph, base, source, start, place)];
  }
  const from = checkedStart(graph, start, place);
  // CUDA's Pad takes no integers.
  const isPadded = target.provider !== 'cuda' || dtype !== 'int32';
  const fill = isPadded ? graph.fillOf(base) : undefined;
  if (fill !== undefined) {
    return [placed(graph, graph.scalar(fill, dtype), source, sourceShape, from, place)];
  }
  if (place.step > 1 && place.length > 1) return [replaced(graph, base, source, graph.cast(from, 'int32'), place)];
  const axis = graph.vector([dim]);
  const before = graph.node('Slice', [base, graph.vector([0]), from, axis]);
  const after = graph.node('Slice', [base, plus(graph, from, place.length), graph.vector([place.size]), axis]);
  return [graph.reshape(graph.node('Concat', [before, source, after], { axis: int(dim) }), shape)];
});

/** The slice among equal elements: what the gradient of `narrow` is. One pass over memory. */
function placed(
  graph: GraphBuilder,
  fill: Value,
  source: Value,
  shape: readonly number[],
  start: Value,
  { dim, size, length, step }: Place,
): Value {
  const rank = shape.length;
  const zeros = new Array<number>(rank).fill(0);
  if (step > 1) {
    // Each element brings the gap behind it: […, length, …] → […, length, step, …] → […, length · step, …].
    const split = graph.reshape(source, shape.toSpliced(dim + 1, 0, 1));
    const gaps = graph.vector([...new Array<number>(rank + 1).fill(0), ...[...zeros, 0].with(dim + 1, step - 1)]);
    source = graph.reshape(graph.node('Pad', [split, gaps, fill]), shape.with(dim, length * step));
  }
  // The gap behind the last element may reach past the end: a negative amount cuts it off.
  const after = minus(graph, size - length * step, start);
  const amounts = [...zeros.slice(0, dim), start, ...zeros.slice(1), after, ...zeros.slice(dim + 1)];
  return graph.node('Pad', [source, joined(graph, amounts), fill]);
}

/** Numbers and vectors of one element as one vector. */
function joined(graph: GraphBuilder, parts: readonly (number | Value)[]): Value {
  const known = parts.map((part) => (typeof part === 'number' ? [part] : graph.valuesOf(part)));
  if (known.every((values) => values !== undefined)) return graph.vector(known.flat());
  const vectors = parts.map((part) => (typeof part === 'number' ? graph.vector([part]) : part));
  return graph.node('Concat', vectors, { axis: int(0) });
}

/** Base and source joined, then each position picked from the one or the other. */
function replaced(graph: GraphBuilder, base: Value, source: Value, start: Value, place: Place): Value {
  const { dim, size, length } = place;
  const own = graph.constant('int32', [size], iota(size));
  const others = graph.constant('int32', [length], iota(length, 1, size));
  const order = graph.node('ScatterElements', [own, positions(graph, start, place), others], { axis: int(0) });
  return graph.node('Gather', [graph.node('Concat', [base, source], { axis: int(dim) }), order], { axis: int(dim) });
}

export const slicing: Rules = { narrow, sliceScatter };
