/**
 * A backend seen from outside: every buffer that it hands out is counted, and each run is held to the contract.
 */
import {
  type Aval,
  formatAval,
  type Backend,
  type DeviceBuffer,
  type Executable,
  type OpSignature,
  type Program,
  type TypedArray,
  type Unsupported,
} from '@fakkel/core';

export interface TrackedBackend extends Backend {
  /** Buffers that core holds now. */
  readonly held: ReadonlySet<DeviceBuffer>;
}

export interface TrackOptions {
  /** Overrules `supports`: for running composites decomposed. */
  supports?(op: string, signature: OpSignature): true | Unsupported;
  /** Called before each run: throws to make it fail. */
  beforeRun?(): void;
  /** Runs on copies of the inputs, all of them donated: the backend may compute in place wherever it can. */
  donateCopies?: boolean;
}

/**
 * Wraps `backend` for one test. Disposing of the wrapper releases what is left over and leaves the backend alive.
 *
 * @throws From `run` and `release`, where the backend or core breaks the contract of buffers.
 */
export function track(backend: Backend, options: TrackOptions = {}): TrackedBackend {
  const held = new Set<DeviceBuffer>();
  const seen = new Set<number>();
  const executables = new Set<Executable>();
  let disposed = false;

  const arrived = (buffer: DeviceBuffer, what: string): DeviceBuffer => {
    if (seen.has(buffer.id)) throw new Error(`contract: ${what} has the id ${buffer.id} of an earlier buffer`);
    seen.add(buffer.id);
    held.add(buffer);
    return buffer;
  };
  const gone = (buffer: DeviceBuffer): void => {
    if (!held.delete(buffer)) throw new Error(`contract: buffer ${buffer.id} was released, but nobody holds it`);
  };

  const checkedRun = async (
    executable: Executable,
    program: Program,
    given: readonly DeviceBuffer[],
    flags: readonly boolean[],
  ): Promise<readonly DeviceBuffer[]> => {
    options.beforeRun?.();
    const copies = options.donateCopies ? await backend.download(given) : null;
    const inputs = copies?.map((data, i) => tracked.upload(data, given[i].aval)) ?? given;
    const donated = copies?.map(() => true) ?? flags;
    const outputs = await executable.run(inputs, donated);
    if (outputs.length !== program.outputs.length) {
      throw new Error(`contract: run gave ${outputs.length} outputs, the program has ${program.outputs.length}`);
    }
    inputs.forEach((buffer, i) => {
      if (donated[i]) gone(buffer);
    });
    const avals = outputAvals(program);
    outputs.forEach((buffer, i) => {
      if (inputs.includes(buffer)) throw new Error(`contract: output ${i} is one of the inputs`);
      const got = formatAval(buffer.aval);
      if (got !== avals[i]) throw new Error(`contract: output ${i} is ${got}, the program says ${avals[i]}`);
      arrived(buffer, `output ${i}`);
    });
    return outputs;
  };

  const tracked: TrackedBackend = {
    name: backend.name,
    apiVersion: backend.apiVersion,
    capabilities: backend.capabilities,
    held,
    lost: backend.lost,
    supports: (op, signature) => {
      const verdict = options.supports?.(op, signature) ?? true;
      return verdict === true ? backend.supports(op, signature) : verdict;
    },
    upload: (data, aval) => arrived(backend.upload(data, aval), 'an upload'),
    ...(backend.fill ? { fill: (value: number, aval: Aval) => arrived(backend.fill!(value, aval), 'a fill') } : {}),
    ...(backend.adopt
      ? { adopt: (data: TypedArray, aval: Aval) => arrived(backend.adopt!(data, aval), 'an adopted array') }
      : {}),
    download: (buffers) => backend.download(buffers),
    release: (buffer) => {
      // Cells that the collector finds later were released with everything else.
      if (disposed) return;
      gone(buffer);
      backend.release(buffer);
    },
    compile: async (program) => {
      const executable = await backend.compile(program);
      executables.add(executable);
      return {
        run: (inputs, donated) => checkedRun(executable, program, inputs, donated),
        dispose: () => {
          if (executables.delete(executable)) executable.dispose();
        },
      };
    },
    stats: () => backend.stats(),
    dispose: async () => {
      for (const buffer of held) backend.release(buffer);
      for (const executable of executables) executable.dispose();
      disposed = true;
      held.clear();
      executables.clear();
    },
  };
  return tracked;
}

function outputAvals(program: Program): string[] {
  const avals = new Map<number, string>();
  for (const node of program.nodes) node.outputs.forEach((id, i) => avals.set(id, formatAval(node.avals[i])));
  return program.outputs.map(({ value }) => avals.get(value) ?? 'an input or a constant');
}
