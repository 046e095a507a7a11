/**
 * What a computed value keeps of how it was computed: its recipe, while a gradient may flow to it or it may have to be
 * computed again, and no longer than the cell versions that it read.
 */
import type { Node } from '../graph/node.js';
import type { Tensor } from '../graph/tensor.js';
import { byteSize } from '../shape.js';
import { HOST_RESULT_BYTES, type Storage } from './storage.js';
import { Dependencies, type Version } from './version.js';

/** Its contents are never dropped: it is small, or somebody asked to keep it. */
export const staysOnHost = (t: Tensor): boolean => byteSize(t) <= HOST_RESULT_BYTES || t._kept;

/** Versions of cells behind a node: its own, and those behind its inputs. Equal sets are one object where it is cheap. */
interface Behind {
  readonly own: readonly Version[];
  readonly below: readonly Behind[];
}

/**
 * Which versions of cells a value of a trace depends on; worked out only for the values that are asked about. What was
 * recorded on a version that this run writes depends on that one, and not on what it is made from. State that the run
 * itself moves on and that takes no gradient (the vectors of spectral normalization) does not end the tape of what was
 * computed from it: that was computed with it, and can only not be computed again.
 */
export function versionsBehind(
  nodes: readonly Node[],
  writes: ReadonlySet<Version>,
  stop: (t: Tensor) => boolean,
): (t: Tensor) => readonly Version[] {
  // By tensor and not by recipe: values give up theirs one by one while others are asked about.
  const sets = new Map<Tensor, Behind>();
  const collect = (node: Node): void => {
    const own: Version[] = [];
    const below = new Set<Behind>();
    for (const input of node.inputs) {
      let t = input;
      while (t._alias && !(t._version && writes.has(t._version))) t = t._alias;
      if (stop(t)) continue;
      const made = t._alias ? null : sets.get(t);
      if (made) below.add(made);
      else if (t._version) own.push(t._version);
      else if (t._storage && !t._storage.lasts) own.push(...(t._dependencies?.versions ?? []));
    }
    const [first] = below;
    const behind = own.length === 0 && below.size === 1 ? first : { own, below: [...below] };
    for (const output of node.outputs) sets.set(output, behind);
  };
  const movedOn = new Set<Version | null>();
  for (const { previous } of writes) if (previous && !previous.tensor._requiresGrad) movedOn.add(previous);
  return (t) => {
    if (sets.size === 0) nodes.forEach(collect);
    const start = sets.get(t);
    const versions = new Set<Version>();
    const seen = new Set<Behind>();
    const stack = start ? [start] : [];
    while (stack.length > 0) {
      const set = stack.pop()!;
      if (seen.has(set)) continue;
      seen.add(set);
      for (const version of set.own) versions.add(version);
      stack.push(...set.below);
    }
    return t._requiresGrad ? [...versions].filter((version) => !movedOn.has(version)) : [...versions];
  };
}

/**
 * A computed value gives up its recipe: at once where no gradient can flow to it, else when a version that it read
 * is replaced. A value that stays on the device only may be evicted, and then needs the recipe to be computed again.
 */
export function dropRecipe(t: Tensor, versionsOf: (t: Tensor) => readonly Version[]): void {
  const node = t._recipe;
  if (!node) return;
  const needed = (t._requiresGrad && !node.consumed) || !staysOnHost(t);
  t._node = null;
  t._dependencies = null;
  t._tapeGone = t._requiresGrad;
  if (!needed) return;
  const dependencies = dependenciesOf(versionsOf(t));
  if (dependencies?.recipes) {
    t._dependencies = dependencies;
    dependencies.recipes.set(t, node);
  } else {
    t._node = node;
  }
}

function dependenciesOf(versions: readonly Version[]): Dependencies | null {
  if (versions.length === 0) return null;
  const first = versions.reduce((a, b) => (a.id < b.id ? a : b));
  const key = versions
    .map((v) => v.id)
    .sort((a, b) => a - b)
    .join();
  const known = first.dependencies?.get(key);
  if (known) return known;
  const dependencies = new Dependencies(versions, key);
  for (const version of versions) (version.dependencies ??= new Map()).set(key, dependencies);
  return dependencies;
}

/** An activation goes with the versions that it was computed from; its recipe stays, for the tape to find them replaced. */
export function keepActivation(t: Tensor, storage: Storage, versions: readonly Version[]): void {
  t._node = t._recipe;
  t._dependencies = dependenciesOf(versions);
  t._dependencies?.activations.add(storage);
}
