/**
 * `train-{000000..000146}.tar` as the 147 names that it stands for, as bash expands braces.
 */
import { OutOfRangeError } from '@fakkel/core';

/** More names than any dataset has shards: a range that is mistyped. */
const MAX_NAMES = 1_000_000;

/**
 * All names that a pattern stands for, in order: lists `{a,b}`, ranges `{08..12}` (padded with zeros as written) and
 * `{0..10..2}`, side by side and nested. Braces that are neither stay as they are.
 *
 * @throws OutOfRangeError for more than a million names.
 * @example
 * expandBraces('{train,val}-{08..10}.tar'); // ['train-08.tar', 'train-09.tar', 'train-10.tar', 'val-08.tar', …]
 */
export function expandBraces(pattern: string): string[] {
  const braces = outermostBraces(pattern);
  if (!braces) return [pattern];
  const { before, inside, after } = braces;
  const ends = expandBraces(after);
  const choices = range(inside) ?? list(inside)?.flatMap(expandBraces);
  const middles = choices ?? expandBraces(inside).map((text) => `{${text}}`);
  if (middles.length * ends.length > MAX_NAMES) {
    throw new OutOfRangeError(`${pattern} stands for more than ${MAX_NAMES} names: is the range mistyped?`);
  }
  return middles.flatMap((middle) => ends.map((end) => before + middle + end));
}

function outermostBraces(pattern: string): { before: string; inside: string; after: string } | undefined {
  const start = pattern.indexOf('{');
  if (start < 0) return undefined;
  let depth = 0;
  for (let i = start; i < pattern.length; i++) {
    if (pattern[i] === '{') depth++;
    if (pattern[i] === '}' && --depth === 0) {
      return { before: pattern.slice(0, start), inside: pattern.slice(start + 1, i), after: pattern.slice(i + 1) };
    }
  }
  return undefined;
}

/** `8..12`, `08..12`, `12..8`, `0..10..2`. */
function range(inside: string): string[] | undefined {
  const match = /^(-?\d+)\.\.(-?\d+)(?:\.\.(-?\d+))?$/.exec(inside);
  if (!match) return undefined;
  const [, first, last, step = '1'] = match;
  const isPadded = [first, last].some((n) => /^-?0\d/.test(n));
  const width = isPadded ? Math.max(first.length, last.length) : 0;
  const stride = Math.max(1, Math.abs(Number(step)));
  const count = Math.floor(Math.abs(Number(last) - Number(first)) / stride) + 1;
  if (count > MAX_NAMES) {
    throw new OutOfRangeError(`{${inside}} stands for more than ${MAX_NAMES} names: is the range mistyped?`);
  }
  const sign = Number(last) < Number(first) ? -1 : 1;
  return Array.from({ length: count }, (_, i) => {
    const n = Number(first) + sign * stride * i;
    const digits = String(Math.abs(n)).padStart(n < 0 ? width - 1 : width, '0');
    return n < 0 ? `-${digits}` : digits;
  });
}

/** `a,b`, split at the commas that are in no inner braces. */
function list(inside: string): string[] | undefined {
  const items = [''];
  let depth = 0;
  for (const character of inside) {
    if (character === '{') depth++;
    if (character === '}') depth--;
    if (character === ',' && depth === 0) items.push('');
    else items[items.length - 1] += character;
  }
  return items.length > 1 ? items : undefined;
}
