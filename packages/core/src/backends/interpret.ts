/**
 * Programs run node by node: all that a backend needs which has kernels and no compiler.
 */
import type { TypedArray } from '../dtype.js';
import { BackendError, FakkelError } from '../errors.js';
import { withoutBarriers } from '../program/barriers.js';
import type { Attrs, Program } from '../program/program.js';
import { type Aval, formatAval, sameShape } from '../shape.js';
import type { DeviceBuffer, Executable } from './backend.js';

/** One call of a kernel. */
export interface KernelCall<B extends DeviceBuffer> {
  readonly op: string;
  /** The inputs; the kernel reads them and leaves them as they are. */
  readonly inputs: readonly B[];
  readonly inputAvals: readonly Aval[];
  /** Shape and dtype of each output the kernel has to return. */
  readonly outputAvals: readonly Aval[];
  readonly attrs: Attrs;
}

/**
 * Computes one op: returns a new buffer for each entry of `outputAvals`, never one of its inputs. A kernel that throws
 * releases what it allocated itself.
 */
export type Kernel<B extends DeviceBuffer> = (call: KernelCall<B>) => readonly B[] | Promise<readonly B[]>;

export interface InterpretOptions<B extends DeviceBuffer> {
  /** A kernel for each op that `supports` promises. */
  readonly kernels: Readonly<Record<string, Kernel<B>>>;
  /** Puts a constant of the program on the device; it lives until the executable is disposed. */
  readonly constant: (data: TypedArray, aval: Aval) => B;
  /** Frees a buffer that a kernel or `constant` returned, or a donated input. */
  readonly release: (buffer: B) => void;
  /** Called once a run, when it starts, for the backend's statistics. */
  readonly onRun?: () => void;
}

interface Step<B extends DeviceBuffer> {
  readonly kernel: Kernel<B>;
  readonly op: string;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  /** Values to free after this step: computed in the run, read by no later step and no output. */
  readonly frees: readonly number[];
  readonly inputAvals: readonly Aval[];
  readonly outputAvals: readonly Aval[];
  readonly attrs: Attrs;
}

/**
 * Turns a table of kernels into the `compile` of a backend.
 *
 * A run calls one kernel per node in order, frees each intermediate after its last use, and awaits nothing unless a
 * kernel returns a promise. An `optimizationBarrier` needs no kernel and costs nothing: the order is what it asks for, so
 * `supports` may say true to it. When a kernel fails, everything the run made is released, the inputs (donated or not) stay
 * as they were, and the run rejects with a `BackendError` that names the op (or with the kernel's own error, where that
 * is a `FakkelError` about its input); on success donated inputs are released.
 *
 * @example
 * interface Mine extends DeviceBuffer { data: TypedArray }
 * let id = 0;
 * const upload = (data: TypedArray, aval: Aval): Mine => ({ id: id++, aval, data: data.slice() });
 * const compile = interpretProgram<Mine>({
 *   kernels: { neg: ({ inputs: [x], outputAvals: [aval] }) => [upload(x.data.map((v) => -v), aval)] }, // and so on
 *   constant: upload,
 *   release: () => undefined, // the collector frees host memory
 * });
 */
export function interpretProgram<B extends DeviceBuffer>(
  options: InterpretOptions<B>,
): (program: Program) => Promise<Executable> {
  const { constant, release } = options;
  // `async`, so that what is wrong with the program rejects the promise.
  return async (given) => {
    const program = withoutBarriers(given);
    const steps = planSteps(program, options.kernels);
    const constants: B[] = [];
    try {
      for (const { data, aval } of program.constants) constants.push(constant(data, aval));
    } catch (error) {
      constants.forEach(release);
      throw error;
    }
    let disposed = false;
    return {
      run: async (inputs, donated) => {
        if (disposed) throw new BackendError('run: the executable is disposed');
        checkInputs(program, inputs);
        options.onRun?.();
        const outputs = await runSteps(program, steps, inputs as readonly B[], constants, release);
        new Set(inputs.filter((_, i) => donated[i])).forEach((buffer) => release(buffer as B));
        return outputs;
      },
      dispose: () => {
        if (!disposed) constants.forEach(release);
        disposed = true;
      },
    };
  };
}

