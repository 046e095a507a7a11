/**
 * Tables in plain text and Markdown, and how their numbers are written.
 */
export { number } from './layers.js';

/** Three digits, in powers of 1024. */
export function bytes(n: number): string {
  const power = n < 1024 ? 0 : Math.min(3, Math.floor(Math.log2(n) / 10));
  return `${Number((n / 1024 ** power).toPrecision(3)).toLocaleString('en-US')} ${['B', 'KiB', 'MiB', 'GiB'][power]}`;
}

/** Columns of equal width, the first to the left; the first line is the head. */
export function text(lines: readonly (readonly string[])[]): string {
  const widths = lines[0].map((_, i) => Math.max(...lines.map((line) => line[i].length)));
  const rows = lines.map((line) =>
    line.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  '),
  );
  const rule = '-'.repeat(widths.reduce((a, b) => a + b, 0) + 2 * (widths.length - 1));
  return [rows[0], rule, ...rows.slice(1)].join('\n');
}

export function markdown(lines: readonly (readonly string[])[]): string {
  const row = (line: readonly string[]): string => `| ${line.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [row(lines[0]), row(lines[0].map((_, i) => (i === 0 ? '---' : '---:'))), ...lines.slice(1).map(row)].join(
    '\n',
  );
}

export const escapeHTML = (value: string): string => value.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
