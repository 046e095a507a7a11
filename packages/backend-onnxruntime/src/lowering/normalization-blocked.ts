/**
 * Batch normalization of tensors in ONNX Runtime's blocked layout, in which convolutions give and take them.
 *
 * All of it is done with what runs at the speed of memory there: an affine map of channels is a depthwise 1×1
 * convolution, and sums are means of planes.
 */
import { type Call, type GraphBuilder, int, type Lowering, NONE, sizeOf, type Value } from '@fakkel/onnx/lowering';
import { blockedAffine, blockedForm, fromBlocked, isFiniteSum, planeMeans, toBlocked } from './blocked.js';
import { wholeBlocks } from './blockwise.js';

type Shape = readonly number[];

const over = (graph: GraphBuilder, x: Value, axis: number): Value =>
  graph.node('ReduceSum', [x, graph.vector([axis])], { keepdims: int(0) });

/** Σ x of each channel, divided by `by`. */
function channelSums(graph: GraphBuilder, x: Value, [batch, channels, ...size]: Shape, by = 1): Value {
  const sums = over(graph, graph.reshape(planeMeans(graph, x), [batch, channels]), 0);
  const factor = sizeOf(size) / by;
  return factor === 1 ? sums : graph.node('Mul', [sums, graph.scalar(factor)]);
}

const inverseDeviation = (graph: GraphBuilder, variance: Value, eps: Value): Value =>
  graph.node('Reciprocal', [graph.node('Sqrt', [graph.node('Add', [variance, eps])])]);

const square = (graph: GraphBuilder, x: Value): Value => graph.node('Mul', [x, x]);

/** A mean of this many standard deviations costs Σx²/m − mean² two digits of seven: beyond, x is centered first. */
const LARGEST_MEAN = 5;

/** x − mean of a blocked tensor. */
function centered(graph: GraphBuilder, x: Value, mean: Value, channels: number): Value {
  const ones = graph.node('Expand', [graph.scalar(1), graph.vector([channels])]);
  return blockedAffine(graph, x, channels, ones, graph.node('Neg', [mean]));
}

/** `usual` if no mean is more than that many standard deviations, else `careful`: [C]. */
function ifSmallMean(
  graph: GraphBuilder,
  [mean, variance]: readonly [Value, Value],
  channels: number,
  usual: () => Value,
  careful: () => Value,
): Value {
  const allowed = graph.node('Mul', [variance, graph.scalar(LARGEST_MEAN ** 2)]);
  const excess = graph.node('ReduceMax', [graph.node('Sub', [square(graph, mean), allowed])], { keepdims: int(0) });
  const [chosen] = graph.choose(
    graph.node('LessOrEqual', [excess, graph.scalar(0)]),
    [{ shape: [channels], dtype: 'float32' }],
    () => [usual()],
    () => [careful()],
  );
  return chosen;
}

function varianceOf(graph: GraphBuilder, x: Value, mean: Value, shape: Shape): Value {
  const count = sizeOf(shape) / shape[1];
  const meanSquare = (v: Value): Value => channelSums(graph, square(graph, v), shape, count);
  const variance = graph.node('Sub', [meanSquare(x), square(graph, mean)]);
  return ifSmallMean(
    graph,
    [mean, variance],
    shape[1],
    () => variance,
    () => meanSquare(centered(graph, x, mean, shape[1])),
  );
}

/** y, mean and biased variance; undefined where x is not in blocks. */
export function batchNormInBlocks(lowering: Lowering, { inputs, inputAvals }: Call): readonly Value[] | undefined {
  const { graph } = lowering;
  const [plain, weight, bias, eps] = inputs;
  const { shape } = inputAvals[0];
  const x = blockedForm(graph, plain);
  if (x === undefined || !lowering.assume || !wholeBlocks(lowering, shape)) return undefined;
  const mean = channelSums(graph, x, shape, sizeOf(shape) / shape[1]);
  const variance = varianceOf(graph, x, mean, shape);
  // Squares of 2e19 overflow: the exact form scales x.
  lowering.assume(isFiniteSum(graph, variance));
  const scale = graph.node('Mul', [weight, inverseDeviation(graph, variance, eps)]);
  const shift = graph.node('Sub', [bias, graph.node('Mul', [mean, scale])]);
  return [fromBlocked(graph, blockedAffine(graph, x, shape[1], scale, shift), shape[1]), mean, variance];
}

/**
 * The gradients of x, weight and bias; undefined where neither g nor x is in blocks. With x̂ = (x − mean) / σ:
 * dx = weight/σ · (g − Σg/m − x̂ · Σ(g x̂)/m), written as an affine map of g and one of x.
 */
export function batchNormGradInBlocks(
  lowering: Lowering,
  { inputs, inputAvals, isRead }: Call,
): readonly Value[] | undefined {
  const { graph } = lowering;
  const [plainG, plainX, weight, mean, variance, eps] = inputs;
  const { shape } = inputAvals[1];
  const isBlocked = [plainG, plainX].some((v) => blockedForm(graph, v) !== undefined);
  if (!isBlocked || !wholeBlocks(lowering, shape)) return undefined;
  const [g, x] = [plainG, plainX].map((v) => toBlocked(graph, v, shape[1]));

  const inverse = inverseDeviation(graph, variance, eps);
  const dbias = channelSums(graph, g, shape);
  const dots = (v: Value): Value => channelSums(graph, graph.node('Mul', [g, v]), shape);
  // Σ g·(x − mean) = Σ g·x − mean · Σg
  const difference = graph.node('Sub', [dots(x), graph.node('Mul', [mean, dbias])]);
  const dot = ifSmallMean(
    graph,
    [mean, variance],
    shape[1],
    () => difference,
    () => dots(centered(graph, x, mean, shape[1])),
  );
  const dweight = graph.node('Mul', [dot, inverse]);
  if (!isRead(0)) return [NONE, dweight, dbias];
  const count = graph.scalar(sizeOf(shape) / shape[1]);
  const scale = graph.node('Mul', [weight, inverse]);
  // dx = scale·g − slope·x + (slope·mean − scale·Σg/m)
  const slope = graph.node('Mul', [scale, graph.node('Div', [graph.node('Mul', [dweight, inverse]), count])]);
  const shift = graph.node('Sub', [
    graph.node('Mul', [slope, mean]),
    graph.node('Mul', [scale, graph.node('Div', [dbias, count])]),
  ]);
  const scaled = blockedAffine(graph, g, shape[1], scale);
  const dx = blockedAffine(graph, x, shape[1], graph.node('Neg', [slope]), shift, scaled);
  return [fromBlocked(graph, dx, shape[1]), dweight, dbias];
}
