import { type GraphBuilder, isGpu, rule, type Rules, type Value } from '@fakkel/onnx/lowering';
/**
 * Barriers: values that ONNX Runtime is not to compute with before others are there. It orders nodes and merges equal
 * ones by itself, so what holds them back has to be in the graph, and nothing that it can compute beforehand.
 */

/** A bool of shape [1] that depends on the contents of `gate`. */
function looksAt(graph: GraphBuilder, gate: Value, dtype: string): Value {
  const first = graph.slice(graph.reshape(gate, [-1]), [0], [0], [1]);
  return dtype === 'bool' ? first : graph.node('Greater', [first, graph.scalar(0, dtype as 'float32' | 'int32')]);
}

const optimizationBarrier = rule<{ readonly values: number }>(({ graph, target }, { inputs, inputAvals, attrs }) => {
  const values = inputs.slice(0, attrs.values);
  const gates = inputs.slice(attrs.values).map((gate, i) => looksAt(graph, gate, inputAvals[attrs.values + i].dtype));
  if (gates.length === 0) return values;
  if (isGpu(target)) {
    // A computed shape makes the host wait for the device: a copy, whichever it is that is chosen. CUDA chooses no bools.
    const held = (x: Value): Value => gates.reduce((y, gate) => graph.node('Where', [gate, y, y]), x);
    return values.map((x, i) =>
      inputAvals[i].dtype === 'bool' ? graph.cast(held(graph.cast(x, 'int32')), 'bool') : held(x),
    );
  }
  // 0, as ONNX Runtime finds out when it runs. Reshape with a computed shape gives the same memory another name.
  const zero = gates
    .map((gate) => graph.node('Mul', [graph.cast(gate, 'int64'), graph.vector([0])]))
    .reduce((a, b) => graph.node('Add', [a, b]));
  return values.map((x, i) => graph.node('Reshape', [x, graph.node('Add', [graph.vector(inputAvals[i].shape), zero])]));
});

export const barrier: Rules = { optimizationBarrier };
