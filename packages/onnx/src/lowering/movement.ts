/**
 * Reshaping, permuting, expanding, padding, flipping, joining.
 */
import { type GraphBuilder, ints, int, type Value } from './graph.js';
import { type Call, rule, type Rule, type Rules } from './rule.js';

const sizeOf = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);

const reshape: Rule = ({ graph }, { inputs: [x], outputAvals }) => [graph.reshape(x, outputAvals[0].shape)];

const permute = rule<{ dims: readonly number[] }>(({ graph }, { inputs: [x], inputAvals, outputAvals, attrs }) => {
  // Where only axes of size 1 change places, nothing moves in memory, and a Reshape does not copy.
  const moving = attrs.dims.filter((d) => inputAvals[0].shape[d] > 1);
  if (moving.every((d, i) => i === 0 || moving[i - 1] < d)) return [graph.reshape(x, outputAvals[0].shape)];
  return [graph.node('Transpose', [x], { perm: ints(attrs.dims) })];
});

const expand: Rule = ({ graph }, { inputs: [x], inputAvals, outputAvals }) => {
  const { shape } = outputAvals[0];
  if (sizeOf(shape) === sizeOf(inputAvals[0].shape)) return [graph.reshape(x, shape)];
  return [graph.node('Expand', [x, graph.vector(shape)])];
};

type PadAttrs = { readonly pads: readonly (readonly [number, number])[] };

/** Padding by `Concat`, an axis after the other: CUDA's `Pad` takes no integers. */
function padByConcat(graph: GraphBuilder, { inputs: [x, value], inputAvals, attrs }: Call<PadAttrs>): Value {
  const shape = [...inputAvals[0].shape];
  return attrs.pads.reduce((padded, pair, axis) => {
    const [before, after] = pair.map((n) =>
      n === 0 ? [] : [graph.node('Expand', [value, graph.vector(shape.with(axis, n))])],
    );
    shape[axis] += pair[0] + pair[1];
    return before.length + after.length === 0
      ? padded
      : graph.node('Concat', [...before, padded, ...after], { axis: int(axis) });
  }, x);
}

const pad = rule<PadAttrs>(({ graph, target }, call) => {
  const { inputs, inputAvals, attrs } = call;
  if (target.provider === 'cuda' && inputAvals[0].dtype === 'int32') return [padByConcat(graph, call)];
  const [x, value] = inputs;
  const { pads } = attrs;
  const amounts = graph.vector([...pads.map(([before]) => before), ...pads.map(([, after]) => after)]);
  return [graph.node('Pad', [x, amounts, value])];
});

/** Past the first element, going backwards: what ONNX wants as the end of a slice that includes it. */
const BEFORE_FIRST = -(2 ** 31);

const flip = rule<{ dims: readonly number[] }>(({ graph }, { inputs: [x], inputAvals, attrs }) => {
  const axes = attrs.dims.filter((d) => inputAvals[0].shape[d] > 1);
  if (axes.length === 0) return [x];
  const each = (value: number): number[] => axes.map(() => value);
  return [graph.slice(x, axes, each(-1), each(BEFORE_FIRST), each(-1))];
});

const cat = rule<{ dim: number }>(({ graph }, { inputs, attrs }): readonly Value[] => [
  graph.node('Concat', inputs, { axis: int(attrs.dim) }),
]);

export const movement: Rules = { reshape, permute, expand, pad, flip, cat };
