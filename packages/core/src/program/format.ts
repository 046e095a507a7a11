/**
 * A program as text: one line an input, constant, node and output.
 */
import { formatAval } from '../shape.js';
import { valueAvals, type Attrs, type Program } from './program.js';

/** Attributes so that different ones never look the same: JSON writes null for infinities and NaN. */
export function formatAttrs(attrs: Attrs): string {
  const text = JSON.stringify(attrs);
  if (!text.includes('null')) return text;
  return JSON.stringify(attrs, (_, v: unknown) => (typeof v === 'number' && !Number.isFinite(v) ? String(v) : v));
}

/** Numbers so that different ones never look the same: −0 keeps its sign. */
export function formatNumbers(data: ArrayLike<number>): string {
  return Array.from(data, (v) => (Object.is(v, -0) ? '-0' : String(v))).join();
}

/** For reading and for tests: `%4: float32[64,6,28,28] = conv(%0, %1) {"stride":[1,1]}`. */
export function formatProgram(program: Program): string {
  const avals = valueAvals(program);
  const lines = program.inputs.map((input, i) => `%${i}: ${formatAval(input.aval)} = input ${input.role}`);
  program.constants.forEach(({ aval, data }, i) => {
    lines.push(`%${program.inputs.length + i}: ${formatAval(aval)} = constant ${Array.from(data).join(' ')}`);
  });
  for (const node of program.nodes) {
    const attrs = Object.keys(node.attrs).length > 0 ? ` ${formatAttrs(node.attrs)}` : '';
    const outs = node.outputs.map((id) => `%${id}: ${formatAval(avals[id])}`).join(', ');
    lines.push(`${outs} = ${node.op}(${node.inputs.map((id) => `%${id}`).join(', ')})${attrs}`);
  }
  for (const { value, replaces } of program.outputs) {
    lines.push(`output %${value}${replaces === undefined ? '' : ` replaces %${replaces}`}`);
  }
  return lines.join('\n');
}
