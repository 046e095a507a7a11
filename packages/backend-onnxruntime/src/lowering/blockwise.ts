/**
 * Ops that compute in ONNX Runtime's blocked layout what comes to them in it, so that a tensor is reordered once between
 * convolutions at the most. Results are given in the plain layout by a reordering that goes away if nobody reads it.
 */
import {
  type Call,
  type GraphBuilder,
  int,
  type Lowering,
  rule,
  type Rule,
  sizeOf,
  type Value,
} from '@fakkel/onnx/lowering';
import { maskedProduct } from './activation.js';
import {
  blockedForm,
  fromBlocked,
  isFiniteSum,
  paddedBlockedForm,
  planeMeans,
  toBlocked,
  withEpilogue,
} from './blocked.js';

const isLike = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((n, i) => n === b[i]);

/** The channels of [N, C, H, W] if they fill whole blocks. */
export function wholeBlocks({ target }: Lowering, shape: readonly number[]): boolean {
  return target.blockSize > 1 && shape.length === 4 && shape[1] % target.blockSize === 0;
}

/** The inputs of an op of equal shapes (and scalars) in blocks, if one of them was computed so. */
function blockedInputs(lowering: Lowering, { inputs, inputAvals, outputAvals }: Call): readonly Value[] | undefined {
  const { graph } = lowering;
  const { shape } = outputAvals[0];
  if (!wholeBlocks(lowering, shape)) return undefined;
  const isWhole = inputAvals.map((aval) => isLike(aval.shape, shape));
  if (inputAvals.some((aval, i) => !isWhole[i] && sizeOf(aval.shape) !== 1)) return undefined;
  if (!inputs.some((input, i) => isWhole[i] && blockedForm(graph, input) !== undefined)) return undefined;
  return inputs.map((input, i) => (isWhole[i] ? toBlocked(graph, input, shape[1]) : input));
}

/** An elementwise rule, in blocks where its operands are. */
export function elementwiseInBlocks(plain: Rule): Rule {
  return (lowering, call) => {
    const inputs = blockedInputs(lowering, call);
    if (!inputs) return plain(lowering, call);
    const channels = call.outputAvals[0].shape[1];
    return plain(lowering, { ...call, inputs }).map((y) => fromBlocked(lowering.graph, y, channels));
  };
}

/** The bias [1, C, 1, 1] or [C, 1, 1] as [C], if that is what an operand is. */
function channelVector(graph: GraphBuilder, x: Value, shape: readonly number[], like: readonly number[]) {
  const isVector = sizeOf(shape) === like[1] && shape.at(-3) === like[1] && shape.length <= 4;
  return isVector && like.length === 4 ? graph.reshape(x, [like[1]]) : undefined;
}

/** A sum with the convolution that made an operand: a bias or another tensor becomes part of it. */
function addToConvolution(lowering: Lowering, call: Call): Value | undefined {
  const { graph, target } = lowering;
  const { shape } = call.outputAvals[0];
  if (target.blockSize === 1 || shape.length !== 4) return undefined;
  for (const [at, input] of call.inputs.entries()) {
    const conv = paddedBlockedForm(graph, input);
    if (conv === undefined || !call.isOnlyReader(at) || !isLike(call.inputAvals[at].shape, shape)) continue;
    const other = call.inputs[1 - at];
    const bias = channelVector(graph, other, call.inputAvals[1 - at].shape, shape);
    if (bias !== undefined) {
      const missing = (target.blockSize - (shape[1] % target.blockSize)) % target.blockSize;
      const padded = missing === 0 ? bias : graph.node('Pad', [bias, graph.vector([0, missing])]);
      const y = withEpilogue(graph, conv, { bias: padded });
      if (y !== undefined) return fromBlocked(graph, y, shape[1]);
    } else if (wholeBlocks(lowering, shape) && isLike(call.inputAvals[1 - at].shape, shape)) {
      const sum = toBlocked(graph, other, shape[1]);
      const y = sum === conv ? undefined : withEpilogue(graph, conv, { sum });
      if (y !== undefined) return fromBlocked(graph, y, shape[1]);
    }
  }
  return undefined;
}

