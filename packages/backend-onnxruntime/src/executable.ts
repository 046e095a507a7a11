/**
 * One program, as the sessions that run it. It has forms, each with a session of its own:
 *
 * - the general one, which is fed all inputs;
 * - ones that leave out what a scalar of zero switches off (weight decay, dampening): an update of 60 million weights
 *   is a few passes over memory, and each term is one more;
 * - one that assumes nothing: the others take the fast way for finite numbers, say when that was wrong, and the run is
 *   repeated with this one;
 * - for inference, one whose weights are constants, so that ONNX Runtime puts them into its blocked layouts and folds
 *   what depends on them alone. It holds while the weights are the same buffers, whose contents never change.
 */
import {
  BackendError,
  type CompileHints,
  type DeviceBuffer,
  type Executable,
  formatAval,
  type Program,
  threefryUniform,
  type TypedArray,
  valueAvals,
  type Aval,
} from '@fakkel/core';
import type { Tensor } from 'onnxruntime-common';
import type { OrtBackend, OrtBuffer } from './backend.js';
import { buildError, runError } from './errors.js';
import { type LoweredModel, lowerProgram, type LowerOptions } from './lowering/lower.js';
import { zeroSwitches } from './lowering/switches.js';
import type { CachedSession } from './session-cache.js';

/** The names of a lowered model, without its nodes and weights. */
type Interface = Omit<LoweredModel, 'model'>;

interface Form extends CachedSession {
  io: Interface | null;
}

/** A file of ONNX ends at 2 GiB, and on the way there weights are there three times: larger ones stay fed. */
const MOST_FROZEN_BYTES = 1.5 * (1 << 30);

/** Runs that assume nothing after one whose assumptions did not hold. */
const EXACT_RUNS = 16;

/** Runs with the same weights after which they become constants of a session. */
const RUNS_BEFORE_FREEZING = 2;

export class OrtExecutable implements Executable {
  private readonly forms = new Map<string, Form>();
  private readonly outputAvals: readonly Aval[];
  /** Scalar inputs that switch a term off when they are zero. */
  private readonly switches: readonly number[];
  /** The inputs that become constants, if any may. */
  private readonly weights: readonly number[];
  /** The buffers that the last run had for its weights, and for how many runs they have been the same. */
  private weightIds = '';
  private repeats = 0;
  private frozen: Form | null = null;
  /** The scalars that are constants of it; those that have changed while the weights did not are fed. */
  private readonly frozenScalars = new Map<number, number>();
  private readonly changing = new Set<number>();
  private canFreeze = true;
  private exactRuns = 0;
  private disposed = false;

  constructor(
    private readonly backend: OrtBackend,
    private readonly program: Program,
  ) {
    const avals = valueAvals(program);
    this.outputAvals = program.outputs.map(({ value }) => avals[value]);
    this.switches = zeroSwitches(program);
    const changes = program.outputs.some(({ replaces }) => replaces !== undefined);
    const states = program.inputs.map(({ role }, i) => (role === 'state' ? i : -1)).filter((i) => i >= 0);
    const bytes = states.reduce((sum, i) => sum + 4 * sizeOf(program.inputs[i].aval), 0);
    this.weights = changes || !backend.engine.freezes || bytes > MOST_FROZEN_BYTES ? [] : states;
  }

  /** Builds the first session, so that what can't be built is an error of `compile`. */
  async prepare(hints?: CompileHints): Promise<void> {
    const zeros = hints ? this.switches.filter((i) => hints.scalars[i] === 0) : [];
    await this.backend.sessions.open(this.form(zeros));
  }

  async run(inputs: readonly DeviceBuffer[], donated: readonly boolean[]): Promise<readonly DeviceBuffer[]> {
    if (this.disposed) throw new BackendError('run: the executable is disposed');
    const { backend } = this;
    const buffers = this.checkInputs(inputs);
    backend.retain(buffers);
    try {
      let outputs = this.exactRuns > 0 ? undefined : await this.runForm(await this.choose(buffers), buffers);
      if (!outputs) {
        // What the fast forms assume does not hold: most likely training diverges, and it will not in the next runs.
        this.exactRuns = this.exactRuns > 0 ? this.exactRuns - 1 : EXACT_RUNS;
        outputs = (await this.runForm(this.form([], true), buffers))!;
      }
      backend.runs++;
      for (const buffer of new Set(buffers.filter((_, i) => donated[i]))) backend.consume(buffer);
      return outputs;
    } finally {
      backend.letGo(buffers);
    }
  }

