/**
 * The calls of a network and the operations that each records, found by calling it once without computing anything.
 */
import { hide, enableGrad, noGrad } from '../graph/modes.js';
import { describe } from '../graph/record.js';
import { type Node, upcomingNodeId } from '../graph/node.js';
import { isTensor, Tensor } from '../graph/tensor.js';
import type { DType } from '../dtype.js';
import type { Attrs } from '../program/program.js';
import { getDefaultDevice } from '../runtime/device.js';
import { Storage } from '../runtime/storage.js';
import { checkShape, type Shape, sizeOf } from '../shape.js';
import { dryRun } from './dry-run.js';
import { Module, observeCalls } from './module.js';

/** What a network is called with: the shape of its input, or several shapes or tensors. */
export type SummaryInput = Shape | Tensor | readonly (Shape | Tensor)[];

/** A value of a traced call. */
export interface TracedValue {
  readonly shape: Shape;
  readonly dtype: DType;
  /** The id of the operation that made it, or what it is instead: an input of the network, a parameter or buffer, a constant. */
  readonly from: number | 'input' | 'state' | 'constant';
}

/** An operation that a traced call recorded. */
export interface TracedOperation {
  /** Ascending in the order of recording. */
  readonly id: number;
  /** Of the op table: 'conv', 'add', 'cat'. */
  readonly name: string;
  readonly attrs: Attrs;
  readonly inputs: readonly TracedValue[];
  readonly outputs: readonly TracedValue[];
  /** Its multiply-accumulates: see {@link summary}. */
  readonly macs: number;
}

/** One call of one module. */
export interface ModuleCall {
  /** Its dotted name; '' for the network itself. */
  readonly name: string;
  readonly module: Module;
  /** How deep the call is inside others; 0 for the network itself. */
  readonly depth: number;
  /** The id that the next operation had when the call began: it says what came before. */
  readonly start: number;
  /** The tensors among its arguments, and in what it returned. */
  readonly inputs: readonly TracedValue[];
  readonly outputs: readonly TracedValue[];
  /** What it recorded itself, without what the modules that it called recorded. */
  readonly operations: readonly TracedOperation[];
}

/** A trace as the summary needs it: with the recorded nodes behind it. */
export interface CallTrace {
  readonly calls: readonly ModuleCall[];
  readonly inputs: readonly Tensor[];
  /** The tensors that the network returned. */
  readonly outputs: readonly Tensor[];
}

/**
 * Calls a network once without computing anything, and gives the calls of its modules in their order (a module before
 * what it calls) with the operations that each recorded, and where each value came from. {@link summary} and the walks
 * and pictures of `@fakkel/models` are made of it.
 *
 * The call is made in evaluation mode and without gradients; modes are restored, hooks are not called, nothing that the
 * call assigns to parameters or buffers is kept, and the random generators stay where they are.
 *
 * @param model The network.
 * @param input The shape of its input with the batch, `[1, 1, 32, 32]`; a list of shapes or tensors where forward takes
 *   several. Shapes become zeros of the dtype of the first parameter.
 * @example
 * const net = new nn.Sequential(new nn.Conv2d(1, 6, 5), new nn.ReLU());
 * const calls = nn.traceCalls(net, [1, 1, 32, 32]);
 * calls.map(({ name, operations }) => [name, operations.map((op) => op.name)]); // ['', []], ['0', ['conv', …]], ['1', ['relu']]
 */
export function traceCalls(model: Module, input: SummaryInput): readonly ModuleCall[] {
  return traced('traceCalls', model, input, false).calls;
}

/** @internal See {@link traceCalls}; `training`: in training mode and with gradients. */
export function traced(op: string, model: Module, input: SummaryInput, training: boolean): CallTrace {
  if (!(model instanceof Module)) throw new TypeError(`${op}: expected a module, got ${describe(model)}`);
  const inputs = inputsOf(op, model, input);
  const watch = new Watch(model, inputs);
  const call = (): unknown =>
    hide(() => observeCalls(watch, () => (model as (...args: unknown[]) => unknown)(...inputs)));
  const output = dryRun(model, training, () => (training ? enableGrad(call) : noGrad(call)));
  return { calls: watch.calls, inputs, outputs: tensorsIn(output) };
}

