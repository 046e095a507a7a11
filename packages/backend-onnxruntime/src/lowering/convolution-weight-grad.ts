/**
 * The gradient of a convolution to its weight: g [N, O, …out] against the cells of x [N, C, …] that each tap of the
 * kernel reads.
 */
import { type ConvAttrs, coversInput, type Form } from './convolution.js';
import { int, ints, type Value } from './graph.js';
import type { Call } from './rule.js';
import { cutNegative, type Padding, sizeOf, windowAttributes } from './spatial.js';

export type WeightGradAttrs = ConvAttrs & { readonly kernelSize: readonly number[] };
type WeightGradForm = Form<WeightGradAttrs>;
type WeightGradCall = Call<WeightGradAttrs>;

/** The padding with which the windows just fill the padded input: cells that no window reads are cut off. */
function tightPadding({ attrs, inputAvals: [x, g] }: WeightGradCall): Padding {
  const { stride, dilation, padding, kernelSize } = attrs;
  return padding.map(([before], i) => {
    const read = (g.shape[i + 2] - 1) * stride[i] + dilation[i] * (kernelSize[i] - 1) + 1;
    return [before, read - before - x.shape[i + 2]];
  });
}

/**
 * `Conv` of x with g as its kernel: channels take the place of the batch and the batch that of the channels, stride and
 * dilation change places. In groups: [C/groups, groups·N, …] with groups of N channels.
 */
const weightGradByConv: WeightGradForm = ({ graph }, call) => {
  const { attrs, inputs, inputAvals, outputAvals } = call;
  const [x, g] = inputAvals.map((aval) => aval.shape);
  const { groups, stride, dilation } = attrs;
  const [batch, channels] = x;
  const perGroup = channels / groups;
  const size = x.slice(2);
  const axes = size.map((_, i) => i + 2);
  const cut = cutNegative(graph, inputs[0], size, tightPadding(call));
  let data: Value = cut.x;
  if (groups === 1) {
    data = graph.transpose(data, [1, 0, ...axes]);
  } else {
    data = graph.reshape(data, [batch, groups, perGroup, ...cut.size]);
    data = graph.transpose(data, [2, 1, 0, ...axes.map((axis) => axis + 1)]);
    data = graph.reshape(data, [perGroup, groups * batch, ...cut.size]);
  }
  const kernel = graph.transpose(inputs[1], [1, 0, ...axes]);
  const dw = graph.node('Conv', [data, kernel], {
    ...windowAttributes(g.slice(2), dilation, cut.padding),
    dilations: ints(stride),
    group: int(groups),
  });
  // [C/groups, O, …kernel]
  return perGroup === 1 ? graph.reshape(dw, outputAvals[0].shape) : graph.transpose(dw, [1, 0, ...axes]);
};

/** gᵀ [O, N] · x [N, C·K]. */
const weightGradProduct: WeightGradForm = ({ graph }, { inputs, inputAvals: [x, g], outputAvals: [w] }) => {
  const operands = [
    graph.reshape(inputs[1], [g.shape[0], g.shape[1]]),
    graph.reshape(inputs[0], [x.shape[0], sizeOf(x.shape.slice(1))]),
  ];
  return graph.reshape(graph.node('Gemm', operands, { transA: int(1) }), w.shape);
};

export function chooseWeightGrad({ attrs, inputAvals: [x] }: WeightGradCall): WeightGradForm {
  if (coversInput(attrs, x.shape.slice(2), attrs.kernelSize)) return weightGradProduct;
  return weightGradByConv;
}
