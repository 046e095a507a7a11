/**
 * Summary: what each layer of a network puts out, holds and computes.
 */
import { hide, noGrad } from '../graph/modes.js';
import { describe } from '../graph/record.js';
import type { Node } from '../graph/node.js';
import { isTensor, Tensor } from '../graph/tensor.js';
import { getDefaultDevice } from '../runtime/device.js';
import { Storage } from '../runtime/storage.js';
import { checkShape, formatShape, sizeOf, type Shape } from '../shape.js';
import { Parameter } from '../runtime/cell.js';
import { Module, observeCalls } from './module.js';

/** One call of one module. */
export interface SummaryRow {
  /** Its dotted name; '' for the network itself. */
  readonly name: string;
  readonly className: string;
  /** How deep it is in the tree. */
  readonly depth: number;
  /** The shape of its output, several if it returns several tensors; null if it was not called. */
  readonly outputShape: Shape | readonly Shape[] | null;
  /** Elements of its own parameters, without those of its children; each parameter counts once. */
  readonly parameters: number;
  /** Multiply-accumulates of its own operations, without those of its children. */
  readonly macs: number;
}

export interface Summary {
  /** In the order of the calls, a module before what it calls; then modules with parameters that were not called. */
  readonly rows: readonly SummaryRow[];
  readonly totals: {
    readonly parameters: number;
    /** Those that require gradients. */
    readonly trainable: number;
    readonly macs: number;
  };
  /** A table. */
  toString(): string;
}

export interface SummaryOptions {
  /** Names of rows deeper than this are left out of the table, not of the rows. Default: all. */
  depth?: number;
}

/** What a network is summarized for: the shape of its input, or several shapes or tensors. */
export type SummaryInput = Shape | Tensor | readonly (Shape | Tensor)[];

/**
 * Calls a network without computing anything, and says for each layer the shape of its output, how many parameters it
 * holds and how many multiply-accumulates it takes.
 *
 * Multiply-accumulates are counted on the operations that the call records: matrix products (output elements × inner
 * size) and convolutions (output elements × kernel cells × input channels a group; transposed ones: input elements ×
 * kernel cells × output channels a group). Adding biases, activations, pooling and normalization count as none, as is
 * customary. The counts are those of the given batch: give a batch of one for those of one sample.
 *
 * The call is made in evaluation mode and without gradients; modes are restored, and hooks are not called.
 *
 * @param model The network.
 * @param input The shape of its input with the batch, `[1, 1, 32, 32]`; a list of shapes or tensors where forward takes
 *   several. Shapes become zeros of the dtype of the first parameter.
 * @param options `depth`: how deep the table goes.
 * @example
 * const net = new nn.Sequential(new nn.Conv2d(1, 6, 5), new nn.ReLU(), new nn.Flatten(), new nn.Linear(4704, 10));
 * const { totals } = nn.summary(net, [1, 1, 32, 32]);
 * totals; // { parameters: 47206, trainable: 47206, macs: 164640 }
 */
export function summary(model: Module, input: SummaryInput, options: SummaryOptions = {}): Summary {
  if (!(model instanceof Module)) throw new TypeError(`summary: expected a module, got ${describe(model)}`);
  const inputs = inputsOf(model, input);
  const watch = new Watch(model, inputs);
  const saved = model.modules().map((module) => [module, module.training] as const);
  model.eval();
  try {
    noGrad(() => hide(() => observeCalls(watch, () => (model as (...args: unknown[]) => unknown)(...inputs))));
  } finally {
    // Parents come first: train() sets what is below too.
    for (const [module, training] of saved) module.train(training);
  }
  const rows = watch.finish();
  const parameters = model.parameters();
  const count = (list: readonly Parameter[]): number => list.reduce((n, p) => n + p.numel(), 0);
  const totals = {
    parameters: count(parameters),
    trainable: count(parameters.filter((p) => p.requiresGrad)),
    macs: rows.reduce((n, row) => n + row.macs, 0),
  };
  return { rows, totals, toString: () => table(rows, totals, options.depth ?? Infinity) };
}

function inputsOf(model: Module, input: SummaryInput): Tensor[] {
  const first = model.parameters()[0];
  const make = (shape: Shape): Tensor => {
    checkShape('summary', shape);
    const t = new Tensor({ shape: [...shape], dtype: first?.dtype ?? 'float32' }, first?.device ?? getDefaultDevice());
    // Filled when it is read, which it never is.
    t._storage = Storage.filled(t, 0, 'data');
    return t;
  };
  if (isTensor(input)) return [input];
  if (!Array.isArray(input))
    throw new TypeError(`summary: expected the shape of the input, such as [1, 1, 32, 32], got ${describe(input)}`);
  if (input.every((size) => typeof size === 'number')) return [make(input)];
  return (input as (Shape | Tensor)[]).map((item) => {
    if (isTensor(item)) return item;
    if (Array.isArray(item)) return make(item);
    throw new TypeError(`summary: expected shapes or tensors, got ${describe(item)}`);
  });
}

