/**
 * Pooling and its gradients. Max pooling itself is in max-pool.ts.
 */
import { type GraphBuilder, int, ints, string, type Value } from './graph.js';
import { chooseMaxPool, type MaxPoolAttrs, planeStarts } from './max-pool.js';
import { type Call, type Lowering, rule, type Rules } from './rule.js';
import { cells, isEven, type Padding, padSpatial, sizeOf, windowAttributes } from './spatial.js';
import { scatteredWindows } from './convolution.js';

/**
 * Indices of windows that don't overlap: no cell is the maximum of two. Of a program's own max pools; of indices from
 * elsewhere nothing is known.
 */
const distinct = new WeakMap<GraphBuilder, Set<Value>>();

function maxPool(lowering: Lowering, call: Call<MaxPoolAttrs>): readonly Value[] {
  const outputs = chooseMaxPool(lowering, call)(lowering, call);
  const { kernel, stride, dilation } = call.attrs;
  if (call.isRead(1) && kernel.every((n, i) => dilation[i] * (n - 1) < stride[i])) {
    const known = distinct.get(lowering.graph) ?? new Set();
    distinct.set(lowering.graph, known.add(outputs[1]));
  }
  return outputs;
}

/** Zeros with g added at the indices, a plane a row. */
function addedAtIndices({ graph }: Lowering, { inputs, inputAvals, outputAvals }: Call): Value {
  const [batch, channels, ...out] = inputAvals[0].shape;
  const shape = outputAvals[0].shape;
  const planes = batch * channels;
  const [g, index] = inputs.map((input) => graph.reshape(input, [planes, sizeOf(out)]));
  const zeros = graph.node('ConstantOfShape', [graph.vector([planes, sizeOf(shape.slice(2))])]);
  const dx = graph.node('ScatterElements', [zeros, index, g], { axis: int(1), reduction: string('add') });
  return graph.reshape(dx, shape);
}

/** `MaxUnpool` puts g where the indices, which count through the whole tensor, say; it does not add. */
function putAtIndices({ graph }: Lowering, { inputs: [g, index], inputAvals, outputAvals }: Call): Value {
  const axes = inputAvals[0].shape.length - 2;
  const flat = graph.node('Add', [graph.cast(index, 'int64'), planeStarts(graph, outputAvals[0].shape)]);
  // Only the shape that is given counts; the attribute has to be there.
  const kernel = ints(new Array<number>(axes).fill(1));
  return graph.node('MaxUnpool', [g, flat, graph.vector(outputAvals[0].shape)], { kernel_shape: kernel });
}

function maxPoolGrad(lowering: Lowering, call: Call): Value {
  const { provider } = lowering.target;
  const isDistinct = distinct.get(lowering.graph)?.has(call.inputs[1]) ?? false;
  const form = isDistinct && (provider === 'cpu' || provider === 'wasm') ? putAtIndices : addedAtIndices;
  return form(lowering, call);
}

type AvgPoolAttrs = {
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly padding: Padding;
  readonly countIncludePad: boolean;
  /** Cells that ceil mode adds after: never counted in the divisor. */
  readonly ceilExtra: readonly number[];
  readonly divisor: number | null;
};

/**
 * One over the divisor of each window: a number if all are equal, else a plane [1, 1, …out].
 *
 * PyTorch's rule: padding counts if `countIncludePad`, cells that only ceil mode reaches never do.
 */
function reciprocalCounts(attrs: AvgPoolAttrs, size: readonly number[], out: readonly number[]): number[] | number {
  if (attrs.divisor !== null) return 1 / attrs.divisor;
  const counts = out.map((n, i) =>
    Array.from({ length: n }, (_, position) => {
      const [before, after] = attrs.countIncludePad ? attrs.padding[i] : [0, 0];
      const start = position * attrs.stride[i] - attrs.padding[i][0];
      return Math.max(0, Math.min(start + attrs.kernel[i], size[i] + after) - Math.max(start, -before));
    }),
  );
  const all = cells(out).map((position) => {
    const count = position.reduce((product, n, i) => product * counts[i][n], 1);
    return count === 0 ? 0 : 1 / count;
  });
  return all.every((n) => n === all[0]) ? all[0] : all;
}

