/**
 * A network as a program: what its forward computes, from its inputs and its state, without computing anything.
 */
import type { OpSignature, Unsupported } from '../backends/backend.js';
import type { DType } from '../dtype.js';
import { FakkelError } from '../errors.js';
import { hide, noGrad } from '../graph/modes.js';
import { type Node, upcomingNodeId } from '../graph/node.js';
import { describe, record1 } from '../graph/record.js';
import { isTensor, Tensor } from '../graph/tensor.js';
import { NO_ATTRS } from '../ops/common.js';
import { opTable } from '../ops/def.js';
import { lower } from '../program/lower.js';
import { MAX_CONSTANT_ELEMENTS, type Program } from '../program/program.js';
import { buildTrace } from '../program/trace.js';
import type { Buffer, Parameter } from '../runtime/cell.js';
import { type Device, getDefaultDevice } from '../runtime/device.js';
import { Storage } from '../runtime/storage.js';
import { type Aval, checkShape, sizeOf } from '../shape.js';
import { dryRun } from './dry-run.js';
import { Module, observeCalls } from './module.js';

export interface TraceProgramOptions {
  /** Modes of the modules: all in evaluation, all in training, or as they are. Default 'eval'. */
  mode?: 'eval' | 'train' | 'preserve';
  /** Whether the program may hold an op; composites that it may not are decomposed. Default: it may hold all. */
  supports?: (op: string, signature: OpSignature) => true | Unsupported;
}

/**
 * What an input of a traced program is: one of the network's inputs by its position, a parameter or buffer by its name in
 * state dicts, contents that the network holds otherwise, or a key of random numbers.
 */
export type ProgramSource =
  | { readonly kind: 'input'; readonly position: number }
  | { readonly kind: 'state'; readonly name: string; readonly cell: Parameter | Buffer }
  | { readonly kind: 'constant'; readonly value: Tensor }
  | { readonly kind: 'random' };

/** The module that an operation was recorded in: the innermost one. */
export interface ProgramOrigin {
  /** Its dotted name; '' for the network itself. */
  readonly name: string;
  readonly module: Module;
}

/** See {@link traceProgram}. */
export interface ProgramTrace {
  readonly program: Program;
  /** For each input of the program what it is. Inputs of the network that it does not read are none of them. */
  readonly sources: readonly ProgramSource[];
  /** For each node of the program the module that it belongs to; null for what core has added. */
  readonly origins: readonly (ProgramOrigin | null)[];
  /** What the network returned, with the place of the program's output in place of each tensor. */
  readonly output: unknown;
  /** How many tensors that is: the places count from 0, in their order in what was returned. */
  readonly outputs: number;
}

/**
 * Calls a network without computing anything, and gives the program of its forward: for those who write it down in another
 * form (`@fakkel/onnx`).
 *
 * Numbers among the operands are constants of the program. What the call assigns to parameters and buffers (running
 * statistics) is left out, modes are restored, hooks are not called, and the random generators stay where they are. The
 * weights are not read, but they have to be there: `await flush()` if a step or an assignment may wait.
 *
 * @param model The network.
 * @param inputs The arguments of its forward. A shape with a dtype (tensors have both) stands for an input, also inside
 *   arrays and objects, in whose order inputs have their positions; everything else is passed on as it is.
 * @throws FakkelError if a parameter waits to be computed.
 * @example
 * const net = new nn.Sequential(new nn.Linear(4, 2), new nn.ReLU());
 * const { program } = nn.traceProgram(net, [{ shape: [8, 4], dtype: 'float32' }]);
 * program.nodes.map(({ op }) => op); // ['matmul', 'add', 'relu']
 */
