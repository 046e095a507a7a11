/**
 * Sums of products in Einstein's notation, by permute, reshape and matmul.
 */
import { isFloat, promote } from '../dtype.js';
import { ShapeError } from '../errors.js';
import { checkTensor } from '../graph/record.js';
import type { Tensor } from '../graph/tensor.js';
import { formatAval, sizeOf } from '../shape.js';
import { castTo } from './common.js';
import { composed } from './compose.js';

/** A tensor whose axes have labels, each once. */
interface Labelled {
  readonly x: Tensor;
  readonly labels: readonly string[];
}

interface Equation {
  /** Labels an axis, one list an operand; the axes of `...` are called `.0`, `.1`, … from the last one. */
  readonly inputs: readonly (readonly string[])[];
  readonly output: readonly string[];
}

/**
 * The sum of products that `equation` says: `torch.einsum`.
 *
 * Each letter names an axis. Letters that the output does not have are summed over; a letter twice in one operand takes
 * its diagonal; `...` stands for any axes, which broadcast. Without `->` the output has the letters that occur once, in
 * alphabetical order, after `...`.
 *
 * @throws ShapeError if the equation does not fit the operands.
 * @example
 * const a = tensor([[1, 2], [3, 4]]);
 * await einsum('ij,jk->ik', a, a).toArray(); // [[7, 10], [15, 22]]
 * await einsum('ii', a).item(); // 5
 */
export function einsum(equation: string, ...operands: readonly Tensor[]): Tensor {
  for (const x of operands) checkTensor('einsum', x);
  const { inputs, output } = parse(equation, operands);
  const sizes = labelSizes(equation, operands, inputs);
  return composed(() => {
    const dtype = operands.map((x) => x.dtype).reduce(promote);
    let rest = operands.map((x, i) =>
      withoutBroadcast(withoutRepeats({ x: castTo(x, dtype), labels: inputs[i] }), sizes),
    );
    while (rest.length > 1) {
      const [a, b, ...others] = rest;
      const wanted = new Set([...output, ...others.flatMap((o) => o.labels)]);
      rest = [contract(a, b, wanted), ...others];
    }
    const { x, labels } = summed(rest[0], new Set(output));
    return x.permute(output.map((label) => labels.indexOf(label)));
  });
}

function fail(equation: string, operands: readonly Tensor[], why: string): never {
  throw new ShapeError(`einsum: '${equation}' does not fit ${operands.map(formatAval).join(' and ')}: ${why}`);
}

function parse(equation: string, operands: readonly Tensor[]): Equation {
  const [left, right, ...more] = equation.replaceAll(' ', '').split('->');
  const terms = left.split(',');
  if (more.length > 0) fail(equation, operands, "it has more than one '->'");
  if (terms.length !== operands.length) {
    fail(equation, operands, `it names ${terms.length} operands, there are ${operands.length}`);
  }
  const inputs = terms.map((term, i) => {
    const { before, after, dots } = splitTerm(equation, operands, term);
    const extra = operands[i].ndim - before.length - after.length;
    if (extra < 0 || (extra > 0 && !dots)) {
      fail(equation, operands, `'${term}' names ${before.length + after.length} axes of ${formatAval(operands[i])}`);
    }
    return [...before, ...dotLabels(extra), ...after];
  });
  const all = inputs.flat();
  const mostDots = dotLabels(
    all.reduce((most, label) => (label[0] === '.' ? Math.max(most, Number(label.slice(1)) + 1) : most), 0),
  );
  if (right === undefined) {
    const once = all.filter((label) => label[0] !== '.' && all.indexOf(label) === all.lastIndexOf(label));
    return { inputs, output: [...mostDots, ...once.sort()] };
  }
  const { before, after, dots } = splitTerm(equation, operands, right);
  const output = [...before, ...(dots ? mostDots : []), ...after];
  for (const label of output) {
    if (!all.includes(label)) fail(equation, operands, `no operand has the output's axis '${label}'`);
    if (output.indexOf(label) !== output.lastIndexOf(label))
      fail(equation, operands, `the output has the axis '${label}' twice`);
  }
  return { inputs, output };
}