export function addInBlocks(plain: Rule): Rule {
  const elementwise = elementwiseInBlocks(plain);
  return (lowering, call) => {
    const y = addToConvolution(lowering, call);
    return y === undefined ? elementwise(lowering, call) : [y];
  };
}

export function reluInBlocks(plain: Rule): Rule {
  const elementwise = elementwiseInBlocks(plain);
  return (lowering, call) => {
    const conv = paddedBlockedForm(lowering.graph, call.inputs[0]);
    const fused =
      conv !== undefined && call.isOnlyReader(0) ? withEpilogue(lowering.graph, conv, { relu: true }) : undefined;
    if (fused === undefined) return elementwise(lowering, call);
    return [fromBlocked(lowering.graph, fused, call.outputAvals[0].shape[1])];
  };
}

/** Whether g' is finite is read from the means of its planes, which batch normalization and a bias want anyway. */
export function reluGradInBlocks(plain: Rule): Rule {
  return (lowering, call) => {
    const { graph, assume } = lowering;
    const inputs = assume && blockedInputs(lowering, call);
    if (!inputs) return plain(lowering, call);
    const product = maskedProduct(graph, inputs[0], inputs[1]);
    assume(isFiniteSum(graph, planeMeans(graph, product)));
    return [fromBlocked(graph, product, call.outputAvals[0].shape[1])];
  };
}

/** Joining and parting whole blocks of channels: in both layouts an image's channels lie one after the other. */
export function catInBlocks(plain: Rule): Rule {
  return rule<{ dim: number }>((lowering, call) => {
    const { graph } = lowering;
    const { inputs, inputAvals, attrs, outputAvals } = call;
    const isBlocked =
      attrs.dim === 1 &&
      inputAvals.every((aval) => wholeBlocks(lowering, aval.shape)) &&
      inputs.some((x) => blockedForm(graph, x) !== undefined);
    if (!isBlocked) return plain(lowering, call);
    const parts = inputs.map((x, i) => toBlocked(graph, x, inputAvals[i].shape[1]));
    return [fromBlocked(graph, graph.node('Concat', parts, { axis: int(1) }), outputAvals[0].shape[1])];
  });
}

export function narrowInBlocks(plain: Rule): Rule {
  return rule<{ dim: number; length: number; step: number }>((lowering, call) => {
    const { graph } = lowering;
    const { inputs, inputAvals, attrs, outputAvals } = call;
    const x = blockedForm(graph, inputs[0]);
    const start = graph.valuesOf(inputs[1])?.[0];
    const isBlocked =
      x !== undefined &&
      start !== undefined &&
      attrs.dim === 1 &&
      attrs.step === 1 &&
      start % lowering.target.blockSize === 0 &&
      wholeBlocks(lowering, inputAvals[0].shape) &&
      wholeBlocks(lowering, outputAvals[0].shape);
    if (!isBlocked) return plain(lowering, call);
    return [fromBlocked(graph, graph.slice(x, [1], [start], [start + attrs.length]), attrs.length)];
  });
}

/** Sums over whole planes, and over images with them: a bias's gradient, a global mean. */
export function sumInBlocks(plain: Rule): Rule {
  return rule<{ dims: readonly number[]; keepdim: boolean }>((lowering, call) => {
    const { graph } = lowering;
    const { inputs, inputAvals, attrs, outputAvals } = call;
    const { shape } = inputAvals[0];
    const x = blockedForm(graph, inputs[0]);
    const axes = attrs.dims.join();
    if (x === undefined || !wholeBlocks(lowering, shape) || (axes !== '2,3' && axes !== '0,2,3')) {
      return plain(lowering, call);
    }
    const means = planeMeans(graph, x);
    const planes = axes === '2,3' ? means : graph.node('ReduceSum', [means, graph.vector([0])], { keepdims: int(1) });
    const sum = graph.node('Mul', [planes, graph.scalar(shape[2] * shape[3])]);
    return [graph.reshape(sum, outputAvals[0].shape)];
  });
}
