/**
 * Diagonals of second derivatives, from outputs back to parameters. What passes is ∂²E/∂y² of each value by itself, and
 * of an operation only its squared first derivatives count: the Gauss–Newton approximation, without its elements off the
 * diagonal. A linear operation y = A x gives h_x = (A∘A)ᵀ h_y, an elementwise one h_x = f′(x)² h_y, and what several
 * operations read gets the sum.
 *
 * Source: LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to document recognition", 1998, appendix C.
 */
import { isFloat } from '../dtype.js';
import { AutogradError } from '../errors.js';
import { asRule, enableGrad, modes, noGrad } from '../graph/modes.js';
import { type Node, ruleOf } from '../graph/node.js';
import type { Tensor } from '../graph/tensor.js';
import { unbroadcast } from '../ops/common.js';
import { filled, zerosOf } from '../ops/constants.js';
import type { VjpContext, VjpRule } from '../ops/def.js';
import { cat } from '../ops/joining.js';
import type { Attrs } from '../program/program.js';
import { formatAval, sameShape } from '../shape.js';
import { giveUp, grad, tapeTo } from './backward.js';

type Context = VjpContext<Attrs>;
type Back = ReturnType<VjpRule<Attrs>['backward']>;

/** The second derivatives of `wanted`, given those of `outputs`. All is recorded, without gradients. */
export function curvatureOf(
  op: string,
  outputs: readonly Tensor[],
  seeds: readonly Tensor[],
  wanted: readonly Tensor[],
  retainGraph: boolean,
): Tensor[] {
  const targets = wanted.map((t) => t._current());
  return noGrad(() =>
    asRule(() => {
      const { nodes, leads } = tapeTo(op, outputs, new Set(targets));
      const found = new Map<Tensor, Tensor>();
      const add = (t: Tensor, h: Tensor): void => {
        const there = found.get(t);
        found.set(t, there ? there.add(h) : h);
      };
      outputs.forEach((t, i) => add(t._current(), seeds[i]));
      for (const node of nodes) {
        const incoming = node.outputs.map((t) => found.get(t) ?? null);
        if (incoming.every((h) => h === null)) continue;
        const needs = node.inputs.map((t) => t._requiresGrad && isFloat(t.dtype) && leads(t));
        const back = through(op, node, incoming, needs);
        node.inputs.forEach((t, i) => {
          const h = back[i];
          if (h && needs[i]) add(t, h.to(t.dtype));
        });
      }
      if (!retainGraph) nodes.forEach(giveUp);
      return targets.map((t) => found.get(t) ?? zerosOf(t));
    }),
  );
}

function through(op: string, node: Node, incoming: readonly (Tensor | null)[], needs: readonly boolean[]): Back {
  const { inputs, outputs, attrs } = node;
  const [output] = outputs;
  const zero = (): Tensor => zerosOf(output);
  const context: Context = {
    attrs,
    inputs,
    outputs,
    output,
    needs,
    gradients: incoming,
    get gradient() {
      return incoming[0] ?? zero();
    },
  };
  const { jacobian } = node.op;
  if (node.rule !== null || jacobian === undefined) throw noRule(op, node);
  const rule = ruleOf(node)!;
  switch (jacobian) {
    case 'elementwise':
      return elementwise(rule, context);
    case 'selection':
      return rule.backward(context);
    case 'product':
      return rule.backward(Object.assign(context, { inputs: inputs.map((t) => t.square()) }));
    case 'parts':
      return throughParts(op, node, context);
    default:
      return jacobian(context);
  }
}

/** The squares of the derivatives, which the rule gives for a gradient of ones. */
function elementwise(rule: VjpRule<Attrs>, { attrs, inputs, outputs, output, needs, gradient: h }: Context): Back {
  const ones = filled(1, output.shape, output);
  // Broadcast before, so that the rule does not sum before the square.
  const whole = inputs.map((t, i) => (needs[i] && !sameShape(t.shape, output.shape) ? t.expand(output.shape) : t));
  const derivatives = rule.backward({
    attrs,
    inputs: whole,
    outputs,
    output,
    needs,
    gradient: ones,
    gradients: [ones],
  });
  return inputs.map((t, i) => {
    // x · x depends on x once, by the sum of both derivatives.
    if (!needs[i] || inputs.indexOf(t) < i) return null;
    const all = derivatives.filter((d, k): d is Tensor => Boolean(d) && inputs[k] === t);
    if (all.length === 0) return null;
    return unbroadcast(
      all
        .reduce((a, b) => a.add(b))
        .square()
        .mul(h),
      t.shape,
    );
  });
}

