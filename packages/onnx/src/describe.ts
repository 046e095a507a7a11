/** How errors name a node: `node 'conv1' (Conv)`; one without a name is named by its first output. */
export function describeNode(node: {
  readonly opType: string;
  readonly name?: string;
  readonly outputs: readonly string[];
}): string {
  const name = node.name !== undefined && node.name !== '' ? `'${node.name}'` : `of '${node.outputs[0] ?? ''}'`;
  return `node ${name} (${node.opType})`;
}
