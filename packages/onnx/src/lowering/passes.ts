/**
 * Passes over the nodes of a finished graph.
 */
import type { OnnxNode } from '../model.js';

/** What a node reads, in the branches that it holds too. */
function readsOf(node: OnnxNode): readonly string[] {
  const branches = Object.values(node.attributes ?? {}).flatMap((attribute) =>
    attribute.type === 'graph' ? attribute.value.nodes : [],
  );
  return branches.length === 0 ? node.inputs : [...node.inputs, ...branches.flatMap(readsOf)];
}

/** The nodes that an output depends on: rules add some on suspicion, such as a tensor in another layout. */
export function live(nodes: readonly OnnxNode[], outputs: readonly string[]): readonly OnnxNode[] {
  const needed = new Set(outputs);
  const kept: OnnxNode[] = [];
  for (let i = nodes.length - 1; i >= 0; i--) {
    if (!nodes[i].outputs.some((output) => needed.has(output))) continue;
    kept.push(nodes[i]);
    for (const input of readsOf(nodes[i])) needed.add(input);
  }
  return kept.reverse();
}