interface Row {
  name: string;
  module: Module;
  depth: number;
  outputShape: SummaryRow['outputShape'];
  parameters: number;
  macs: number;
}

/** Follows the calls, and gives each recorded operation to the innermost module that made it. */
class Watch {
  private readonly names: Map<Module, string>;
  private readonly rows: Row[] = [];
  private readonly open: Row[] = [];
  private readonly seen = new Set<Node>();
  private readonly counted = new Set<Parameter>();

  constructor(
    private readonly model: Module,
    private readonly inputs: readonly Tensor[],
  ) {
    this.names = new Map(model.namedModules().map(([name, module]) => [module, name]));
    this.claim(inputs, null);
  }

  enter(module: Module, args: readonly unknown[]): void {
    this.claim(args, this.open.at(-1) ?? null);
    const row = this.row(module);
    this.rows.push(row);
    this.open.push(row);
  }

  leave(_module: Module, output: unknown): void {
    const row = this.open.pop()!;
    const tensors = tensorsIn(output);
    this.claim(tensors, row);
    row.outputShape = tensors.length === 1 ? tensors[0].shape : tensors.map((t) => t.shape);
  }

  finish(): SummaryRow[] {
    const called = new Set(this.rows.map((row) => row.module));
    for (const module of this.model.modules()) {
      if (called.has(module)) continue;
      const row = this.row(module);
      if (row.parameters > 0) this.rows.push(row);
    }
    return this.rows.map(({ module, ...row }) => ({ ...row, className: module.constructor.name }));
  }

  private row(module: Module): Row {
    // A module that is made during the call is nobody's child.
    const name = this.names.get(module) ?? `(${module.constructor.name})`;
    let parameters = 0;
    for (const [, value] of module._entries()) {
      if (!(value instanceof Parameter) || this.counted.has(value)) continue;
      this.counted.add(value);
      parameters += value.numel();
    }
    const depth = name === '' ? 0 : name.split('.').length;
    return { name, module, depth, outputShape: null, parameters, macs: 0 };
  }

  /** Counts what `values` were computed from, as far as nobody has yet. */
  private claim(values: readonly unknown[], row: Row | null): void {
    const stack = tensorsIn(values);
    for (let t = stack.pop(); t; t = stack.pop()) {
      // A cell's pending write was recorded before the call; so was what the inputs were computed from.
      if (t._version || (row && this.inputs.includes(t))) continue;
      const node = t._resolve()._recipe;
      if (!node || this.seen.has(node)) continue;
      this.seen.add(node);
      if (row) row.macs += macsOf(node);
      stack.push(...node.inputs);
    }
  }
}

function tensorsIn(value: unknown, depth = 0): Tensor[] {
  if (isTensor(value)) return [value._current()];
  if (typeof value !== 'object' || value === null || depth > 8) return [];
  return Object.values(value).flatMap((item) => tensorsIn(item, depth + 1));
}

/** Multiply-accumulates of one operation. */
function macsOf(node: Node): number {
  const [a, b] = node.inputs;
  switch (node.op.name) {
    case 'matmul': {
      const inner = a.shape.at((node.attrs as { transA?: boolean }).transA ? -2 : -1)!;
      return sizeOf(node.outputs[0].shape) * inner;
    }
    case 'conv':
      return sizeOf(node.outputs[0].shape) * sizeOf(b.shape.slice(1));
    case 'convInputGrad':
      return sizeOf(a.shape) * sizeOf(b.shape.slice(1));
    default:
      return 0;
  }
}

function table(rows: readonly SummaryRow[], totals: Summary['totals'], depth: number): string {
  const number = (n: number): string => n.toLocaleString('en-US');
  const shape = ({ outputShape: s }: SummaryRow): string =>
    s === null
      ? '(not called)'
      : typeof s[0] === 'object'
        ? (s as readonly Shape[]).map(formatShape).join(' ')
        : formatShape(s as Shape);
  const cells = [
    ['Layer', 'Output shape', 'Parameters', 'MACs'],
    ...rows
      .filter((row) => row.depth <= depth)
      .map((row) => [
        `${'  '.repeat(row.depth)}${row.name === '' ? row.className : `${row.name}: ${row.className}`}`,
        shape(row),
        row.parameters === 0 ? '' : number(row.parameters),
        row.macs === 0 ? '' : number(row.macs),
      ]),
    ['Total', '', number(totals.parameters), number(totals.macs)],
  ];
  const widths = cells[0].map((_, i) => Math.max(...cells.map((line) => line[i].length)));
  const lines = cells.map((line) =>
    line
      .map((cell, i) => (i < 2 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
      .join('  ')
      .trimEnd(),
  );
  const rule = '-'.repeat(widths.reduce((a, b) => a + b, 0) + 2 * (widths.length - 1));
  const frozen = totals.parameters - totals.trainable;
  return [
    lines[0],
    rule,
    ...lines.slice(1, -1),
    rule,
    lines.at(-1)!,
    ...(frozen > 0 ? [`${number(totals.trainable)} trainable, ${number(frozen)} frozen`] : []),
  ].join('\n');
}