function inputsOf(op: string, model: Module, input: SummaryInput): Tensor[] {
  const first = model.parameters()[0];
  const make = (shape: Shape): Tensor => {
    checkShape(op, shape);
    const t = new Tensor({ shape: [...shape], dtype: first?.dtype ?? 'float32' }, first?.device ?? getDefaultDevice());
    // Filled when it is read, which it never is.
    t._storage = Storage.filled(t, 0, 'data');
    return t;
  };
  if (isTensor(input)) return [input];
  if (!Array.isArray(input))
    throw new TypeError(`${op}: expected the shape of the input, such as [1, 1, 32, 32], got ${describe(input)}`);
  if (input.every((size) => typeof size === 'number')) return [make(input)];
  return (input as (Shape | Tensor)[]).map((item) => {
    if (isTensor(item)) return item;
    if (Array.isArray(item)) return make(item);
    throw new TypeError(`${op}: expected shapes or tensors, got ${describe(item)}`);
  });
}

/** Follows the calls, and gives each recorded operation to the innermost module that made it. */
class Watch {
  readonly calls: (ModuleCall & { operations: TracedOperation[]; outputs: TracedValue[] })[] = [];
  private readonly names: Map<Module, string>;
  private readonly open: (typeof this.calls)[number][] = [];
  private readonly seen = new Set<Node>();
  private readonly base = upcomingNodeId();

  constructor(
    model: Module,
    private readonly inputs: readonly Tensor[],
  ) {
    this.names = new Map(model.namedModules().map(([name, module]) => [module, name]));
  }

  enter(module: Module, args: readonly unknown[]): void {
    this.claim(args);
    // A module that is made during the call is nobody's child.
    const name = this.names.get(module) ?? `(${module.constructor.name})`;
    const call = {
      name,
      module,
      depth: this.open.length,
      start: upcomingNodeId() - this.base,
      inputs: tensorsIn(args).map((t) => this.value(t)),
      outputs: [],
      operations: [],
    };
    this.calls.push(call);
    this.open.push(call);
  }

  leave(_module: Module, output: unknown): void {
    this.claim([output]);
    this.open.pop()!.outputs = tensorsIn(output).map((t) => this.value(t));
  }

  private value(t: Tensor): TracedValue {
    const { shape, dtype } = t;
    return { shape, dtype, from: this.source(t) };
  }

  private source(t: Tensor): TracedValue['from'] {
    if (this.inputs.includes(t) || this.inputs.includes(t._resolve())) return 'input';
    // A cell's pending write was recorded before the call.
    if (t._version) return 'state';
    const node = t._resolve()._recipe;
    // What was computed before the call is a constant to it.
    return node && node.id >= this.base ? node.id - this.base : 'constant';
  }

  /** Gives the operations that `values` were computed from to the innermost open call, as far as nobody has them yet. */
  private claim(values: readonly unknown[]): void {
    const call = this.open.at(-1);
    const nodes: Node[] = [];
    const stack = tensorsIn(values);
    for (let t = stack.pop(); t; t = stack.pop()) {
      if (typeof this.source(t) !== 'number') continue;
      const node = t._resolve()._recipe!;
      if (this.seen.has(node)) continue;
      this.seen.add(node);
      nodes.push(node);
      stack.push(...node.inputs);
    }
    nodes.sort((a, b) => a.id - b.id);
    for (const node of nodes) {
      call?.operations.push({
        id: node.id - this.base,
        name: node.op.name,
        attrs: node.attrs,
        inputs: node.inputs.map((t) => this.value(t)),
        outputs: node.outputs.map((t) => this.value(t)),
        macs: macsOf(node),
      });
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
