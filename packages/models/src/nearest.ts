/**
 * What was probably meant by a name that is not known.
 */

/** A name without what spellings differ in: `vgg16_bn` and `vgg16Bn` are `vgg16bn`. */
export const plainName = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '');

/** The known names that are closest to `name`, closest first; those that are too far to be meant are left out. */
export function nearest(name: string, known: readonly string[], most = 3): string[] {
  return known
    .map((candidate) => ({ candidate, distance: editDistance(plainName(name), plainName(candidate)) }))
    .filter(({ candidate, distance }) => distance <= Math.max(2, Math.floor(candidate.length / 3)))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, most)
    .map(({ candidate }) => candidate);
}

/** Levenshtein's distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + Number(a[i - 1] !== b[j - 1])));
    }
    row = next;
  }
  return row[b.length];
}
