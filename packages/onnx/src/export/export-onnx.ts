/**
 * Export of networks.
 */
import { type Aval, type Buffer, commit, nn, type Parameter, type TypedArray } from '@fakkel/core';
import { checkModel } from '../check.js';
import { encodeModel } from '../encode.js';
import { OnnxError } from '../errors.js';
import type { Value } from '../lowering/index.js';
import { OPSET, type OnnxModel } from '../model.js';
import { type DynamicSize, generalize, type Sample } from './dynamic.js';
import { flattenInputs, type OnnxInputs, outputPaths, withInputs } from './inputs.js';
import { type Contents, inputName, lowerTrace, stateName, supports } from './lower.js';
import { named } from './names.js';

/** Axes of an input or output whose size is open: a list, or names by axis. Sizes of one name are equal. */
export type DynamicAxes = readonly number[] | Readonly<Record<number, string>>;

export interface ExportOptions {
  /**
   * Names of the graph's inputs. Default: 'input'; of several 'input_0', 'input_1' …, or the keys of the object that
   * holds them.
   */
  inputNames?: readonly string[];
  /** Names of its outputs. Default: 'output', 'output_0' …, or the keys of the object that forward returns. */
  outputNames?: readonly string[];
  /**
   * Sizes that are open, by the name of an input: `{ input: { 0: 'batch', 2: 'height' } }`. What sizes outputs have
   * follows; here they may be named. Default: axis 0 of each input is 'batch', as far as it has the size that the first
   * input's has. `{}`: all sizes are fixed.
   */
  dynamicAxes?: Readonly<Record<string, DynamicAxes>>;
  /**
   * 'eval': the graph infers. 'train': dropout drops, and batch normalization uses the batch's statistics. 'preserve': each
   * module is in the mode that it is in. Default 'eval'.
   */
  training?: 'eval' | 'train' | 'preserve';
  /** Whether the weights are in the file; else they are inputs of the graph. Default true. */
  exportParams?: boolean;
  /** Whether weights that are in the file are inputs as well, so that a caller may replace them. Default false. */
  keepInitializersAsInputs?: boolean;
  /** The version of ONNX's operators: 17, the only one there is. */
  opsetVersion?: number;
}

const OPTIONS = [
  'inputNames',
  'outputNames',
  'dynamicAxes',
  'training',
  'exportParams',
  'keepInitializersAsInputs',
  'opsetVersion',
] satisfies (keyof ExportOptions)[];

/** Of an open batch: primes that are hardly a size in a network. Tracing computes nothing. */
const BATCHES = [149, 211, 283];
/** Of other open sizes: added to the given one, odd and even, so that what is rounded down is found out. */
const ADDED = [0, 33, 70];

/** Protobuf's limit, and so that of a file. */
const MAX_BYTES = 2 ** 31 - 1;

/**
 * A network as an ONNX file, as `torch.onnx.export`.
 *
 * The graph holds standard operators of op set 17 only, and the ones that other tools look for where there are such
 * (`Conv`, `Gemm`, `BatchNormalization`, `MaxPool` …); weights have the names of the state dict (`layer1.0.conv1.weight`),
 * nodes the path of their module (`/layer1/0/conv1/Conv`). What has no operator of its own is written as its parts. The batch
 * is open by default: see `dynamicAxes`.
 *
 * In training mode `BatchNormalization` has its `training_mode`, the running statistics as inputs and the moved ones as
 * outputs of the node (not of the graph), with ONNX's momentum, which weighs the old ones: 1 − PyTorch's. ONNX moves
 * `running_var` by the biased variance, PyTorch by the unbiased. `Dropout` draws its mask itself, so the numbers are other
 * than here. What else a network keeps count of is left out. ONNX Runtime runs such a graph as it is with
 * `graphOptimizationLevel: 'disabled'` alone: its optimizations take every graph for one that infers.
 *
 * Integers are int32, as they are here, where PyTorch exports int64: numbers of words, of classes, and of maxima.
 *
 * The network is called without computing anything and stays as it is: modes, running statistics, hooks (which are not
 * called) and random generators. Its weights are read from their device.
 *
 * @param model The network.
 * @param inputs Its input, or an array of the arguments of its forward: tensors, of which only shape and dtype count, or
 *   shapes.
 * @returns The bytes of the file.
 * @throws OnnxError for an operation that ONNX has no form of, for an open size on which the graph depends in a way that
 *   it can't compute, for files over 2 GiB, and for options that don't fit; each says what to do.
 * @example
 * const net = new nn.Sequential(new nn.Conv2d(3, 8, 3), new nn.ReLU(), new nn.Flatten(), new nn.Linear(288, 10));
 * const bytes = await exportOnnx(net, [1, 3, 8, 8], { inputNames: ['image'], outputNames: ['logits'] });
 * decodeModel(bytes).graph.nodes.map(({ opType }) => opType); // ['Conv', 'Relu', 'Flatten', 'Gemm']
 */
