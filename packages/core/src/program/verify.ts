/**
 * What every program promises a backend, checked before it is compiled.
 */
import { BackendError } from '../errors.js';
import { formatAval, sizeOf } from '../shape.js';
import { MAX_CONSTANT_ELEMENTS, type Program } from './program.js';

/**
 * Throws unless the program is well formed: values defined once and before they are read, last uses exact, no tensor
 * without elements, small constants, outputs distinct and made by nodes.
 */
export function verifyProgram(program: Program): void {
  const fail = (message: string): never => {
    throw new BackendError(`malformed program: ${message}`);
  };
  const defined = new Set<number>();
  let next = 0;
  for (const { aval } of program.inputs) {
    if (sizeOf(aval.shape) === 0) fail(`input ${next} ${formatAval(aval)} has no elements`);
    defined.add(next++);
  }
  for (const { aval, data } of program.constants) {
    if (data.length !== sizeOf(aval.shape)) fail(`constant ${next} ${formatAval(aval)} holds ${data.length} elements`);
    if (data.length > MAX_CONSTANT_ELEMENTS) fail(`constant ${next} is larger than ${MAX_CONSTANT_ELEMENTS} elements`);
    defined.add(next++);
  }
  const firstNodeValue = next;
  const freed = new Set<number>();
  const lastRead = new Map<number, number>();
  program.nodes.forEach((node, i) => {
    for (const id of node.inputs) {
      if (!defined.has(id)) fail(`node ${i} (${node.op}) reads value ${id} before it is made`);
      if (freed.has(id)) fail(`node ${i} (${node.op}) reads value ${id} after its last use`);
      lastRead.set(id, i);
    }
    if (node.outputs.length !== node.avals.length)
      fail(`node ${i} (${node.op}) has ${node.outputs.length} outputs and ${node.avals.length} shapes`);
    node.outputs.forEach((id, k) => {
      if (id !== next++) fail(`node ${i} (${node.op}) makes value ${id} out of order`);
      if (sizeOf(node.avals[k].shape) === 0) fail(`node ${i} (${node.op}) makes a tensor without elements`);
      defined.add(id);
      lastRead.set(id, i);
    });
    for (const id of node.lastUses) {
      if (id < firstNodeValue) fail(`node ${i} (${node.op}) frees value ${id}, which is an input or a constant`);
      freed.add(id);
    }
  });
  const outputs = new Set<number>();
  for (const { value, replaces } of program.outputs) {
    if (value < firstNodeValue || !defined.has(value)) fail(`output ${value} is not made by a node`);
    if (outputs.has(value)) fail(`value ${value} is an output twice`);
    if (freed.has(value)) fail(`output ${value} is freed`);
    if (replaces !== undefined && !(replaces >= 0 && replaces < program.inputs.length))
      fail(`output ${value} replaces no input`);
    outputs.add(value);
  }
  for (const [id, node] of lastRead) {
    if (id >= firstNodeValue && !outputs.has(id) && !program.nodes[node].lastUses.includes(id)) {
      fail(`value ${id} is never freed (its last use is node ${node})`);
    }
  }
}
