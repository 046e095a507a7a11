// Writes packages/data/src/embedded/digits.ts from the data set's CSV (64 pixels from 0 to 16, then the label):
//   node tools/embed-digits.mjs digits.csv.gz
// The file is scikit-learn's digits.csv.gz, the test set of UCI's "Optical Recognition of Handwritten Digits".
import { readFileSync, writeFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

const [source] = process.argv.slice(2);
if (!source) throw new Error('usage: node tools/embed-digits.mjs digits.csv.gz');
const rows = gunzipSync(readFileSync(source)).toString().trim().split('\n');
const lines = rows.map((row) => {
  const values = row.split(',').map(Number);
  const label = values.pop() ?? NaN;
  const valid = values.length === 64 && values.every((v) => Number.isInteger(v) && v >= 0 && v <= 16);
  if (!valid || !(label >= 0 && label <= 9)) throw new Error(`not a digit: ${row}`);
  return label + values.map((v) => v.toString(17)).join('');
});
writeFileSync(
  new URL('../packages/data/src/embedded/digits.ts', import.meta.url),
  `/**
 * "Optical Recognition of Handwritten Digits", test set, by E. Alpaydin and C. Kaynak, UCI Machine Learning Repository,
 * 1998, https://doi.org/10.24432/C50P49, licensed under CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/).
 * Changed in form only: one digit a line, its label, then its 8×8 pixels from 0 to 16 in base 17.
 * Written by tools/embed-digits.mjs.
 */
export const DIGITS: string = \`${lines.join('\n')}\`;
`,
);
