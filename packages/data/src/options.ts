/**
 * Checks of options: what is misspelt, or spelt as in Python, would otherwise be ignored silently.
 */
import { FakkelError } from '@fakkel/core';

/**
 * Throws unless `options` is an object with known names.
 *
 * @param call - How the call is written: `new DataLoader(dataset, …)`; … stands for the options.
 * @param absent - Options of Python's that are not here, and what to do about each.
 */
export function checkOptions(
  name: string,
  options: unknown,
  known: readonly string[],
  call: string,
  absent: Readonly<Record<string, string>> = {},
): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    const value = typeof options === 'number' || typeof options === 'boolean' ? String(options) : '…';
    const written = call.replace('…', `{ ${known[0]}: ${value} }`);
    throw new TypeError(`${name}: options come in an object, got ${kindOf(options)}. Write ${written}.`);
  }
  for (const key of Object.keys(options)) {
    if (known.includes(key)) continue;
    const camel = key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    const remedy =
      camel in absent
        ? absent[camel]
        : known.includes(camel)
          ? `Write ${camel}.`
          : `${suggestion(camel, known)}There are: ${known.join(', ')}.`;
    throw new FakkelError(`${name}: ${camel in absent ? 'no' : 'unknown'} option '${key}'. ${remedy}`);
  }
}

/** How an unexpected value is called in an error. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object') return `an object of class ${value.constructor?.name ?? 'Object'}`;
  if (typeof value === 'function') return 'a function';
  // eslint-disable-next-line @typescript-eslint/no-base-to-string -- objects were dealt with above
  return value === undefined ? 'undefined' : `${typeof value} ${String(value)}`;
}

function suggestion(key: string, known: readonly string[]): string {
  const distances = known.map((name) => [editDistance(key.toLowerCase(), name.toLowerCase()), name] as const);
  const [distance, nearest] = distances.reduce((a, b) => (b[0] < a[0] ? b : a));
  return distance <= Math.max(2, Math.floor(nearest.length / 3)) ? `Did you mean ${nearest}? ` : '';
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
