/**
 * Dynamic axes: one graph from those of several sizes.
 *
 * Programs have sizes, not names for them. A network is traced for several sizes of its dynamic axes, and what differs
 * between the graphs is found: it can only be constants (shapes, bounds, counts). Those that are linear in the sizes are
 * computed by the graph; in a `Reshape` one size may be −1, whatever it is. Another set of sizes proves it. Tracing computes nothing, so a
 * batch can be a prime that coincides with nothing else in the network.
 */
import { OnnxError } from '../errors.js';
import { int, type Value } from '../lowering/index.js';
import type { OnnxModel, OnnxNode, OnnxTensor, OnnxValue } from '../model.js';
import { tensorData, tensorFrom } from '../tensors.js';

/** A size that has a name, and where the graph finds it. */
export interface DynamicSize {
  readonly name: string;
  /** An input of the graph that has it, and on which axis. */
  readonly input: Value;
  readonly axis: number;
}

/** A graph and the sizes that it was traced for, one for each {@link DynamicSize}. */
export interface Sample {
  readonly model: OnnxModel;
  readonly sizes: readonly number[];
}

/** value = offset + Σ factor · size */
interface Linear {
  readonly offset: number;
  readonly factors: readonly number[];
}

/** What a number is across the samples: the same, linear in the sizes, or neither. */
type Fit = number | Linear | null;

/**
 * @param samples First the basis, then for each size one in which it alone is another, then one in which all are others.
 */
export function generalize(samples: readonly Sample[], sizes: readonly DynamicSize[]): OnnxModel {
  const [{ model }] = samples;
  const others = samples.slice(1).map((sample) => sample.model);
  for (const other of others) checkAlike(model, other, sizes);
  const fitOf = (values: readonly number[]): Fit => fit(values, samples);

  const initializers: OnnxTensor[] = [];
  const nodes: OnnxNode[] = [];
  const made = new Set<Value>();
  const emit = (node: OnnxNode): Value => {
    if (!made.has(node.outputs[0])) {
      made.add(node.outputs[0]);
      nodes.push(node);
    }
    return node.outputs[0];
  };
  const constant = (name: string, values: readonly number[]): Value => {
    if (!made.has(name)) {
      made.add(name);
      initializers.push(tensorFrom(values, 'int64', [values.length], name));
    }
    return name;
  };
  const term = (linear: Linear): Value => {
    let sum: Value | null = null;
    linear.factors.forEach((factor, i) => {
      if (factor === 0) return;
      const { name, input, axis } = sizes[i];
      const size = emit({
        opType: 'Shape',
        name: `/${name}/Shape`,
        inputs: [input],
        outputs: [`size:${name}`],
        attributes: { start: int(axis), end: int(axis + 1) },
      });
      const scaled =
        factor === 1
          ? size
          : emit({
              opType: 'Mul',
              name: `/${name}/Mul`,
              inputs: [size, constant(`number:${factor}`, [factor])],
              outputs: [`size:${name}*${factor}`],
            });
      sum =
        sum === null
          ? scaled
          : emit({ opType: 'Add', name: `/${name}/Add`, inputs: [sum, scaled], outputs: [`${sum}+${scaled}`] });
    });
    if (linear.offset === 0) return sum!;
    const offset = constant(`number:${linear.offset}`, [linear.offset]);
    return emit({ opType: 'Add', name: '/Add', inputs: [sum!, offset], outputs: [`${sum!}+${linear.offset}`] });
  };

  for (const tensor of model.graph.initializers ?? []) {
    const name = tensor.name!;
    const all = [tensor, ...others.map((other) => other.graph.initializers!.find((t) => t.name === name)!)];
    if (all.every((t) => isSame(t, tensor))) {
      initializers.push(tensor);
      continue;
    }
    const readers = model.graph.nodes.filter((node) => node.inputs.includes(name));
    if (all.some((t) => t.shape.join() !== tensor.shape.join() || t.dtype !== tensor.dtype)) cannot(readers[0], sizes);
    const elements = all.map((t) => Array.from(tensorData(t) as ArrayLike<number | bigint>, Number));
    const found = elements[0].map((_, i) => fitOf(elements.map((values) => values[i])));
    const isShape = readers.every(({ opType, inputs }) => opType === 'Reshape' && inputs[0] !== name);
    // One size follows from the others: the only one that varies, or the one that is not linear (height · width).
    const open = found.filter((f) => typeof f !== 'number');
    const follows = open.length === 1 ? open[0] : open.filter((f) => f === null).length === 1 ? null : undefined;
    const fits = isShape && follows !== undefined ? found.map((f) => (f === follows ? -1 : f)) : found;
    const varying = fits.filter((f) => typeof f !== 'number');
    if (varying.length === 0) {
      initializers.push(tensorFrom(fits as number[], 'int64', [fits.length], name));
      continue;
    }
    if (tensor.shape.length > 1 || varying.includes(null)) cannot(readers[0], sizes);
    const parts = fits.map((f) => (typeof f === 'number' ? constant(`number:${f}`, [f]) : term(f!)));
    const isVector = tensor.shape.length === 1;
    const isPlain = isVector && tensor.dtype === 'int64';
    const steps: OnnxNode[] = [];
    let value = parts[0];
    const step = (opType: string, inputs: readonly Value[], attributes: OnnxNode['attributes'] = {}): void => {
      value = `${name}:${steps.length}`;
      steps.push({ opType, name: `/sizes/${opType}`, inputs, outputs: [value], attributes });
    };
    if (parts.length > 1) step('Concat', parts, { axis: int(0) });
    if (!isVector) step('Squeeze', [value, constant('number:0', [0])]);
    if (!isPlain && tensor.dtype !== 'int64') step('Cast', [value], { to: int(NUMBERS[tensor.dtype] ?? 1) });
    if (steps.length === 0) step('Identity', [value]);
    nodes.push(...steps.slice(0, -1), { ...steps.at(-1)!, outputs: [name] });
  }

  const outputs = model.graph.outputs.map((output, at): OnnxValue => {
    const shapes = [output, ...others.map((other) => other.graph.outputs[at])].map(({ shape }) => shape as number[]);
    const shape = shapes[0].map((_, axis) => {
      const size = fitOf(shapes.map((s) => s[axis]));
      if (typeof size === 'number') return size;
      // A size of its own is named; `names.ts` names the others after their output.
      const same = size?.offset === 0 ? size.factors.findIndex((f) => f === 1) : -1;
      const isOwn = same >= 0 && size!.factors.every((f, i) => f === Number(i === same));
      return isOwn ? sizes[same].name : '';
    });
    return { ...output, shape };
  });
  return { ...model, graph: { ...model.graph, nodes: [...nodes, ...model.graph.nodes], initializers, outputs } };
}

