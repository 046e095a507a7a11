/**
 * The checking mode: every op runs by itself and its result is looked at before the next one starts.
 */
import type { Backend, DeviceBuffer } from '../backends/backend.js';
import { isFloat, type TypedArray } from '../dtype.js';
import { NonFiniteError } from '../errors.js';
import { modes } from '../graph/modes.js';
import type { Node } from '../graph/node.js';
import type { CompiledProgram } from '../program/cache.js';
import type { Program } from '../program/program.js';
import { formatAval, type Aval } from '../shape.js';
import type { Storage } from './storage.js';

/**
 * Turns the checking mode on or off: each op is run by itself and its result checked; the first NaN or Inf throws a
 * `NonFiniteError` that names the op, the module and the line that recorded it. Slow: for finding out, not for training.
 *
 * @example
 * checkNumerics(true);
 * const x = tensor([0, 1]);
 * await x.log().data().catch((error: Error) => error.message); // log (recorded at …) made -Inf (element 0)
 * checkNumerics(false);
 */
export function checkNumerics(on: boolean): void {
  modes.checking = on;
}

export async function runChecked(
  backend: Backend,
  compiled: CompiledProgram,
  buffers: readonly DeviceBuffer[],
  inputs: readonly Storage[],
): Promise<DeviceBuffer[]> {
  const { program, origins } = compiled;
  const values = new Map<number, DeviceBuffer>(buffers.map((b, i) => [i, b]));
  const owned: DeviceBuffer[] = [];
  const give = (id: number, buffer: DeviceBuffer): void => {
    values.set(id, buffer);
    owned.push(buffer);
  };
  const check = async (buffer: DeviceBuffer, aval: Aval, what: (found: string) => string): Promise<void> => {
    if (!isFloat(aval.dtype)) return;
    const found = firstNonFinite((await backend.download([buffer]))[0]);
    if (found) throw new NonFiniteError(what(found));
  };
  const firstReader = (id: number): Node | null => {
    const reader = program.nodes.findIndex((node) => node.inputs.includes(id));
    return reader < 0 ? null : (origins[reader] ?? null);
  };
  try {
    for (let i = 0; i < program.inputs.length; i++) {
      const { aval, role } = program.inputs[i];
      if (role !== 'data' && role !== 'state') continue;
      await check(buffers[i], aval, (found) => {
        const name = inputs[i].role === 'data' ? 'the data' : `a ${inputs[i].role}`;
        return `${name} ${formatAval(aval)} given to ${place(firstReader(i))} holds ${found}`;
      });
    }
    program.constants.forEach(({ aval, data }, i) => give(program.inputs.length + i, backend.upload(data, aval)));
    for (let i = 0; i < program.nodes.length; i++) {
      const node = program.nodes[i];
      const args = node.inputs.map((id) => values.get(id)!);
      const executable = await backend.compile(single(program, i));
      const results = await executable
        .run(
          [...new Set(args)],
          [...new Set(args)].map(() => false),
        )
        .finally(() => executable.dispose());
      node.outputs.forEach((id, k) => give(id, results[k]));
      for (let k = 0; k < results.length; k++) {
        await check(results[k], node.avals[k], (found) => `${place(origins[i] ?? null, node.op)} made ${found}`);
      }
    }
    const results = program.outputs.map((o) => values.get(o.value)!);
    for (const buffer of owned) if (!results.includes(buffer)) backend.release(buffer);
    return results;
  } catch (error) {
    for (const buffer of owned) backend.release(buffer);
    throw error;
  }
}

/** The program of one node. */
function single(program: Program, i: number): Program {
  const node = program.nodes[i];
  const avals = new Map<number, Aval>();
  program.inputs.forEach((input, id) => avals.set(id, input.aval));
  program.constants.forEach((constant, k) => avals.set(program.inputs.length + k, constant.aval));
  for (const n of program.nodes) n.outputs.forEach((id, k) => avals.set(id, n.avals[k]));
  const ids = [...new Set(node.inputs)];
  return {
    inputs: ids.map((id) => ({ aval: avals.get(id)!, role: 'data' })),
    constants: [],
    nodes: [
      {
        ...node,
        inputs: node.inputs.map((id) => ids.indexOf(id)),
        outputs: node.outputs.map((_, k) => ids.length + k),
        lastUses: [],
      },
    ],
    outputs: node.outputs.map((_, k) => ({ value: ids.length + k })),
  };
}

function firstNonFinite(data: TypedArray): string | null {
  for (let i = 0; i < data.length; i++) {
    const v = data[i];
    if (!Number.isFinite(v)) return `${Number.isNaN(v) ? 'NaN' : v > 0 ? 'Inf' : '-Inf'} (element ${i})`;
  }
  return null;
}

/** `log in features.3 (recorded at …/train.ts:12:20)`. */
function place(node: Node | null, programOp?: string): string {
  if (!node) return programOp ?? 'an operation';
  const op = programOp && programOp !== node.op.name ? `${node.op.name} (its step ${programOp})` : node.op.name;
  const module = node.site?.modulePath ? ` in ${node.site.modulePath}` : '';
  const line = node.site?.stack
    .split('\n')
    .slice(1)
    .find(
      (l) => !/[/\\](?:@fakkel[/\\]core|packages[/\\]core)[/\\](?:src|dist)[/\\]/.test(l) || /\.test\.[jt]s/.test(l),
    );
  return `${op}${module}${line ? ` (recorded ${line.trim()})` : ''}`;
}