function splitTerm(
  equation: string,
  operands: readonly Tensor[],
  term: string,
): { before: string[]; after: string[]; dots: boolean } {
  const match = /^([A-Za-z]*)(\.\.\.)?([A-Za-z]*)$/.exec(term);
  if (!match) fail(equation, operands, `'${term}' is not made of letters and one '...'`);
  return { before: [...match[1]], after: [...match[3]], dots: match[2] !== undefined };
}

/** `.2 .1 .0` for three axes: numbered from the last, so that they line up as broadcasting does. */
const dotLabels = (count: number): string[] => Array.from({ length: count }, (_, i) => `.${count - 1 - i}`);

function labelSizes(equation: string, operands: readonly Tensor[], inputs: Equation['inputs']): Map<string, number> {
  const sizes = new Map<string, number>();
  inputs.forEach((labels, k) =>
    labels.forEach((label, axis) => {
      const size = operands[k].shape[axis];
      const known = sizes.get(label) ?? 1;
      if (known !== 1 && size !== 1 && size !== known) {
        fail(equation, operands, `the axis '${label[0] === '.' ? '...' : label}' has size ${known} and ${size}`);
      }
      sizes.set(label, size === 1 ? known : size);
    }),
  );
  return sizes;
}

/** The diagonal where an operand has a label twice. */
function withoutRepeats({ x, labels }: Labelled): Labelled {
  let label = labels.find((l, i) => labels.indexOf(l) !== i);
  while (label !== undefined) {
    const [a, b] = [labels.indexOf(label), labels.lastIndexOf(label)];
    // Sizes 1 and n broadcast, too.
    const size = Math.max(x.shape[a], x.shape[b]);
    x = x.expand(x.shape.map((n, i) => (i === a || i === b ? size : n))).diagonal(0, a, b);
    labels = [...labels.filter((l) => l !== label || labels.indexOf(l) === -1).filter((l) => l !== label), label];
    label = labels.find((l, i) => labels.indexOf(l) !== i);
  }
  return { x, labels };
}

/** Without the axes of size 1 that another operand has larger: they broadcast. */
function withoutBroadcast({ x, labels }: Labelled, sizes: ReadonlyMap<string, number>): Labelled {
  const stays = labels.map((label, axis) => x.shape[axis] === sizes.get(label));
  return {
    x: x.squeeze([...labels.keys()].filter((axis) => !stays[axis])),
    labels: labels.filter((_, axis) => stays[axis]),
  };
}

/** Summed over the labels that nobody wants. */
function summed({ x, labels }: Labelled, wanted: ReadonlySet<string>): Labelled {
  const dims = [...labels.keys()].filter((axis) => !wanted.has(labels[axis]));
  return dims.length === 0 ? { x, labels } : { x: x.sum(dims), labels: labels.filter((label) => wanted.has(label)) };
}

/** Two operands as one: a batched matrix product over what both have and nobody else wants. */
function contract(first: Labelled, second: Labelled, wanted: ReadonlySet<string>): Labelled {
  const a = summed(first, new Set([...wanted, ...second.labels]));
  const b = summed(second, new Set([...wanted, ...first.labels]));
  const both = a.labels.filter((label) => b.labels.includes(label));
  const batch = both.filter((label) => wanted.has(label));
  const inner = both.filter((label) => !wanted.has(label));
  const rows = a.labels.filter((label) => !both.includes(label));
  const columns = b.labels.filter((label) => !both.includes(label));
  const sizeIn = ({ x, labels }: Labelled, names: readonly string[]): number[] =>
    names.map((label) => x.shape[labels.indexOf(label)]);
  const grouped = (operand: Labelled, groups: readonly (readonly string[])[]): Tensor =>
    operand.x
      .permute(groups.flat().map((label) => operand.labels.indexOf(label)))
      .reshape(groups.map((names) => sizeOf(sizeIn(operand, names))));
  const left = grouped(a, [batch, rows, inner]);
  const right = grouped(b, [batch, inner, columns]);
  const product =
    inner.length > 0 && isFloat(left.dtype) ? left.matmul(right) : left.unsqueeze(3).mul(right.unsqueeze(1)).sum(2);
  return {
    x: product.reshape([...sizeIn(a, batch), ...sizeIn(a, rows), ...sizeIn(b, columns)]),
    labels: [...batch, ...rows, ...columns],
  };
}