function scaled(graph: GraphBuilder, x: Value, by: number[] | number, out: readonly number[]): Value {
  if (by === 1) return x;
  const factor = typeof by === 'number' ? graph.scalar(by) : graph.constant('float32', [1, 1, ...out], by);
  return graph.node('Mul', [x, factor]);
}

/**
 * The padding that windows reach: what is beyond is left out, for AveragePool refuses padding as wide as its kernel.
 * No window lies in the padding alone, so this is narrower.
 */
function reachedPadding(
  { kernel, stride, padding }: AvgPoolAttrs,
  size: readonly number[],
  out: readonly number[],
): Padding {
  return padding.map(([before], i) => {
    const reach = (out[i] - 1) * stride[i] + kernel[i];
    return [before, Math.max(0, reach - before - size[i])];
  });
}

/** `AveragePool` divides by the cells of a whole window; where that is not the divisor, a product sets it right. */
function avgPool({ graph, target }: Lowering, { attrs, inputs, inputAvals, outputAvals }: Call<AvgPoolAttrs>): Value {
  const { kernel, stride } = attrs;
  const out = outputAvals[0].shape.slice(2);
  const scale = reciprocalCounts(attrs, inputAvals[0].shape.slice(2), out);
  const padding = reachedPadding(attrs, inputAvals[0].shape.slice(2), out);
  // On CUDA cuDNN takes the padding before for that after.
  const isOwn = target.provider === 'cuda' && !isEven(padding);
  const x = isOwn ? padSpatial(graph, inputs[0], padding) : inputs[0];
  const mean = graph.node('AveragePool', [x], {
    ...windowAttributes(kernel, stride, isOwn ? padding.map(() => [0, 0]) : padding),
    count_include_pad: int(1),
  });
  const window = sizeOf(kernel);
  const whole = typeof scale === 'number' ? scale * window : scale.map((n) => n * window);
  return scaled(graph, mean, whole, out);
}

function avgPoolGrad(
  lowering: Lowering,
  { attrs, inputs, inputAvals, outputAvals }: Call<AvgPoolAttrs & { readonly inputSize: readonly number[] }>,
): Value {
  const { graph } = lowering;
  const { kernel, stride, inputSize } = attrs;
  const [batch, channels, ...out] = inputAvals[0].shape;
  const share = scaled(graph, inputs[0], reciprocalCounts(attrs, inputSize, out), out);
  const padding = reachedPadding(attrs, inputSize, out);
  const isTiled = kernel.every((n, i) => n === stride[i] && padding[i].every((p) => p === 0));
  if (isTiled) {
    // Each cell has one window: [N·C, out, 1, …] repeated along the ones.
    const planes = batch * channels;
    const tiles = graph.node('Expand', [
      graph.reshape(share, [planes, ...out.flatMap((n) => [n, 1])]),
      graph.vector([planes, ...out.flatMap((n, i) => [n, kernel[i]])]),
    ]);
    const tiled = out.map((n, i) => n * kernel[i]);
    const dx = graph.reshape(tiles, [batch, channels, ...tiled]);
    return padSpatial(
      graph,
      dx,
      inputSize.map((n, i) => [0, n - tiled[i]]),
    );
  }
  // The transpose of a convolution with ones, a plane at a time.
  const ones = graph.constant('float32', [1, 1, ...kernel], new Array<number>(sizeOf(kernel)).fill(1));
  const dx = scatteredWindows(lowering, [graph.reshape(share, [batch * channels, 1, ...out]), ones], out, kernel, {
    stride,
    padding,
    dilation: kernel.map(() => 1),
    groups: 1,
    inputSize,
  });
  return graph.reshape(dx, outputAvals[0].shape);
}

export const pooling: Rules = {
  maxPool: rule<MaxPoolAttrs>(maxPool),
  maxPoolGrad: rule((lowering, call) => [maxPoolGrad(lowering, call)]),
  avgPool: rule<AvgPoolAttrs>((lowering, call) => [avgPool(lowering, call)]),
  avgPoolGrad: rule<AvgPoolAttrs & { readonly inputSize: readonly number[] }>((lowering, call) => [
    avgPoolGrad(lowering, call),
  ]),
};
