/**
 * From a trace to the program that a backend compiles: composites that it leaves out are decomposed.
 */
import type { Backend } from '../backends/backend.js';
import { BackendError } from '../errors.js';
import { asRule, noGrad } from '../graph/modes.js';
import type { Node } from '../graph/node.js';
import { Tensor } from '../graph/tensor.js';
import { Storage } from '../runtime/storage.js';
import { formatAval, sizeOf, type Aval } from '../shape.js';
import { ProgramBuilder, type ValueId } from './builder.js';
import type { Program } from './program.js';
import { roleOf, type Trace } from './trace.js';
import { verifyProgram } from './verify.js';

export interface Lowered {
  readonly program: Program;
  /** For each program input the leaf of the trace; numbers past the leaves are `captured`. */
  readonly used: readonly number[];
  /** For each output of the trace its place in `program.outputs`. */
  readonly outputs: readonly number[];
  /** Larger constants of decompositions: inputs that are always the same. */
  readonly captured: readonly Storage[];
  /** The recorded node behind each program node. */
  readonly origins: readonly (Node | null)[];
}

/** @param isConstant Which leaves become constants of the program: their contents are on the host, and few. */
export function lower(
  trace: Trace,
  backend: Pick<Backend, 'name' | 'supports'>,
  isConstant: (leaf: Storage) => boolean = (leaf) => leaf.kind === 'literal',
): Lowered {
  const builder = new ProgramBuilder();
  const leafIds = trace.leaves.map((leaf) =>
    isConstant(leaf) ? builder.constant(leaf.hostData()!, leaf.aval) : builder.input(leaf.aval, roleOf(leaf)),
  );
  // Builder inputs are numbered without the constants; traces number all leaves.
  const inputLeaf: number[] = [];
  trace.leaves.forEach((leaf, i) => !isConstant(leaf) && inputLeaf.push(i));
  const captured: Storage[] = [];
  const capturedIds = new Map<Storage, ValueId>();

  const emit = (node: Node, inputs: readonly ValueId[], origin: Node): readonly ValueId[] => {
    const { op, attrs } = node;
    const avals: Aval[] = node.outputs.map(({ shape, dtype }) => ({ shape, dtype }));
    const inputAvals = inputs.map((id) => builder.aval(id));
    const empty = inputAvals.some((aval) => sizeOf(aval.shape) === 0);
    const verdict =
      op.decompose && empty
        ? { reason: 'no elements' }
        : backend.supports(op.name, { inputs: inputAvals, outputs: avals, attrs });
    if (verdict === true) return builder.emit(op.name, attrs, inputs, avals, origin);
    if (op.decompose) return decompose(node, inputs, inputAvals, origin);
    throw new BackendError(
      `${op.name}: the backend '${backend.name}' can't run it on ${inputAvals.map(formatAval).join(', ')}: ${verdict.reason}`,
    );
  };

  const decompose = (
    node: Node,
    inputs: readonly ValueId[],
    avals: readonly Aval[],
    origin: Node,
  ): readonly ValueId[] => {
    const ids = new Map<Storage, ValueId>();
    const { device } = node.outputs[0];
    const placeholders = avals.map((aval, i) => {
      const t = new Tensor(aval, device);
      t._storage = new Storage(aval, 'data');
      t._storage.pending = never;
      ids.set(t._storage, inputs[i]);
      return t;
    });
    const results = noGrad(() => asRule(() => node.op.decompose!(placeholders, node.attrs)));
    const order: Node[] = [];
    const seen = new Set<Node>();
    const stack: Tensor[] = [...results];
    while (stack.length > 0) {
      const t = stack.pop()!._resolve();
      if (t._storage?.present) continue;
      const made = t._recipe!;
      if (seen.has(made)) continue;
      seen.add(made);
      order.push(made);
      stack.push(...made.inputs);
    }
    order.sort((a, b) => a.id - b.id);
    const values = new Map<Tensor, ValueId>();
    const idOf = (t: Tensor): ValueId => {
      t = t._resolve();
      const storage = t._storage;
      if (!storage?.present) return values.get(t)!;
      const known = ids.get(storage) ?? capturedIds.get(storage);
      if (known !== undefined) return known;
      if (storage.kind === 'literal') return builder.constant(storage.hostData()!, storage.aval);
      const id = builder.input(storage.aval, 'data');
      storage.keepOnDevice = true;
      inputLeaf.push(trace.leaves.length + captured.length);
      captured.push(storage);
      capturedIds.set(storage, id);
      return id;
    };
    for (const made of order) {
      const out = emit(made, made.inputs.map(idOf), origin);
      made.outputs.forEach((t, i) => values.set(t, out[i]));
    }
    return results.map(idOf);
  };

  const ids: (readonly ValueId[])[] = [];
  const idOf = (t: Tensor): ValueId => {
    t = t._resolve();
    return t._storage?.present ? leafIds[t._storage.slot] : ids[t._recipe!.slot][t._index];
  };
  // Decomposing records new nodes, whose traversal must not disturb the numbers of this trace: read them first.
  const inputsOf = trace.nodes.map((node) => node.inputs.map((t) => t._resolve()));
  trace.nodes.forEach((node, i) => (ids[i] = emit(node, inputsOf[i].map(idOf), node)));
  const inputNumber = new Map(inputLeaf.map((leaf, i) => [leaf, i]));
  const { program, slots, used, origins } = builder.finish(
    trace.outputs.map(({ tensor, replaces }) => ({
      value: idOf(tensor),
      replaces: replaces < 0 ? -1 : (inputNumber.get(replaces) ?? -1),
    })),
  );
  verifyProgram(program);
  return {
    program,
    outputs: slots,
    used: used.map((i) => inputLeaf[i]),
    captured,
    origins: origins as (Node | null)[],
  };
}

const never = new Promise<void>(() => undefined);