function planSteps<B extends DeviceBuffer>(program: Program, kernels: Readonly<Record<string, Kernel<B>>>): Step<B>[] {
  const avals = [...program.inputs.map((input) => input.aval), ...program.constants.map((c) => c.aval)];
  const given = avals.length;
  const isOutput = new Set(program.outputs.map((output) => output.value));
  return program.nodes.map((node) => {
    const kernel = Object.hasOwn(kernels, node.op) ? kernels[node.op] : undefined;
    if (!kernel) throw new BackendError(`compile: this backend has no kernel for '${node.op}'`);
    node.outputs.forEach((value, i) => (avals[value] = node.avals[i]));
    return {
      kernel,
      op: node.op,
      inputs: node.inputs,
      outputs: node.outputs,
      // Inputs and constants outlive the run, whatever the list says.
      frees: node.lastUses.filter((value) => value >= given && !isOutput.has(value)),
      inputAvals: node.inputs.map((value) => avals[value]),
      outputAvals: node.avals,
      attrs: node.attrs,
    };
  });
}

function checkInputs(program: Program, inputs: readonly DeviceBuffer[]): void {
  if (inputs.length !== program.inputs.length) {
    throw new BackendError(`run: expected ${program.inputs.length} inputs, got ${inputs.length}`);
  }
  program.inputs.forEach(({ aval }, i) => {
    const given = inputs[i].aval;
    if (given.dtype !== aval.dtype || !sameShape(given.shape, aval.shape)) {
      throw new BackendError(`run: expected input ${i} to be ${formatAval(aval)}, got ${formatAval(given)}`);
    }
  });
}

async function runSteps<B extends DeviceBuffer>(
  program: Program,
  steps: readonly Step<B>[],
  inputs: readonly B[],
  constants: readonly B[],
  release: (buffer: B) => void,
): Promise<readonly B[]> {
  const values: (B | undefined)[] = [...inputs, ...constants];
  const given = values.length;
  try {
    for (const step of steps) {
      const operands = step.inputs.map((value) => values[value] as B);
      const { op, inputAvals, outputAvals, attrs } = step;
      try {
        const result = step.kernel({ op, inputs: operands, inputAvals, outputAvals, attrs });
        // Awaiting costs a turn of the microtask queue, so only what is a promise is awaited.
        const outputs = isPromise(result) ? await result : result;
        checkOutputs(step, operands, outputs);
        step.outputs.forEach((value, i) => (values[value] = outputs[i]));
      } catch (error) {
        throw kernelError(step, error);
      }
      for (const value of step.frees) {
        const buffer = values[value];
        if (!buffer) continue;
        values[value] = undefined;
        release(buffer);
      }
    }
    const outputs = program.outputs.map(({ value }) => {
      const buffer = value >= given ? values[value] : undefined;
      if (!buffer) throw new BackendError(`run: output ${value} is not computed by the program`);
      return buffer;
    });
    for (const { value } of program.outputs) values[value] = undefined;
    return outputs;
  } finally {
    // After a failure: all that the run has made. After success: what no `lastUses` named.
    for (let value = given; value < values.length; value++) {
      const buffer = values[value];
      if (buffer) release(buffer);
    }
  }
}

function isPromise<T>(value: T | Promise<T>): value is Promise<T> {
  return typeof (value as Promise<T>).then === 'function';
}

/** A kernel that hands back an input would have it freed twice. */
function checkOutputs<B extends DeviceBuffer>(step: Step<B>, inputs: readonly B[], outputs: readonly B[]): void {
  if (outputs.length !== step.outputs.length) {
    throw new BackendError(`expected ${step.outputs.length} outputs from the kernel, got ${outputs.length}`);
  }
  for (const output of outputs) {
    if (inputs.includes(output)) throw new BackendError('the kernel returned one of its inputs; return a copy');
  }
}

function kernelError<B extends DeviceBuffer>(step: Step<B>, cause: unknown): Error {
  // A bad label or index is the user's, and its message says all there is to say.
  if (cause instanceof FakkelError && !(cause instanceof BackendError)) return cause;
  const call = `${step.op}(${step.inputAvals.map(formatAval).join(', ')})`;
  const message = cause instanceof Error ? cause.message : String(cause);
  return new BackendError(`${call} failed: ${message}`, { cause });
}
