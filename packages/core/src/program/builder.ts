/**
 * Building a program. Simplification happens as operations are emitted: equal operations merge, operations on
 * constants are computed, movements that move nothing disappear. Backends share this instead of repeating it.
 */
import { runKernel } from '../backends/reference/index.js';
import type { TypedArray } from '../dtype.js';
import { allocate } from '../dtype.js';
import { BackendError } from '../errors.js';
import { sameShape, sizeOf, tryBroadcast, type Aval, type Shape } from '../shape.js';
import { BARRIER } from './barriers.js';
import { formatAttrs, formatNumbers } from './format.js';
import {
  MAX_CONSTANT_ELEMENTS,
  type Attrs,
  type InputRole,
  type Program,
  type ProgramConstant,
  type ProgramInput,
  type ProgramNode,
} from './program.js';

/** A number for a value while the program is built. */
export type ValueId = number;

interface Value {
  readonly aval: Aval;
  readonly input?: number;
  readonly constant?: TypedArray;
  readonly node?: BuilderNode;
  readonly index?: number;
}

interface BuilderNode {
  readonly op: string;
  readonly attrs: Attrs;
  readonly inputs: readonly ValueId[];
  readonly outputs: ValueId[];
  readonly avals: readonly Aval[];
  /** What the node was recorded as; for error messages. */
  readonly origin: unknown;
}

/** Ops that broadcast their inputs: an `expand` before one is not needed. */
const BROADCASTING = new Set(
  'add sub mul div maximum minimum remainder floorDivide pow eq ne lt le gt ge logicalAnd logicalOr logicalXor where'.split(
    ' ',
  ),
);
/** Ops whose value is not a function of their inputs alone, that are too large to compute twice by accident, or have no kernel. */
const NEVER_FOLDED = new Set(['random', BARRIER]);

export class ProgramBuilder {
  private readonly values: Value[] = [];
  private readonly inputs: ProgramInput[] = [];
  private readonly nodes: BuilderNode[] = [];
  private readonly known = new Map<string, readonly ValueId[]>();
  private readonly constants = new Map<string, ValueId>();

  aval(id: ValueId): Aval {
    return this.values[id].aval;
  }

  input(aval: Aval, role: InputRole): ValueId {
    const id = this.values.push({ aval, input: this.inputs.length }) - 1;
    this.inputs.push({ aval, role });
    return id;
  }

  constant(data: TypedArray, aval: Aval): ValueId {
    const key = `${aval.dtype}[${aval.shape.join()}]${formatNumbers(data)}`;
    let id = this.constants.get(key);
    if (id === undefined) {
      id = this.values.push({ aval, constant: data }) - 1;
      this.constants.set(key, id);
    }
    return id;
  }

  /** A tensor of equal elements. */
  filled(value: number, aval: Aval): ValueId {
    const one = this.constant(allocate(aval.dtype, 1).fill(value), { shape: [], dtype: aval.dtype });
    return aval.shape.length === 0 ? one : this.emit('expand', { shape: aval.shape }, [one], [aval], null)[0];
  }

  /** Adds an operation, or finds that its outputs are there already. */
  emit(
    op: string,
    attrs: Attrs,
    inputs: readonly ValueId[],
    avals: readonly Aval[],
    origin: unknown,
  ): readonly ValueId[] {
    const same = this.withoutElements(op, inputs, avals) ?? this.simplified(op, attrs, inputs, avals);
    if (same !== undefined) return [same];
    inputs = this.withoutExpands(op, inputs, avals);
    const key = `${op} ${inputs.join()} ${formatAttrs(attrs)}`;
    const known = this.known.get(key);
    if (known) return known;
    const folded = this.folded(op, attrs, inputs, avals);
    if (folded) {
      this.known.set(key, folded);
      return folded;
    }
    const node: BuilderNode = { op, attrs, inputs, outputs: [], avals, origin };
    avals.forEach((aval, index) => node.outputs.push(this.values.push({ aval, node, index }) - 1));
    this.nodes.push(node);
    this.known.set(key, node.outputs);
    return node.outputs;
  }

