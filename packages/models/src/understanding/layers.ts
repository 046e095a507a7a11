/**
 * A network as a list of layers: calls of modules down to some depth, and the operations between them, each with what it
 * takes from where.
 */
import { nn, type Shape } from '@fakkel/core';
import { type Field, fieldBehind, product, sizeFormula, type Windows, windowsOf, windowText } from './geometry.js';

/** A layer of a network, or an operation between layers. */
export interface ExplainedLayer {
  /** Its dotted name; of an operation outside of layers that of the module that does it. */
  readonly name: string;
  /** The class of the layer, `'Conv2d'`, or the op, `'add'`. */
  readonly type: string;
  /** Whether it is a layer, a block of layers that is not looked into, or an operation between layers. */
  readonly kind: 'layer' | 'block' | 'operation';
  /** Shapes with the batch. */
  readonly inputShapes: readonly Shape[];
  readonly outputShapes: readonly Shape[];
  /** Of convolution and pooling, else null. */
  readonly windows: Windows | null;
  /** What the layer is, in words: `6 convolutions of 5×5×1, no padding`. */
  readonly text: string;
  /** How the output's size comes about: `⌊(32 + 2·0 − 5)/1⌋ + 1 = 28`. */
  readonly sizeFormula: string;
  readonly parameters: number;
  /** `6·(5·5·1) + 6 = 156`; empty for none, and for blocks. */
  readonly parameterFormula: string;
  readonly macs: number;
  /** How many cells of the input a value depends on, an axis; null where all positions are mixed, and in blocks with several ways. */
  readonly receptiveField: readonly number[] | null;
  /** Places in the list of the layers that its inputs come from; −1 for the network's input. */
  readonly from: readonly number[];
}

type Operation = nn.TracedOperation;

interface Step {
  readonly at: number;
  readonly call: nn.ModuleCall;
  readonly operations: readonly Operation[];
  /** Null: an operation of `call` itself. */
  readonly module: nn.Module | null;
  readonly nested: boolean;
}

/** The layers in the order of the calls. `depth`: calls deeper than this are part of a block. */
export function layersOf(
  model: nn.Module,
  input: nn.SummaryInput,
  depth: number,
  channels: 'first' | 'last' = 'last',
): ExplainedLayer[] {
  const calls = nn.traceCalls(model, input);
  const live = dependent(calls);
  const steps = stepsOf(calls, depth, live);
  /** The step that made an operation's outputs. */
  const maker = new Map<number, number>();
  const fields = fieldsOf(calls, live);
  const counted = new Set<nn.Parameter>();
  const layers: ExplainedLayer[] = [];
  for (const step of steps) {
    const { call, operations, module } = step;
    const inputs = module ? call.inputs : operations[0].inputs.filter((v) => isLive(v, live));
    const outputs = module ? call.outputs : [operations[0].outputs[0]];
    const from = [...new Set(inputs.filter((v) => isLive(v, live)).map((v) => placeOf(v, maker)))];
    const sources = from.length > 0 ? from : [-1];
    // A layer that does nothing in evaluation mode: what comes after it comes from what is before.
    for (const { id } of operations) maker.set(id, layers.length);
    const parameters = ownParameters(step, steps, counted);
    const size = parameters.reduce((n, p) => n + p.numel(), 0);
    const main = mainOf(operations);
    const last = outputs[0]?.from;
    layers.push({
      name: call.name,
      type: module ? module.constructor.name : operations[0].name,
      kind: !module ? 'operation' : step.nested ? 'block' : 'layer',
      inputShapes: inputs.map(({ shape }) => shape),
      outputShapes: outputs.map(({ shape }) => shape),
      windows: main && !step.nested ? windowsOf(main) : null,
      text: textOf(step, main, inputs, live, channels),
      sizeFormula: main && !step.nested ? sizeFormula(main) : '',
      parameters: size,
      parameterFormula:
        size > 0 && !step.nested ? `${parameters.map((p) => product(p.shape)).join(' + ')} = ${number(size)}` : '',
      macs: operations.reduce((n, operation) => n + operation.macs, 0),
      receptiveField: typeof last === 'number' ? (fields.get(last)?.size ?? null) : null,
      from: sources,
    });
  }
  return layers;
}

/** A shape without the batch: 28×28×6, or 6×28×28. */
export function shapeText(shape: Shape, channels: 'first' | 'last'): string {
  const [, ...rest] = shape;
  if (channels === 'last' && rest.length > 1) rest.push(rest.shift()!);
  return rest.join('×') || '1';
}

/** Digits in groups of three. */
export const number = (n: number): string => n.toLocaleString('en-US');

const isLive = (value: nn.TracedValue, live: ReadonlySet<number>): boolean =>
  value.from === 'input' || (typeof value.from === 'number' && live.has(value.from));

const placeOf = ({ from }: nn.TracedValue, maker: ReadonlyMap<number, number>): number =>
  typeof from === 'number' ? (maker.get(from) ?? -1) : -1;

/** Operations that depend on the input: not those that prepare weights. */
function dependent(calls: readonly nn.ModuleCall[]): Set<number> {
  const live = new Set<number>();
  const all = calls.flatMap((call) => call.operations).sort((a, b) => a.id - b.id);
  for (const operation of all) if (operation.inputs.some((v) => isLive(v, live))) live.add(operation.id);
  return live;
}

