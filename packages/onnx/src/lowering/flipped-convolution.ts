/**
 * A transposed convolution as a convolution: of g with zeros between its cells, by the weight turned around. For
 * providers whose ConvTranspose lacks a number of axes.
 */
import { type GraphBuilder, int, ints, type Value } from './graph.js';
import { cutNegative, type Padding, spatialAxes, windowAttributes } from './spatial.js';

interface Windows {
  readonly stride: readonly number[];
  readonly padding: Padding;
  readonly dilation: readonly number[];
  readonly groups: number;
  readonly inputSize: readonly number[];
}

/** The scattered windows of g [N, O, …out] by w [O, C/groups, …kernel]: [N, C, …inputSize]. */
export function flippedConvolution(
  graph: GraphBuilder,
  [g, w]: readonly [g: Value, w: Value],
  out: readonly number[],
  kernel: readonly number[],
  { stride, padding, dilation, groups, inputSize }: Windows,
): Value {
  const spread = spreadCells(graph, g, out, stride);
  const size = out.map((n, i) => (n - 1) * stride[i] + 1);
  const reach = kernel.map((n, i) => (n - 1) * dilation[i]);
  const around: Padding = size.map((n, i) => {
    const before = reach[i] - padding[i][0];
    return [before, inputSize[i] + reach[i] - before - n];
  });
  const cut = cutNegative(graph, spread, size, around);
  return graph.node('Conv', [cut.x, turned(graph, w, kernel, groups)], {
    ...windowAttributes(
      kernel,
      kernel.map(() => 1),
      cut.padding,
    ),
    dilations: ints(dilation),
    group: int(groups),
  });
}

/** g with `stride` − 1 zeros between its cells: each becomes the first of a block, and the last block is cut short. */
function spreadCells(graph: GraphBuilder, g: Value, out: readonly number[], stride: readonly number[]): Value {
  if (stride.every((n) => n === 1)) return g;
  // A size of 0 is the input's, in Reshape.
  const cells = graph.reshape(g, [0, 0, ...out.flatMap((n) => [n, 1])]);
  const none = new Array<number>(2 + 2 * out.length).fill(0);
  const blocks = graph.node('Pad', [cells, graph.vector([...none, 0, 0, ...stride.flatMap((n) => [0, n - 1])])]);
  const rows = graph.reshape(blocks, [0, 0, ...out.map((n, i) => n * stride[i])]);
  const ends = out.map((n, i) => (n - 1) * stride[i] + 1);
  return graph.slice(
    rows,
    spatialAxes(out.length),
    out.map(() => 0),
    ends,
  );
}

/** w [O, C/groups, …kernel] as [C, O/groups, …kernel], its cells in reverse order. */
function turned(graph: GraphBuilder, w: Value, kernel: readonly number[], groups: number): Value {
  const axes = spatialAxes(kernel.length);
  const parts = groups === 1 ? [w] : graph.nodeOutputs('Split', [w], { axis: int(0) }, { outputs: groups });
  const swapped = parts.map((part) => graph.transpose(part, [1, 0, ...axes]));
  const whole = groups === 1 ? swapped[0] : graph.node('Concat', swapped, { axis: int(0) });
  return kernel.reduce((x, n, i) => {
    const reversed = graph.constant('int32', [n], [...Array(n).keys()].reverse());
    return n === 1 ? x : graph.node('Gather', [x, reversed], { axis: int(axes[i]) });
  }, whole);
}
