/**
 * Pooling and its gradients. Max pooling itself is in max-pool.ts.
 */
import {
  avgPool,
  type AvgPoolAttrs,
  type Call,
  type GraphBuilder,
  int,
  ints,
  type Lowering,
  type MaxPoolAttrs,
  padSpatial,
  planeStarts,
  reachedPadding,
  reciprocalCounts,
  rule,
  type Rules,
  scaledWindows,
  scatteredWindows,
  sizeOf,
  string,
  type Value,
} from '@fakkel/onnx/lowering';
import { chooseMaxPool } from './max-pool.js';

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

function avgPoolGrad(
  lowering: Lowering,
  { attrs, inputs, inputAvals, outputAvals }: Call<AvgPoolAttrs & { readonly inputSize: readonly number[] }>,
): Value {
  const { graph } = lowering;
  const { kernel, stride, inputSize } = attrs;
  const [batch, channels, ...out] = inputAvals[0].shape;
  const share = scaledWindows(graph, inputs[0], reciprocalCounts(attrs, inputSize, out), out);
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