  /** The outputs; undefined if what the form assumes does not hold. */
  private async runForm(form: Form, buffers: readonly OrtBuffer[]): Promise<readonly OrtBuffer[] | undefined> {
    const { backend } = this;
    const made: OrtBuffer[] = [];
    const scratch: OrtBuffer[] = [];
    const releaseAll = (all: readonly OrtBuffer[]): void => all.forEach((buffer) => backend.release(buffer));
    try {
      return await backend.sessions.with(form, async (session) => {
        const { inputs: fed, random, outputs, assumption } = form.io!;
        const feeds: Record<string, Tensor> = {};
        for (const { name, input } of fed) feeds[name] = buffers[input].tensor;
        for (const { name, aval, key } of random) {
          const buffer = backend.buffer(aval, drawUniform(aval, buffers[key]));
          scratch.push(buffer);
          feeds[name] = buffer.tensor;
        }
        const fetches: Record<string, Tensor> = {};
        outputs.forEach((name, i) => {
          const buffer = backend.buffer(this.outputAvals[i]);
          made.push(buffer);
          fetches[name] = buffer.tensor;
        });
        let holds: OrtBuffer | undefined;
        if (assumption !== undefined) {
          holds = backend.buffer({ shape: [], dtype: 'bool' });
          scratch.push(holds);
          fetches[assumption] = holds.tensor;
        }
        await session.run(feeds, fetches);
        if (!holds || (holds.tensor.data as Uint8Array)[0] === 1) return made;
        releaseAll(made);
        return undefined;
      });
    } catch (error) {
      releaseAll(made);
      throw runError(backend.name, error);
    } finally {
      releaseAll(scratch);
    }
  }

  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    for (const form of this.forms.values()) void this.backend.sessions.drop(form);
    this.forms.clear();
    this.thaw();
  }

  private async choose(buffers: readonly OrtBuffer[]): Promise<Form> {
    if (this.weights.length === 0 || !this.canFreeze) return this.general(buffers);
    const ids = this.weights.map((i) => buffers[i].id).join();
    if (ids !== this.weightIds) {
      this.thaw();
      this.weightIds = ids;
      this.repeats = 0;
    }
    if (this.repeats++ < RUNS_BEFORE_FREEZING) return this.general(buffers);
    const form = this.freeze(buffers);
    try {
      await this.backend.sessions.open(form);
      return form;
    } catch {
      // Too little memory for a copy of the weights, say: the general form still runs.
      this.canFreeze = false;
      this.thaw();
      return this.general(buffers);
    }
  }

  /** The form that is fed everything, but for terms that are zero. */
  private general(buffers: readonly OrtBuffer[]): Form {
    return this.form(this.switches.filter((i) => buffers[i].host?.[0] === 0));
  }

  /** The form with the weights that `buffers` hold, which are those of `weightIds`, and with scalars that stay. */
  private freeze(buffers: readonly OrtBuffer[]): Form {
    const changed = [...this.frozenScalars].filter(([i, value]) => !Object.is(buffers[i].host?.[0], value));
    if (changed.length > 0) {
      this.thaw();
      for (const [i] of changed) this.changing.add(i);
    }
    if (this.frozen) return this.frozen;
    this.program.inputs.forEach(({ role }, i) => {
      const value = role === 'scalar' && !this.changing.has(i) ? buffers[i].host?.[0] : undefined;
      if (value !== undefined) this.frozenScalars.set(i, value);
    });
    const constants = [...this.weights, ...this.frozenScalars.keys()];
    const contents = (i: number): TypedArray => buffers[i].host ?? (buffers[i].tensor.data as TypedArray);
    // It may leave the cache and be built anew: from the same contents, which a buffer in use keeps.
    this.frozen = this.newForm(() => ({ frozen: new Map(constants.map((i) => [i, contents(i)])) }));
    return this.frozen;
  }

  private thaw(): void {
    if (this.frozen) void this.backend.sessions.drop(this.frozen);
    this.frozen = null;
    this.frozenScalars.clear();
  }

  private form(zeros: readonly number[], exact = false): Form {
    const key = exact ? 'exact' : zeros.join();
    let form = this.forms.get(key);
    if (!form) this.forms.set(key, (form = this.newForm(() => ({ zeros: new Set(zeros), exact }))));
    return form;
  }

  private newForm(options: () => Omit<LowerOptions, 'target'>): Form {
    const form: Form = { io: null, session: null, uses: 0, build: () => this.build(form, options()) };
    return form;
  }

  private async build(form: Form, options: Omit<LowerOptions, 'target'>) {
    const { engine, name } = this.backend;
    try {
      const { model, ...io } = lowerProgram(this.program, { target: engine.target, ...options });
      form.io = io;
      return await engine.createSession(model);
    } catch (error) {
      throw buildError(name, error);
    }
  }

  private checkInputs(inputs: readonly DeviceBuffer[]): readonly OrtBuffer[] {
    const expected = this.program.inputs;
    if (inputs.length !== expected.length) {
      throw new BackendError(`run: expected ${expected.length} inputs, got ${inputs.length}`);
    }
    return inputs.map((input, i) => {
      const own = this.backend.check('run', input);
      const { aval } = expected[i];
      if (own.aval !== aval && formatAval(own.aval) !== formatAval(aval)) {
        throw new BackendError(`run: expected input ${i} to be ${formatAval(aval)}, got ${formatAval(own.aval)}`);
      }
      return own;
    });
  }
}

const sizeOf = ({ shape }: Aval): number => shape.reduce((n, d) => n * d, 1);

function drawUniform(aval: Aval, { host }: OrtBuffer): Float32Array {
  const [k0, k1] = host!;
  return threefryUniform(new Float32Array(sizeOf(aval)), k0, k1);
}