function stepsOf(calls: readonly nn.ModuleCall[], depth: number, live: ReadonlySet<number>): Step[] {
  const steps: Step[] = [];
  for (let i = 0; i < calls.length;) {
    const call = calls[i];
    let end = i + 1;
    while (end < calls.length && calls[end].depth > call.depth) end++;
    if (end === i + 1 || call.depth >= depth) {
      const operations = calls
        .slice(i, end)
        .flatMap((c) => c.operations)
        .sort((a, b) => a.id - b.id);
      steps.push({ at: call.start, call, operations, module: call.module, nested: end > i + 1 });
      i = end;
      continue;
    }
    for (const operation of call.operations) {
      if (!live.has(operation.id)) continue;
      // It comes after the calls that began before it was recorded.
      steps.push({ at: operation.id + 0.5, call, operations: [operation], module: null, nested: false });
    }
    i++;
  }
  return steps.sort((a, b) => a.at - b.at);
}

/** Receptive fields of all operations. */
function fieldsOf(calls: readonly nn.ModuleCall[], live: ReadonlySet<number>): Map<number, Field | null> {
  const fields = new Map<number, Field | null>();
  const all = calls.flatMap((call) => call.operations).sort((a, b) => a.id - b.id);
  for (const operation of all) {
    const before = operation.inputs
      .filter((v) => isLive(v, live))
      .map((v) => (typeof v.from === 'number' ? (fields.get(v.from) ?? null) : start(v.shape)));
    fields.set(operation.id, fieldBehind(operation, before.reduce(wider, before[0] ?? null)));
  }
  return fields;
}

const start = (shape: Shape): Field | null =>
  shape.length > 2 ? { size: shape.slice(2).map(() => 1), step: shape.slice(2).map(() => 1) } : null;

/** Of what is added or joined, the wider counts. */
const wider = (a: Field | null, b: Field | null): Field | null =>
  a && b ? { size: a.size.map((n, i) => Math.max(n, b.size[i])), step: a.step } : null;

/** The parameters of a step that no step before had. Those of a module's own operations belong to the first that computes. */
function ownParameters(step: Step, steps: readonly Step[], counted: Set<nn.Parameter>): nn.Parameter[] {
  const { call, module, operations } = step;
  const mine = (own: boolean): nn.Parameter[] =>
    call.module
      .namedParameters()
      .filter(([name, p]) => !(own && name.includes('.')) && !counted.has(p))
      .map(([, p]) => p);
  let list: nn.Parameter[] = [];
  if (module) list = mine(false);
  else {
    const siblings = steps.filter((s) => s.call === call && !s.module);
    const first = siblings.find((s) => s.operations[0].macs > 0) ?? siblings[0];
    if (first.operations[0] === operations[0]) list = mine(true);
  }
  for (const p of list) counted.add(p);
  return list;
}

/** The operation that a layer is about. */
function mainOf(operations: readonly Operation[]): Operation | null {
  return (
    operations.find((operation) => windowsOf(operation)) ??
    operations.find(({ name }) => name === 'matmul') ??
    operations.find(({ name }) => name === 'reshape' || name === 'cat') ??
    null
  );
}

function textOf(
  step: Step,
  main: Operation | null,
  inputs: readonly nn.TracedValue[],
  live: ReadonlySet<number>,
  channels: 'first' | 'last',
): string {
  const { module, operations, nested, call } = step;
  if (nested) return `${number(new Set(call.module.modules()).size - 1)} modules`;
  const windows = main && windowsText(main);
  if (windows) return windows;
  if (main?.name === 'matmul' && isLive(main.inputs[0], live)) {
    return `${main.inputs[0].shape.at(-1)} → ${main.outputs[0].shape.at(-1)}`;
  }
  if (module) {
    // A list of defaults says nothing here.
    const repr = module.extraRepr();
    return repr.length <= 40 ? repr : '';
  }
  const [operation] = operations;
  const shapes = inputs.map(({ shape }) => shapeText(shape, channels));
  if (operation.name === 'cat') return `concatenation of ${shapes.length}`;
  const sign = { add: '+', sub: '−', mul: '·', div: '/' }[operation.name];
  return sign && shapes.length === 2 ? shapes.join(` ${sign} `) : '';
}

function windowsText(operation: Operation): string | null {
  const windows = windowsOf(operation);
  if (!windows) return null;
  const { kernel, stride, padding, dilation, groups } = windows;
  const weight = operation.inputs[1]?.shape;
  switch (operation.name) {
    case 'maxPool':
      return `max over ${describe(kernel)}`;
    case 'avgPool':
      return `${(operation.attrs as { divisor?: number | null }).divisor === 1 ? 'sum' : 'mean'} over ${describe(kernel)}`;
    case 'conv':
      return `${weight[0]} of ${describe([...kernel, weight[1]])}`;
    default:
      return `${weight[1] * groups} of ${describe([...kernel, weight[0]])}, transposed`;
  }
  function describe(cells: readonly number[]): string {
    return windowText({ kernel: cells, stride, padding, dilation, groups });
  }
}