export function traceProgram(
  model: Module,
  inputs: readonly unknown[],
  options: TraceProgramOptions = {},
): ProgramTrace {
  const op = 'traceProgram';
  if (!(model instanceof Module)) throw new TypeError(`${op}: expected a module, got ${describe(model)}`);
  if (!Array.isArray(inputs)) throw new TypeError(`${op}: expected an array of the arguments, got ${describe(inputs)}`);
  const { mode = 'eval', supports = () => true } = options;
  const device = model.parameters()[0]?.device ?? getDefaultDevice();
  const places = new Map<Storage, number>();
  const args = mapValues(inputs, isAval, (aval) => {
    checkShape(op, aval.shape);
    const t = placeholder(aval, device);
    places.set(t._storage!, places.size);
    return t;
  });
  const watch = new Owners(model);
  return noGrad(() =>
    hide(() => {
      const returned = dryRun(model, mode === 'preserve' ? undefined : mode === 'train', () =>
        observeCalls(watch, () => (model as (...args: unknown[]) => unknown)(...(args as unknown[]))),
      );
      const tensors: Tensor[] = [];
      const output = mapValues(returned, isTensor, (t) => {
        const value = t._resolve();
        // What was given or is state has no operation behind it yet.
        tensors.push(value._storage?.present ? record1(opTable().get('copy')!, [t], NO_ATTRS) : value);
        return tensors.length - 1;
      });
      if (tensors.length === 0) {
        throw new FakkelError(`${op}: the forward of ${model.constructor.name} returned no tensor`);
      }
      const outputs = tensors.map((tensor) => ({ tensor, replaces: -1 }));
      const trace = buildTrace(outputs, () => null);
      const lowered = lower(trace, { name: op, supports }, isConstant);
      const leaves = [...trace.leaves, ...lowered.captured];
      const states = cellsByStorage(model);
      const sources = lowered.used.map((leaf): ProgramSource => {
        const storage = leaves[leaf];
        const position = places.get(storage);
        if (position !== undefined) return { kind: 'input', position };
        const state = states.get(storage);
        if (state) return { kind: 'state', ...state };
        if (storage.kind === 'random') return { kind: 'random' };
        const value = new Tensor(storage.aval, device);
        value._storage = storage;
        return { kind: 'constant', value };
      });
      const origins = lowered.origins.map((node) => node && watch.of(node));
      return { program: lowered.program, sources, origins, output, outputs: tensors.length };
    }),
  );
}

const never = new Promise<void>(() => undefined);

/** An input: a shape and a dtype, and contents that never come. */
function placeholder({ shape, dtype }: Aval, device: Device): Tensor {
  const t = new Tensor({ shape: [...shape], dtype }, device);
  t._storage = new Storage(t, 'data');
  t._storage.pending = never;
  // Not counted among the bytes that wait for an upload.
  t._storage.waits = true;
  return t;
}

/** Numbers and small tables whose contents are known. */
function isConstant(leaf: Storage): boolean {
  if (leaf.kind === 'literal') return true;
  const isSmall = (leaf.kind === 'scalar' || leaf.kind === 'data') && sizeOf(leaf.aval.shape) <= MAX_CONSTANT_ELEMENTS;
  return isSmall && leaf.hostData() !== null;
}

function cellsByStorage(model: Module): Map<Storage, { name: string; cell: Parameter | Buffer }> {
  const found = new Map<Storage, { name: string; cell: Parameter | Buffer }>();
  for (const [name, cell] of model._namedCells()) {
    const storage = cell._resolve()._storage;
    if (!storage?.present) {
      throw new FakkelError(
        `traceProgram: '${name}' waits to be computed by a step or an assignment. Await it first: await flush().`,
      );
    }
    // A shared parameter goes by its first name.
    if (!found.has(storage)) found.set(storage, { name, cell });
  }
  return found;
}

/** Which module records, from which operation on. */
class Owners {
  private readonly names: Map<Module, string>;
  private readonly open: ProgramOrigin[] = [];
  private readonly changes: { readonly from: number; readonly owner: ProgramOrigin | null }[] = [];

  constructor(model: Module) {
    this.names = new Map(model.namedModules().map(([name, module]) => [module, name]));
  }

  enter(module: Module): void {
    // A module that is made during the call is nobody's child.
    const owner = { name: this.names.get(module) ?? `(${module.constructor.name})`, module };
    this.open.push(owner);
    this.changes.push({ from: upcomingNodeId(), owner });
  }

  leave(): void {
    this.open.pop();
    this.changes.push({ from: upcomingNodeId(), owner: this.open.at(-1) ?? null });
  }

  of({ id }: Node): ProgramOrigin | null {
    let [low, high] = [0, this.changes.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.changes[middle].from <= id) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? null : this.changes[low - 1].owner;
  }
}

function isAval(value: unknown): value is Aval {
  if (isTensor(value)) return true;
  const { shape, dtype } = (value ?? {}) as { shape?: unknown; dtype?: DType };
  return Array.isArray(shape) && typeof dtype === 'string';
}

/** A copy of arrays and plain objects, with other things in place of some of their values. */
function mapValues<T>(value: unknown, is: (value: unknown) => value is T, replace: (value: T) => unknown): unknown {
  if (is(value)) return replace(value);
  if (Array.isArray(value)) return value.map((item) => mapValues(item, is, replace));
  if (typeof value !== 'object' || value === null || value instanceof Module || ArrayBuffer.isView(value)) return value;
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [key, mapValues(item, is, replace)]));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapValues(item, is, replace)]));
}