  /** Inputs without elements never reach a backend: what remains of the operation is known. */
  private withoutElements(op: string, inputs: readonly ValueId[], avals: readonly Aval[]): ValueId | undefined {
    if (!inputs.some((id) => sizeOf(this.aval(id).shape) === 0)) return undefined;
    const aval = avals[0];
    switch (op) {
      case 'sum':
      case 'matmul':
      case 'convWeightGrad':
      case 'convInputGrad':
        return this.filled(0, aval);
      case 'prod':
        return this.filled(1, aval);
      case 'pad':
        return this.emit('expand', { shape: aval.shape }, [inputs[1]], [aval], null)[0];
      case 'scatterAdd':
      case 'indexAdd':
      case 'sliceScatter':
        return inputs[0];
      default:
        throw new BackendError(`${op}: a tensor without elements has no result of shape [${aval.shape.join()}]`);
    }
  }

  private simplified(
    op: string,
    attrs: Attrs,
    inputs: readonly ValueId[],
    avals: readonly Aval[],
  ): ValueId | undefined {
    const first = inputs[0];
    const aval = avals[0];
    const x = inputs.length > 0 ? this.values[first] : undefined;
    switch (op) {
      case 'cast':
        return x!.aval.dtype === aval.dtype ? first : undefined;
      case 'expand':
        return sameShape(x!.aval.shape, aval.shape) ? first : undefined;
      case 'reshape':
        if (sameShape(x!.aval.shape, aval.shape)) return first;
        if (x!.node?.op === 'reshape')
          return this.emit('reshape', attrs, [x!.node.inputs[0]], avals, x!.node.origin)[0];
        return undefined;
      case 'permute': {
        const dims = attrs['dims'] as number[];
        if (dims.every((d, i) => d === i)) return first;
        if (x!.node?.op !== 'permute') return undefined;
        const before = x!.node.attrs['dims'] as number[];
        return this.emit(
          'permute',
          { dims: dims.map((d) => before[d]) },
          [x!.node.inputs[0]],
          avals,
          x!.node.origin,
        )[0];
      }
      case 'neg':
        return x!.node?.op === 'neg' ? x!.node.inputs[0] : undefined;
      case 'cat':
        return inputs.length === 1 ? first : undefined;
      case 'sum':
      case 'amax':
      case 'amin':
      case 'prod':
        // Over axes of size 1 nothing is added.
        return (attrs['dims'] as number[]).every((d) => x!.aval.shape[d] === 1)
          ? this.emit('reshape', { shape: aval.shape }, [first], avals, null)[0]
          : undefined;
      case 'add':
        return this.neutral(inputs, aval, 0, true);
      case 'sub':
        return this.neutral(inputs, aval, 0, false);
      case 'mul':
        return this.neutral(inputs, aval, 1, true);
      case 'div':
        return this.neutral(inputs, aval, 1, false);
      default:
        return undefined;
    }
  }

  /** The other operand where one is the constant that changes nothing. */
  private neutral(inputs: readonly ValueId[], aval: Aval, value: number, either: boolean): ValueId | undefined {
    const is = (id: ValueId): boolean => {
      const c = this.fillOf(id);
      return c !== undefined && c === value;
    };
    const [a, b] = inputs as [ValueId, ValueId];
    if (is(b) && sameShape(this.aval(a).shape, aval.shape)) return a;
    if (either && is(a) && sameShape(this.aval(b).shape, aval.shape)) return b;
    return undefined;
  }

  /** The value of every element, where that is a constant. */
  private fillOf(id: ValueId): number | undefined {
    const value = this.values[id];
    if (value.constant)
      return value.constant.length > 0 && value.constant.every((v) => v === value.constant![0])
        ? value.constant[0]
        : undefined;
    return value.node?.op === 'expand' ? this.fillOf(value.node.inputs[0]) : undefined;
  }

  /** Operations that broadcast read what was expanded instead of its copy. */
  private withoutExpands(op: string, inputs: readonly ValueId[], avals: readonly Aval[]): readonly ValueId[] {
    if (!BROADCASTING.has(op)) return inputs;
    const out = [...inputs];
    for (let i = 0; i < out.length; i++) {
      const node = this.values[out[i]].node;
      if (node?.op !== 'expand') continue;
      const shapes = out.map((id, j) => (j === i ? this.aval(node.inputs[0]).shape : this.aval(id).shape));
      const shape = shapes.reduce<Shape | undefined>((a, b) => (a ? tryBroadcast(a, b) : undefined), []);
      if (shape && sameShape(shape, avals[0].shape)) out[i] = node.inputs[0]!;
    }
    return out;
  }