export async function exportOnnx(
  model: nn.Module,
  inputs: OnnxInputs,
  options: ExportOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const exported = await exportOnnxModel(model, inputs, options);
  const bytes = exported.graph.initializers!.reduce((sum, { data }) => sum + data.byteLength, 0);
  if (bytes > MAX_BYTES) {
    throw new OnnxError(
      `exportOnnx: the weights take ${bytes} bytes, a file holds at most ${MAX_BYTES} (2 GiB). Export without them, ` +
        `{ exportParams: false }, and keep them in a safetensors file.`,
    );
  }
  return encodeModel(exported);
}

/**
 * As {@link exportOnnx}, as plain data instead of bytes: to look at, to change, or to print with {@link formatModel}.
 *
 * @example
 * const { graph } = await exportOnnxModel(new nn.Linear(4, 2), [8, 4]);
 * graph.initializers!.map(({ name }) => name); // ['weight', 'bias']
 */
export async function exportOnnxModel(
  model: nn.Module,
  inputs: OnnxInputs,
  options: ExportOptions = {},
): Promise<OnnxModel> {
  checkArguments(model, options);
  const { training = 'eval', exportParams = true, keepInitializersAsInputs = false } = options;
  const flat = flattenInputs(model, inputs);
  const inputNames = namesOf(
    'inputNames',
    options.inputNames,
    flat.inputs.map(({ path }) => path),
    'input',
  );
  const state = await readState(model, exportParams);
  const trace = (avals: readonly Aval[]): nn.ProgramTrace =>
    nn.traceProgram(model, withInputs(flat.args, avals), { mode: training, supports });
  const given = flat.inputs.map(({ aval }) => aval);
  given.forEach(({ shape }, i) => checkShape(inputNames[i], shape));
  const first = trace(given);
  const outputNames = namesOf('outputNames', options.outputNames, outputPaths(first.output), 'output');
  const sizes = dynamicSizes(given, inputNames, outputNames, options.dynamicAxes);
  const lowered = async (traced: nn.ProgramTrace, avals: readonly Aval[]): Promise<OnnxModel> =>
    lowerTrace(traced, { ...(await readConstants(traced)), state, inputs: avals, fed: !exportParams });

  let plain: OnnxModel;
  if (sizes.length === 0) plain = await lowered(first, given);
  else {
    const samples: Sample[] = [];
    for (const values of samplesOf(sizes)) {
      const avals = withSizes(given, sizes, values);
      samples.push({ model: await lowered(traceSample(trace, avals, sizes, values), avals), sizes: values });
    }
    plain = generalize(
      samples,
      sizes.map(({ name, places: [{ position, axis }] }): DynamicSize => ({ name, input: inputName(position), axis })),
    );
  }
  const result = named(plain, fileNames(plain, inputNames, outputNames, state));
  const finished = withDeclared(result, sizes, inputNames, options, keepInitializersAsInputs && exportParams);
  checkModel(finished);
  return finished;
}

function checkArguments(model: nn.Module, options: ExportOptions): void {
  if (!(model instanceof nn.Module)) {
    throw new TypeError(`exportOnnx: expected a module, got ${model === null ? 'null' : typeof model}`);
  }
  if (typeof options !== 'object' || options === null) {
    // torch.onnx.export(model, args, file)
    const file = typeof options === 'string' ? options : 'net.onnx';
    throw new OnnxError(
      `exportOnnx: the third argument are options; it gives the bytes of the file: await writeFile('${file}', await exportOnnx(model, inputs)).`,
    );
  }
  const unknown = Object.keys(options).filter((name) => !(OPTIONS as string[]).includes(name));
  if (unknown.length > 0) {
    throw new OnnxError(`exportOnnx: no option '${unknown.join("', '")}'; there are ${OPTIONS.join(', ')}.`);
  }
  const { training = 'eval', opsetVersion = OPSET } = options;
  if (!['eval', 'train', 'preserve'].includes(training)) {
    throw new OnnxError(`exportOnnx: training is 'eval', 'train' or 'preserve', got '${String(training)}'.`);
  }
  if (opsetVersion !== OPSET) {
    throw new OnnxError(
      `exportOnnx: opsetVersion ${opsetVersion} is not written, only ${OPSET}. ONNX's version_converter makes others of it.`,
    );
  }
}

