/**
 * From programs to ONNX nodes: the builder of graphs, what a rule is, and the rules of plain ONNX. The export is made of
 * them, and so are the graphs of backends that run ONNX.
 *
 * @packageDocumentation
 */
export * from './activation.js';
export * from './average-pool.js';
export * from './convolution.js';
export * from './elementwise.js';
export * from './flipped-convolution.js';
export * from './graph.js';
export * from './indexing.js';
export * from './linear.js';
export * from './logic.js';
export * from './losses.js';
export * from './max-pool.js';
export * from './movement.js';
export * from './reduction.js';
export * from './rule.js';
export * from './slicing.js';
export * from './sorting.js';
export * from './spatial.js';
