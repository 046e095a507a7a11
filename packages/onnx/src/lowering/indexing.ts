/**
 * Gathering and scattering by index. An index outside its axis is an error where the provider can raise one.
 */
import { type GraphBuilder, int, string, type Value } from './graph.js';
import { type Lowering, rule, type Rules } from './rule.js';

/** `start`, `start + step`, …: n of them. */
export const iota = (n: number, step = 1, start = 0): number[] => Array.from({ length: n }, (_, i) => start + i * step);

/** An int32 value in int64, the negative ones 2³² higher: they count from no end. */
export function toUnsigned(graph: GraphBuilder, x: Value): Value {
  return graph.cast(graph.cast(x, 'uint32'), 'int64');
}

/**
 * An int32 index for ONNX's gathering and scattering operators, which take a negative one from the end of the axis
 * where it should be an error, and raise errors for too large ones themselves; give their node `outOfRange`, too.
 *
 * CUDA and WebGPU can't raise errors from a kernel: there the index is passed as it is.
 */
export function checkedIndex({ graph, target }: Lowering, index: Value): Value {
  const isChecked = target.provider === 'cpu' || target.provider === 'wasm';
  const isKnown = graph.valuesOf(index)?.every((i) => i >= 0) ?? false;
  return isChecked && !isKnown ? toUnsigned(graph, index) : index;
}

/** What the error of an index says; '#' stands for the index. */
const outside = (dim: number, shape: readonly number[]): string =>
  `index # is out of range for axis ${dim} of size ${shape[dim]}`;

type AxisAttrs = { readonly dim: number };

const gather = rule<AxisAttrs>((lowering, { inputs: [x, index], inputAvals, attrs: { dim } }) => [
  lowering.graph.node(
    'GatherElements',
    [x, checkedIndex(lowering, index)],
    { axis: int(dim) },
    { outOfRange: outside(dim, inputAvals[0].shape) },
  ),
]);

const indexSelect = rule<AxisAttrs>((lowering, { inputs: [x, index], inputAvals, attrs: { dim } }) => [
  lowering.graph.node(
    'Gather',
    [x, checkedIndex(lowering, index)],
    { axis: int(dim) },
    { outOfRange: outside(dim, inputAvals[0].shape) },
  ),
]);

/** `ScatterND` would write whole rows, but its threads lose sums where an index comes twice. */
function addAt({ graph }: Lowering, dim: number, shape: readonly number[], inputs: readonly Value[]): Value {
  const attributes = { axis: int(dim), reduction: string('add') };
  return graph.node('ScatterElements', inputs, attributes, { outOfRange: outside(dim, shape) });
}

const scatterAdd = rule<AxisAttrs>((lowering, { inputs: [base, index, source], inputAvals, attrs: { dim } }) => {
  const [{ shape }, { shape: indexShape }, { shape: sourceShape }] = inputAvals;
  // PyTorch lets the source be larger than the index.
  const axes = [...shape.keys()].filter((axis) => indexShape[axis] < sourceShape[axis]);
  const used =
    axes.length === 0
      ? source
      : lowering.graph.slice(
          source,
          axes,
          axes.map(() => 0),
          axes.map((axis) => indexShape[axis]),
        );
  return [addAt(lowering, dim, shape, [base, checkedIndex(lowering, index), used])];
});

const indexAdd = rule<AxisAttrs>((lowering, { inputs: [base, index, source], inputAvals, attrs: { dim } }) => {
  const { graph } = lowering;
  const [{ shape }, , { shape: sourceShape }] = inputAvals;
  const column = graph.reshape(
    checkedIndex(lowering, index),
    shape.map((_, axis) => (axis === dim ? sourceShape[dim] : 1)),
  );
  const everywhere = shape.length === 1 ? column : graph.node('Expand', [column, graph.vector(sourceShape)]);
  return [addAt(lowering, dim, shape, [base, everywhere, source])];
});

export const indexing: Rules = { gather, indexSelect, scatterAdd, indexAdd };