function checkShape(name: string, shape: readonly number[]): void {
  if (shape.every((size) => Number.isInteger(size) && size > 0)) return;
  throw new OnnxError(
    `exportOnnx: '${name}' has the shape [${shape.join(',')}]; sizes are whole numbers from 1 up. The batch is open ` +
      `whatever its size is here; dynamicAxes opens others.`,
  );
}

function namesOf(option: string, given: readonly string[] | undefined, paths: readonly string[], what: string) {
  if (given === undefined) {
    return paths.map((path) => (path === '' ? what : /^\d+$/.test(path) ? `${what}_${path}` : path));
  }
  if (given.length !== paths.length || new Set(given).size !== given.length || given.includes('')) {
    throw new OnnxError(
      `exportOnnx: ${option} names ${paths.length} ${what}${paths.length === 1 ? '' : 's'}, each otherwise; got ` +
        `[${given.map((name) => `'${name}'`).join(', ')}].`,
    );
  }
  return given;
}

type State = Map<Parameter | Buffer, { name: string; data: TypedArray }>;

/** The weights, by the first of their names; what waits to be computed is computed by it. Without `contents` none are read. */
async function readState(model: nn.Module, contents: boolean): Promise<State> {
  const names = new Map<Parameter | Buffer, string>();
  for (const [name, cell] of [...model.namedParameters(), ...model.namedBuffers()]) {
    if (!names.has(cell)) names.set(cell, name);
  }
  const cells = [...names.keys()];
  for (const device of new Set(cells.map((cell) => cell.device))) {
    const own = cells.filter((cell) => cell.device === device);
    await commit(own, device);
  }
  const data = contents ? await Promise.all(cells.map((cell) => cell.data())) : [];
  return new Map(cells.map((cell, i) => [cell, { name: names.get(cell)!, data: data[i] ?? new Float32Array(0) }]));
}

async function readConstants({ sources }: nn.ProgramTrace): Promise<Pick<Contents, 'constants'>> {
  const constants = new Map<number, TypedArray>();
  for (const [i, source] of sources.entries()) {
    if (source.kind === 'constant') constants.set(i, await source.value.data());
  }
  return { constants };
}

/** An open size and all places that have it. */
interface OpenSize {
  readonly name: string;
  readonly given: number;
  readonly places: readonly { readonly position: number; readonly axis: number }[];
}

function dynamicSizes(
  inputs: readonly Aval[],
  inputNames: readonly string[],
  outputNames: readonly string[],
  dynamicAxes: ExportOptions['dynamicAxes'],
): OpenSize[] {
  const found = new Map<string, { given: number; places: { position: number; axis: number }[] }>();
  const open = (position: number, axis: number, name: string): void => {
    const { shape } = inputs[position];
    if (!Number.isInteger(axis) || axis < 0 || axis >= shape.length) {
      throw new OnnxError(
        `exportOnnx: dynamicAxes has axis ${axis} of '${inputNames[position]}', which has ${shape.length} axes.`,
      );
    }
    const size = found.get(name) ?? { given: shape[axis], places: [] };
    if (size.given !== shape[axis]) {
      throw new OnnxError(
        `exportOnnx: the sizes that dynamicAxes calls '${name}' are ${size.given} and ${shape[axis]}; equal names are equal sizes.`,
      );
    }
    size.places.push({ position, axis });
    found.set(name, size);
  };
  if (dynamicAxes === undefined) {
    const batch = inputs.find(({ shape }) => shape.length > 0)?.shape[0];
    inputs.forEach(({ shape }, position) => shape.length > 0 && shape[0] === batch && open(position, 0, 'batch'));
  } else {
    for (const [name, axes] of Object.entries(dynamicAxes)) {
      const position = inputNames.indexOf(name);
      if (position < 0 && !outputNames.includes(name)) {
        throw new OnnxError(
          `exportOnnx: dynamicAxes names '${name}', which is no input or output; there are ` +
            `${[...inputNames, ...outputNames].join(', ')}.`,
        );
      }
      if (position < 0) continue;
      const pairs = Array.isArray(axes)
        ? (axes as readonly number[]).map((axis) => [axis, `${name}_dynamic_axes_${axis + 1}`] as const)
        : Object.entries(axes as Readonly<Record<number, string>>).map(([axis, size]) => [Number(axis), size] as const);
      for (const [axis, size] of pairs) open(position, axis, size);
    }
  }
  return [...found].map(([name, size]) => ({ name, ...size }));
}