const NUMBERS: Readonly<Record<string, number>> = { float32: 1, int32: 6, float64: 11 };

function fit(values: readonly number[], samples: readonly Sample[]): Fit {
  const base = values[0];
  if (values.every((value) => Object.is(value, base))) return base;
  const factors = samples[0].sizes.map((size, i) => (values[i + 1] - base) / (samples[i + 1].sizes[i] - size));
  const offset = factors.reduce((rest, factor, i) => rest - factor * samples[0].sizes[i], base);
  const isWhole = [...factors, offset].every(Number.isSafeInteger);
  const expected = factors.reduce((sum, factor, i) => sum + factor * samples.at(-1)!.sizes[i], offset);
  return isWhole && expected === values.at(-1) ? { factors, offset } : null;
}

function isSame(a: OnnxTensor, b: OnnxTensor): boolean {
  if (a.dtype !== b.dtype || a.shape.join() !== b.shape.join()) return false;
  if (a.data.buffer === b.data.buffer && a.data.byteOffset === b.data.byteOffset) return true;
  return a.data.every((byte, i) => byte === b.data[i]);
}

/** Throws unless the graphs are equal but for the contents of constants. */
function checkAlike(a: OnnxModel, b: OnnxModel, sizes: readonly DynamicSize[]): void {
  const text = ({ opType, domain, inputs, outputs, attributes }: OnnxNode): string =>
    JSON.stringify([opType, domain, inputs, outputs, attributes]);
  a.graph.nodes.forEach((node, i) => {
    const other = b.graph.nodes[i] as OnnxNode | undefined;
    if (!other || text(node) !== text(other)) cannot(node, sizes);
  });
  if (b.graph.nodes.length > a.graph.nodes.length) cannot(b.graph.nodes[a.graph.nodes.length], sizes);
}

function cannot(node: OnnxNode | undefined, sizes: readonly DynamicSize[]): never {
  const names = sizes.map(({ name }) => `'${name}'`).join(', ');
  throw new OnnxError(
    `exportOnnx: '${node?.name ?? 'the network'}' depends on the open sizes (${names}) in a way that a graph can't ` +
      `compute. Leave that axis out of dynamicAxes; { dynamicAxes: {} } fixes all sizes, the batch's too.`,
  );
}
