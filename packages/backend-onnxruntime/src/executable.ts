/**
 * One program, as the sessions that run it: with fed weights, and, while weights stay as they are, with constant ones.
 */
import { BackendError, type DeviceBuffer, type Executable, FakkelError, formatAval, type Program } from '@fakkel/core';
import { threefryUniform } from '@fakkel/core';
import { encodeModel } from '@fakkel/onnx';
import type { Tensor } from 'onnxruntime-common';
import type { OrtBackend, OrtBuffer } from './backend.js';
import type { EngineSession } from './engines/engine.js';
import { type LoweredModel, lowerProgram } from './lowering/lower.js';
import type { CachedSession } from './session-cache.js';

/** A form of the program, lowered; its session comes and goes. */
interface Variant extends CachedSession {
  readonly lowered: LoweredModel;
}

export class OrtExecutable implements Executable {
  private readonly variants = new Map<string, Variant>();
  private disposed = false;

  constructor(
    private readonly backend: OrtBackend,
    private readonly program: Program,
  ) {}

  /** Builds the first session, so that what can't be built is an error of `compile`. */
  async prepare(): Promise<void> {
    await this.backend.sessions.open(this.variant());
  }

  async run(inputs: readonly DeviceBuffer[], donated: readonly boolean[]): Promise<readonly DeviceBuffer[]> {
    if (this.disposed) throw new BackendError('run: the executable is disposed');
    const buffers = this.checkInputs(inputs);
    const { backend } = this;
    const variant = this.variant();
    const { lowered } = variant;
    const feeds: Record<string, Tensor> = {};
    for (const { name, input } of lowered.inputs) feeds[name] = buffers[input].tensor;
    const drawn = lowered.random.map(({ name, aval, key }) => {
      const [k0, k1] = buffers[key].tensor.data as Int32Array;
      const buffer = backend.buffer(aval);
      threefryUniform(buffer.tensor.data as Float32Array, k0, k1);
      feeds[name] = buffer.tensor;
      return buffer;
    });
    const outputs: OrtBuffer[] = [];
    try {
      const fetches: Record<string, Tensor> = {};
      this.program.outputs.forEach(({ value }, i) => {
        const buffer = backend.buffer(this.avalOf(value));
        outputs.push(buffer);
        fetches[lowered.outputs[i]] = buffer.tensor;
      });
      await backend.sessions.with(variant, (session) => session.run(feeds, fetches));
    } catch (error) {
      for (const buffer of outputs) backend.release(buffer);
      throw runError(backend.name, error);
    } finally {
      for (const buffer of drawn) backend.release(buffer);
    }
    backend.runs++;
    for (const buffer of new Set(buffers.filter((_, i) => donated[i]))) backend.release(buffer);
    return outputs;
  }

  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    for (const variant of this.variants.values()) void this.backend.sessions.drop(variant);
    this.variants.clear();
  }

  private variant(): Variant {
    const key = '';
    const known = this.variants.get(key);
    if (known) return known;
    const lowered = lowerProgram(this.program, { target: this.backend.engine.target });
    const variant: Variant = {
      lowered,
      build: () => this.build(lowered),
      session: null,
      uses: 0,
    };
    this.variants.set(key, variant);
    return variant;
  }

  private async build(lowered: LoweredModel): Promise<EngineSession> {
    try {
      return await this.backend.engine.createSession(encodeModel(lowered.model));
    } catch (error) {
      throw new BackendError(`compile: ${this.backend.name} can't build a session: ${messageOf(error)}`, {
        cause: error,
      });
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

  private avalOf(value: number) {
    for (const node of this.program.nodes) {
      const at = node.outputs.indexOf(value);
      if (at >= 0) return node.avals[at];
    }
    throw new BackendError(`run: output ${value} is not computed by the program`);
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function runError(name: string, error: unknown): Error {
  if (error instanceof FakkelError) return error;
  return new BackendError(`run: ${name} failed: ${messageOf(error)}`, { cause: error });
}