/** The sizes to trace for: a basis, each size for itself another, then all others. */
function samplesOf(sizes: readonly OpenSize[]): number[][] {
  const value = ({ places, given }: OpenSize, round: number): number =>
    places.every(({ axis }) => axis === 0) ? BATCHES[round] : given + ADDED[round];
  const basis = sizes.map((size) => value(size, 0));
  return [basis, ...sizes.map((size, i) => basis.with(i, value(size, 1))), sizes.map((size) => value(size, 2))];
}

function withSizes(inputs: readonly Aval[], sizes: readonly OpenSize[], values: readonly number[]): Aval[] {
  const shapes = inputs.map(({ shape }) => [...shape]);
  sizes.forEach(({ places }, i) => places.forEach(({ position, axis }) => (shapes[position][axis] = values[i])));
  return inputs.map(({ dtype }, i) => ({ shape: shapes[i], dtype }));
}

function traceSample(
  trace: (avals: readonly Aval[]) => nn.ProgramTrace,
  avals: readonly Aval[],
  sizes: readonly OpenSize[],
  values: readonly number[],
): nn.ProgramTrace {
  try {
    return trace(avals);
  } catch (cause) {
    const list = sizes.map(({ name }, i) => `'${name}' = ${values[i]}`).join(', ');
    throw new OnnxError(
      `exportOnnx: with ${list} the network fails, so that size can't be open: ` +
        `${cause instanceof Error ? cause.message : String(cause)} Leave it out of dynamicAxes; ` +
        `{ dynamicAxes: {} } fixes all sizes.`,
      { cause },
    );
  }
}

function fileNames(
  { graph }: OnnxModel,
  inputNames: readonly string[],
  outputNames: readonly string[],
  state: State,
): Map<Value, string> {
  const names = new Map<Value, string>(inputNames.map((name, i) => [inputName(i), name]));
  graph.outputs.forEach(({ name }, i) => names.set(name, outputNames[i]));
  for (const { name } of state.values()) {
    const value = stateName(name);
    const isThere =
      graph.initializers?.some((tensor) => tensor.name === value) || graph.inputs.some((input) => input.name === value);
    if (isThere) names.set(value, name);
  }
  return names;
}

/** The open sizes of inputs by name, those of outputs as the options call them, and weights as inputs too. */
function withDeclared(
  model: OnnxModel,
  sizes: readonly OpenSize[],
  inputNames: readonly string[],
  { dynamicAxes = {} }: ExportOptions,
  weightsAreInputs: boolean,
): OnnxModel {
  const { graph } = model;
  const open = (position: number, axis: number): string | undefined =>
    sizes.find(({ places }) => places.some((place) => place.position === position && place.axis === axis))?.name;
  const inputs = graph.inputs.map((input) => {
    const position = inputNames.indexOf(input.name);
    return { ...input, shape: input.shape?.map((size, axis) => open(position, axis) ?? size) };
  });
  const outputs = graph.outputs.map((output) => {
    const own = dynamicAxes[output.name];
    const names = Array.isArray(own) ? {} : ((own ?? {}) as Readonly<Record<number, string>>);
    return {
      ...output,
      shape: output.shape?.map((size, axis) => (typeof size === 'string' ? (names[axis] ?? size) : size)),
    };
  });
  const weights = weightsAreInputs
    ? graph.initializers!.map(({ name, dtype, shape }) => ({ name: name!, dtype, shape }))
    : [];
  return { ...model, graph: { ...graph, inputs: [...inputs, ...weights], outputs } };
}