  private folded(
    op: string,
    attrs: Attrs,
    inputs: readonly ValueId[],
    avals: readonly Aval[],
  ): readonly ValueId[] | undefined {
    if (inputs.length === 0 || NEVER_FOLDED.has(op) || avals.some((a) => sizeOf(a.shape) > MAX_CONSTANT_ELEMENTS))
      return undefined;
    const operands = inputs.map((id) => this.values[id]);
    if (!operands.every((v) => v.constant)) return undefined;
    const results = runKernel(
      op,
      attrs,
      operands.map((v) => ({ data: v.constant!, aval: v.aval })),
      avals,
    );
    return results.map((data, i) => this.constant(data, avals[i]));
  }

  /**
   * The finished program.
   *
   * @param outputs values in order, with the input that each replaces (a number given by {@link input}'s order) or −1.
   * @returns the program; for each requested output its place in `program.outputs`; for each program input the builder
   *   input it was (inputs that nothing reads are dropped); for each node its origin.
   */
  finish(outputs: readonly { value: ValueId; replaces: number }[]): {
    program: Program;
    slots: number[];
    used: number[];
    origins: unknown[];
  } {
    // An output may be no input, no constant, and stand only once.
    const taken = new Map<ValueId, number>();
    const final: { value: ValueId; replaces: number }[] = [];
    const slots = outputs.map(({ value, replaces }) => {
      const { node, aval } = this.values[value];
      if (node && !taken.has(value)) {
        taken.set(value, final.length);
      } else {
        const copy: BuilderNode = { op: 'copy', attrs: {}, inputs: [value], outputs: [], avals: [aval], origin: null };
        value = this.values.push({ aval, node: copy, index: 0 }) - 1;
        copy.outputs.push(value);
        this.nodes.push(copy);
      }
      return final.push({ value, replaces }) - 1;
    });

    const live = new Set<BuilderNode>();
    const stack = final.map(({ value }) => this.values[value].node!);
    while (stack.length > 0) {
      const node = stack.pop()!;
      if (live.has(node)) continue;
      live.add(node);
      for (const id of node.inputs) {
        const from = this.values[id].node;
        if (from) stack.push(from);
      }
    }
    const kept = this.nodes.filter((node) => live.has(node));

    // Renumber: inputs that are read, constants that are read, then the outputs of nodes.
    const read = new Set(kept.flatMap((node) => node.inputs));
    const number = new Map<ValueId, number>();
    const used: number[] = [];
    const inputs: ProgramInput[] = [];
    const constants: ProgramConstant[] = [];
    this.values.forEach((value, id) => {
      if (value.input === undefined || !read.has(id)) return;
      number.set(id, inputs.length);
      used.push(value.input);
      inputs.push(this.inputs[value.input]);
    });
    this.values.forEach((value, id) => {
      if (!value.constant || !read.has(id)) return;
      number.set(id, inputs.length + constants.length);
      constants.push({ aval: value.aval, data: value.constant });
    });
    let next = inputs.length + constants.length;
    for (const node of kept) for (const id of node.outputs) number.set(id, next++);

    const isOutput = new Set(final.map(({ value }) => value));
    const lastReader = new Map<ValueId, number>();
    kept.forEach((node, i) => {
      for (const id of [...node.inputs, ...node.outputs]) lastReader.set(id, i);
    });
    const last: number[][] = kept.map(() => []);
    for (const [id, i] of lastReader) if (!isOutput.has(id) && this.values[id].node) last[i].push(number.get(id)!);
    const nodes: ProgramNode[] = kept.map((node, i) => ({
      op: node.op,
      attrs: node.attrs,
      inputs: node.inputs.map((id) => number.get(id)!),
      outputs: node.outputs.map((id) => number.get(id)!),
      avals: node.avals.map(({ shape, dtype }) => ({ shape: [...shape], dtype })),
      lastUses: last[i],
    }));
    const place = new Map(used.map((input, i) => [input, i]));
    const program: Program = {
      inputs: inputs.map(({ aval, role }) => ({ aval: { shape: [...aval.shape], dtype: aval.dtype }, role })),
      constants,
      nodes,
      outputs: final.map(({ value, replaces }) => {
        const input = replaces < 0 ? undefined : place.get(replaces);
        return input === undefined ? { value: number.get(value)! } : { value: number.get(value)!, replaces: input };
      }),
    };
    return { program, slots, used, origins: kept.map((node) => node.origin) };
  }
}
