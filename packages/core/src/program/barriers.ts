/**
 * Barriers in programs: see `ops/barrier.ts`.
 */
import type { Program, ProgramNode } from './program.js';

export const BARRIER = 'optimizationBarrier';

/**
 * The same program without barriers, for those who run the nodes one by one in their order: that is what keeps what comes
 * after a barrier from running before it, and its values are its inputs, without a copy.
 */
export function withoutBarriers(program: Program): Program {
  if (!program.nodes.some((node) => node.op === BARRIER)) return program;
  const behind = new Map<number, number>();
  const nodes: ProgramNode[] = [];
  for (const node of program.nodes) {
    const inputs = node.inputs.map((id) => behind.get(id) ?? id);
    if (node.op === BARRIER) node.outputs.forEach((id, i) => behind.set(id, inputs[i]));
    else nodes.push({ ...node, inputs });
  }
  // An output of the program is no input of it and no other output.
  for (const { value } of program.outputs) {
    const from = behind.get(value);
    if (from === undefined) continue;
    const aval = program.nodes.flatMap(({ outputs, avals }) => avals.filter((_, i) => outputs[i] === value))[0];
    nodes.push({ op: 'copy', attrs: {}, inputs: [from], outputs: [value], avals: [aval], lastUses: [] });
  }
  const given = program.inputs.length + program.constants.length;
  const kept = new Set(program.outputs.map(({ value }) => value));
  const last = new Map<number, number>();
  nodes.forEach(({ inputs, outputs }, i) => {
    for (const id of [...inputs, ...outputs]) if (id >= given && !kept.has(id)) last.set(id, i);
  });
  const lastUses: number[][] = nodes.map(() => []);
  for (const [id, i] of last) lastUses[i].push(id);
  return { ...program, nodes: nodes.map((node, i) => ({ ...node, lastUses: lastUses[i] })) };
}