/** Through the operations that a composite is made of. */
function throughParts(op: string, { op: composite, inputs, attrs }: Node, { gradients, needs }: Context): Back {
  const leaves = inputs.map((t, i) => (needs[i] ? t.detach().requiresGrad_() : t.detach()));
  const outputs = enableGrad(() => composite.decompose!(leaves, attrs));
  const given = gradients.flatMap((h, i) => (h ? [i] : []));
  const wanted = leaves.filter((_, i) => needs[i]);
  const found = curvatureOf(
    op,
    given.map((i) => outputs[i]),
    given.map((i) => gradients[i]!),
    wanted,
    false,
  );
  return leaves.map((t) => found[wanted.indexOf(t)] ?? null);
}

/** What to do instead, where that is known. */
const REMEDIES: Readonly<Record<string, string>> = {
  batchNorm: 'It mixes the samples of a batch: call eval() on the network, so that it uses its running statistics.',
  crossEntropy: 'That is a loss: give the output of the network, and the loss as { loss }.',
  nllLoss: 'That is a loss: give the output of the network, and the loss as { loss }.',
  logSoftmax: 'Take the logits for outputs; the loss may go on from there.',
  softmax: 'Take the logits for outputs; the loss may go on from there.',
  checkpoint: 'Call the function without checkpointing here.',
};

function noRule(op: string, { op: { name }, inputs }: Node): AutogradError {
  const remedy =
    REMEDIES[name] ??
    "Its definition has no 'jacobian': the derivative has none of the forms that are known, which are those of " +
      'convolutions, linear layers, pooling, elementwise functions, and batch normalization with running statistics.';
  return new AutogradError(
    `${op}: second derivatives do not pass through ${name}(${inputs.map(formatAval).join(', ')}). ${remedy}`,
  );
}

/** So many columns are tried one by one. */
const MOST_COLUMNS = 1024;

/**
 * ∂²loss/∂output² of each element of `outputs`, where the loss of a batch is a sum over its samples: a second derivative
 * along each column, of all samples at once.
 */
export function lossCurvature(op: string, loss: Tensor, outputs: Tensor, retainGraph: boolean): Tensor {
  const columns = outputs.numel() / (outputs.shape[0] ?? 1);
  if (columns > MOST_COLUMNS) {
    throw new AutogradError(
      `${op}: the outputs ${formatAval(outputs)} have ${columns} elements a sample, and the second derivative of the loss ` +
        `is taken along each; at most ${MOST_COLUMNS} are. Give it as { curvature }.`,
    );
  }
  const { training } = modes;
  // The gradient's own tape ends here: a run keeps nothing for it.
  modes.training = false;
  try {
    return asRule(() => {
      const [g] = loss.requiresGrad ? grad(loss, [outputs], { createGraph: true, allowUnused: true }) : [null];
      if (!g) {
        throw new AutogradError(
          `${op}: the loss does not depend on these outputs, ${formatAval(outputs)}. Make it of the very tensor that is ` +
            `given, not of another call of the network.`,
        );
      }
      const seconds = g.requiresGrad ? alongColumns(g, outputs, columns) : zerosOf(outputs);
      if (!retainGraph) tapeTo(op, [loss], new Set([outputs._current()])).nodes.forEach(giveUp);
      return seconds;
    });
  } finally {
    modes.training = training;
  }
}

/** ∂g[n, i]/∂outputs[n, i], for one i after the other. */
function alongColumns(g: Tensor, outputs: Tensor, columns: number): Tensor {
  const rows = enableGrad(() => g.reshape([-1, columns]));
  const found = Array.from({ length: columns }, (_, i) => {
    const column = enableGrad(() => rows.select(1, i).sum());
    const [second] = grad(column, [outputs], { retainGraph: true, allowUnused: true });
    return (second ?? zerosOf(outputs)).reshape([-1, columns]).narrow(1, i, 1);
  });
  return noGrad(() => cat(found, 1).reshape([...outputs.shape]));
}
