/**
 * Summary: what each layer of a network puts out, holds and computes.
 */
import { ShapeError } from '../errors.js';
import { Parameter } from '../runtime/cell.js';
import { byteSize, formatShape, type Shape } from '../shape.js';
import { peakBytes, savedBytes } from './activation-memory.js';
import { type ModuleCall, type SummaryInput, traced } from './calls.js';
import type { Module } from './module.js';

/** One call of one module. */
export interface SummaryRow {
  /** Its dotted name; '' for the network itself. */
  readonly name: string;
  readonly className: string;
  /** How deep it is in the tree. */
  readonly depth: number;
  /** The shapes of the tensors that it was called with; empty if it was not called. */
  readonly inputShapes: readonly Shape[];
  /** The shape of its output, several if it returns several tensors; null if it was not called. */
  readonly outputShape: Shape | readonly Shape[] | null;
  /** Bytes of its output. */
  readonly outputBytes: number;
  /** Elements of its own parameters, without those of its children; each parameter counts once. */
  readonly parameters: number;
  /** Multiply-accumulates of its own operations, without those of its children. */
  readonly macs: number;
}

/** Bytes of what a network computes on its way, for the given batch; without the input, parameters and buffers. */
export interface ActivationMemory {
  /**
   * What waits for the backward pass in training: every value that a gradient rule of the call reads, once. null where
   * the network can't be called in training mode with this input: batch normalization over one value a channel.
   */
  readonly training: number | null;
  /**
   * The most that is alive at once in inference, when operations run in the order of the call and each value goes after
   * its last use. An engine that fuses operations or works in place needs less, one that takes scratch memory more.
   */
  readonly inference: number;
}

/** What all layers hold and compute together. */
export interface SummaryTotals {
  readonly parameters: number;
  /** Those that require gradients. */
  readonly trainable: number;
  readonly macs: number;
  /** Bytes of the parameters. */
  readonly parameterBytes: number;
  /** Bytes of the buffers: running statistics. */
  readonly bufferBytes: number;
  readonly activations: ActivationMemory;
}

export interface Summary {
  /** In the order of the calls, a module before what it calls; then modules with parameters that were not called. */
  readonly rows: readonly SummaryRow[];
  readonly totals: SummaryTotals;
  /** A table. */
  toString(): string;
}

export interface SummaryOptions {
  /** Names of rows deeper than this are left out of the table, not of the rows. Default: all. */
  depth?: number;
}

/**
 * Calls a network without computing anything, and says for each layer the shapes of its input and output, how many
 * parameters it holds and how many multiply-accumulates it takes; and for the whole how much memory that needs.
 *
 * Multiply-accumulates are counted on the operations that the call records: matrix products (output elements × inner
 * size) and convolutions (output elements × kernel cells × input channels a group; transposed ones: input elements ×
 * kernel cells × output channels a group). Adding biases, activations, pooling and normalization count as none, as is
 * customary. The counts are those of the given batch: give a batch of one for those of one sample.
 *
 * Memory of activations is counted on the same operations: see {@link ActivationMemory}. For training the network is
 * called a second time, in training mode and with gradients.
 *
 * The first call is made in evaluation mode and without gradients; modes are restored, hooks are not called, buffers and
 * random generators stay as they are.
 *
 * @param model The network.
 * @param input The shape of its input with the batch, `[1, 1, 32, 32]`; a list of shapes or tensors where forward takes
 *   several. Shapes become zeros of the dtype of the first parameter.
 * @param options `depth`: how deep the table goes.
 * @example
 * const net = new nn.Sequential(new nn.Conv2d(1, 6, 5), new nn.ReLU(), new nn.Flatten(), new nn.Linear(4704, 10));
 * const { totals } = nn.summary(net, [1, 1, 32, 32]);
 * totals.parameters; // 47206
 * totals.macs; // 164640
 * totals.activations; // { training: 37632, inference: 37656 }: two maps of 6 × 28 × 28, and while it is added, the bias
 */
export function summary(model: Module, input: SummaryInput, options: SummaryOptions = {}): Summary {
  const trace = traced('summary', model, input, false);
  const rows = rowsOf(model, trace.calls);
  const [parameters, buffers] = [model.parameters(), model.buffers()];
  const sum = <T>(list: readonly T[], of: (item: T) => number): number => list.reduce((n, item) => n + of(item), 0);
  const totals: SummaryTotals = {
    parameters: sum(parameters, (p) => p.numel()),
    trainable: sum(parameters, (p) => (p.requiresGrad ? p.numel() : 0)),
    macs: sum(rows, (row) => row.macs),
    parameterBytes: sum(parameters, byteSize),
    bufferBytes: sum(buffers, byteSize),
    activations: { training: trainingBytes(model, input), inference: peakBytes(trace) },
  };
  return { rows, totals, toString: () => table(rows, totals, options.depth ?? Infinity) };
}

/** The call in evaluation mode has passed: what is wrong now is that training mode wants more values a channel. */
function trainingBytes(model: Module, input: SummaryInput): number | null {
  try {
    return savedBytes(traced('summary', model, input, true));
  } catch (error) {
    if (error instanceof ShapeError) return null;
    throw error;
  }
}

function rowsOf(model: Module, calls: readonly ModuleCall[]): SummaryRow[] {
  const counted = new Set<Parameter>();
  const row = (name: string, module: Module, call?: ModuleCall): SummaryRow => {
    let parameters = 0;
    for (const [, value] of module._entries()) {
      if (!(value instanceof Parameter) || counted.has(value)) continue;
      counted.add(value);
      parameters += value.numel();
    }
    const shapes = call?.outputs.map(({ shape }) => shape) ?? [];
    return {
      name,
      className: module.constructor.name,
      depth: name === '' ? 0 : name.split('.').length,
      inputShapes: call?.inputs.map(({ shape }) => shape) ?? [],
      outputShape: !call ? null : shapes.length === 1 ? shapes[0] : shapes,
      outputBytes: (call?.outputs ?? []).reduce((n, value) => n + byteSize(value), 0),
      parameters,
      macs: (call?.operations ?? []).reduce((n, operation) => n + operation.macs, 0),
    };
  };
  const rows = calls.map((call) => row(call.name, call.module, call));
  const called = new Set(calls.map((call) => call.module));
  const others = model.namedModules().filter(([, module]) => !called.has(module));
  return [...rows, ...others.map(([name, module]) => row(name, module)).filter((r) => r.parameters > 0)];
}

function table(rows: readonly SummaryRow[], totals: SummaryTotals, depth: number): string {
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
  const { training, inference } = totals.activations;
  const frozen = totals.parameters - totals.trainable;
  return [
    lines[0],
    rule,
    ...lines.slice(1, -1),
    rule,
    lines.at(-1)!,
    ...(frozen > 0 ? [`${number(totals.trainable)} trainable, ${number(frozen)} frozen`] : []),
    `Memory: parameters ${bytes(totals.parameterBytes)}${totals.bufferBytes > 0 ? `, buffers ${bytes(totals.bufferBytes)}` : ''}, ` +
      `activations ${training === null ? '' : `${bytes(training)} in training, `}${bytes(inference)} in inference`,
  ].join('\n');
}

/** Three digits, in powers of 1024. */
function bytes(n: number): string {
  const power = n < 1024 ? 0 : Math.min(3, Math.floor(Math.log2(n) / 10));
  return `${Number((n / 1024 ** power).toPrecision(3)).toLocaleString('en-US')} ${['B', 'KiB', 'MiB', 'GiB'][power]}`;
}
