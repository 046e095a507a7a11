/**
 * Sorting.
 */
import { type GraphBuilder, int, type Value } from './graph.js';
import { rule, type Rules } from './rule.js';

/**
 * Keys that order as the elements do, NaN behind +Infinity: in float64, which has room past the numbers of float32.
 */
function floatKeys(graph: GraphBuilder, x: Value): Value {
  const finite = graph.node('Min', [graph.cast(x, 'float64'), graph.scalar(1e39, 'float64')]);
  return graph.node('Where', [graph.node('IsNaN', [x]), graph.scalar(1e40, 'float64'), finite]);
}

/** WebGPU has no float64, nor has the CPU part of its build: NaN is as large as +Infinity. */
function keysWithoutNaN(graph: GraphBuilder, x: Value): Value {
  return graph.node('Where', [graph.node('Equal', [x, x]), x, graph.scalar(Infinity)]);
}

const sort = rule<{ dim: number; descending: boolean }>(
  ({ graph, target }, { inputs: [x], inputAvals, isRead, attrs }) => {
    const [{ shape, dtype }] = inputAvals;
    const { dim, descending } = attrs;
    const keysOf = target.provider === 'webgpu' ? keysWithoutNaN : floatKeys;
    const keys =
      dtype === 'float32'
        ? keysOf(graph, x)
        : dtype === 'float64'
          ? keysWithoutNaN(graph, x)
          : dtype === 'bool'
            ? graph.cast(x, 'int32')
            : x;
    // TopK puts the lower index first among equal keys, in both directions: that is a stable sort.
    const [, order] = graph.nodeOutputs(
      'TopK',
      [keys, graph.vector([shape[dim]])],
      { axis: int(dim), largest: int(descending ? 1 : 0) },
      { outputs: 2 },
    );
    const values = isRead(0) ? graph.node('GatherElements', [x, order], { axis: int(dim) }) : x;
    return [values, graph.cast(order, 'int32')];
  },
);

export const sorting: Rules = { sort };
