/**
 * A program as text: one line an input, constant, node and output.
 */
import { formatAval } from '../shape.js';
import { valueAvals, type Program } from './program.js';

/** For reading and for tests: `%4: float32[64,6,28,28] = conv(%0, %1) {"stride":[1,1]}`. */
export function formatProgram(program: Program): string {
  const avals = valueAvals(program);
  const lines = program.inputs.map((input, i) => `%${i}: ${formatAval(input.aval)} = input ${input.role}`);
  program.constants.forEach(({ aval, data }, i) => {
    lines.push(`%${program.inputs.length + i}: ${formatAval(aval)} = constant ${Array.from(data).join(' ')}`);
  });
  for (const node of program.nodes) {
    const attrs = Object.keys(node.attrs).length > 0 ? ` ${JSON.stringify(node.attrs)}` : '';
    const outs = node.outputs.map((id) => `%${id}: ${formatAval(avals[id])}`).join(', ');
    lines.push(`${outs} = ${node.op}(${node.inputs.map((id) => `%${id}`).join(', ')})${attrs}`);
  }
  for (const { value, replaces } of program.outputs) {
    lines.push(`output %${value}${replaces === undefined ? '' : ` replaces %${replaces}`}`);
  }
  return lines.join('\n');
}
