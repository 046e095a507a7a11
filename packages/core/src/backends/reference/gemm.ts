/**
 * The inner products under `matmul` and the convolutions.
 *
 * Operands are copied into Float64Array blocks first. That turns every transposition, stride and dtype into one layout,
 * makes the inner loops see one array type (so they compile to straight double arithmetic), and accumulates float32 in
 * double precision. A 2×4 tile of the result lives in registers: 8 multiply-adds for 6 loads.
 */
import type { TypedArray } from '../../dtype.js';
import { scratch } from './kernel.js';

/** `n` rounded up to whole tiles. */
export const evenRows = (n: number): number => (n + 1) & ~1;
export const wholeTiles = (n: number): number => (n + 3) & ~3;

/** Row length for a block of `n` columns: off the powers of two, whose rows would fall into the same cache sets. */
export const blockStride = (n: number): number => wholeTiles(n) + 4;

/**
 * Copies an m×k matrix, given by its strides, into pairs of rows: `packed[(i/2)·2k + p·2 + i%2]`. An odd last row gets a
 * row of zeros beside it.
 */
export function packRowPairs(
  packed: Float64Array,
  m: number,
  k: number,
  a: TypedArray,
  offset: number,
  rowStride: number,
  columnStride: number,
): void {
  let to = 0;
  for (let i = 0; i < m; i += 2) {
    let first = offset + i * rowStride;
    if (i + 1 < m) {
      let second = first + rowStride;
      for (let p = 0; p < k; p++, first += columnStride, second += columnStride) {
        packed[to++] = a[first];
        packed[to++] = a[second];
      }
    } else {
      for (let p = 0; p < k; p++, first += columnStride) {
        packed[to++] = a[first];
        packed[to++] = 0;
      }
    }
  }
}

/**
 * C += A·B, A (m×k) packed by `packRowPairs`, B (k×n) and C (m×n) row-major with row lengths `ldb` and `ldc`.
 * Computes whole tiles: C has an even number of rows, and B and C are readable up to whole tiles of columns.
 */
export function multiplyBlock(
  m: number,
  n: number,
  k: number,
  a: Float64Array,
  b: Float64Array,
  ldb: number,
  c: Float64Array,
  ldc: number,
): void {
  // Columns outside: a panel of four columns of B stays in the nearest cache while A streams past.
  for (let j = 0; j < n; j += 4) {
    for (let i = 0; i < m; i += 2) tile2x4(k, a, i * k, b, j, ldb, c, i * ldc + j, ldc);
  }
}

function tile2x4(
  k: number,
  a: Float64Array,
  ap: number,
  b: Float64Array,
  bp: number,
  ldb: number,
  c: Float64Array,
  cp: number,
  ldc: number,
): void {
  // prettier-ignore
  let c00 = 0, c01 = 0, c02 = 0, c03 = 0;
  // prettier-ignore
  let c10 = 0, c11 = 0, c12 = 0, c13 = 0;
  for (let p = 0; p < k; p++) {
    // prettier-ignore
    const b0 = b[bp], b1 = b[bp + 1], b2 = b[bp + 2], b3 = b[bp + 3];
    const a0 = a[ap];
    c00 += a0 * b0;
    c01 += a0 * b1;
    c02 += a0 * b2;
    c03 += a0 * b3;
    const a1 = a[ap + 1];
    c10 += a1 * b0;
    c11 += a1 * b1;
    c12 += a1 * b2;
    c13 += a1 * b3;
    ap += 2;
    bp += ldb;
  }
  c[cp] += c00;
  c[cp + 1] += c01;
  c[cp + 2] += c02;
  c[cp + 3] += c03;
  cp += ldc;
  c[cp] += c10;
  c[cp + 1] += c11;
  c[cp + 2] += c12;
  c[cp + 3] += c13;
}

/**
 * C += A·Bᵀ, all row-major: A (m×k), B (n×k), C (m×n) with row lengths `lda`, `ldb`, `ldc`. The rows run along the sum,
 * as in the weight gradient. Computes whole tiles: all three are readable up to an even m and n up to a multiple of 4.
 */
export function multiplyBlockTransposed(
  m: number,
  n: number,
  k: number,
  a: Float64Array,
  lda: number,
  b: Float64Array,
  ldb: number,
  c: Float64Array,
  ldc: number,
): void {
  for (let j = 0; j < n; j += 4) {
    for (let i = 0; i < m; i += 2) dot2x4(k, a, i * lda, lda, b, j * ldb, ldb, c, i * ldc + j, ldc);
  }
}

function dot2x4(
  k: number,
  a: Float64Array,
  a0: number,
  lda: number,
  b: Float64Array,
  b0: number,
  ldb: number,
  c: Float64Array,
  cp: number,
  ldc: number,
): void {
  // prettier-ignore
  let c00 = 0, c01 = 0, c02 = 0, c03 = 0;
  // prettier-ignore
  let c10 = 0, c11 = 0, c12 = 0, c13 = 0;
  const a1 = a0 + lda;
  const b1 = b0 + ldb;
  const b2 = b1 + ldb;
  const b3 = b2 + ldb;
  for (let p = 0; p < k; p++) {
    // prettier-ignore
    const x0 = a[a0 + p], x1 = a[a1 + p];
    const y0 = b[b0 + p];
    c00 += x0 * y0;
    c10 += x1 * y0;
    const y1 = b[b1 + p];
    c01 += x0 * y1;
    c11 += x1 * y1;
    const y2 = b[b2 + p];
    c02 += x0 * y2;
    c12 += x1 * y2;
    const y3 = b[b3 + p];
    c03 += x0 * y3;
    c13 += x1 * y3;
  }
  c[cp] += c00;
  c[cp + 1] += c01;
  c[cp + 2] += c02;
  c[cp + 3] += c03;
  cp += ldc;
  c[cp] += c10;
  c[cp + 1] += c11;
  c[cp + 2] += c12;
  c[cp + 3] += c13;
}

/** A matrix inside an array. */
export interface Matrix {
  readonly data: TypedArray;
  readonly offset: number;
  readonly rowStride: number;
  readonly columnStride: number;
}

// Blocks of B (256 × 64 doubles) and C stay in the second-level cache.
const ROWS = 256;
const COLUMNS = 64;
const DEPTH = 256;

/** out = A·B with A m×k, B k×n; `out` row-major at `outOffset`. */
export function gemm(m: number, n: number, k: number, a: Matrix, b: Matrix, out: TypedArray, outOffset: number): void {
  const ld = blockStride(Math.min(n, COLUMNS));
  const packedA = scratch('gemm.a', evenRows(Math.min(m, ROWS)) * Math.min(k, DEPTH));
  const packedB = scratch('gemm.b', Math.min(k, DEPTH) * ld);
  const block = scratch('gemm.c', evenRows(Math.min(m, ROWS)) * ld);
  for (let i0 = 0; i0 < m; i0 += ROWS) {
    const rows = Math.min(ROWS, m - i0);
    for (let j0 = 0; j0 < n; j0 += COLUMNS) {
      const columns = Math.min(COLUMNS, n - j0);
      block.fill(0, 0, evenRows(rows) * ld);
      for (let p0 = 0; p0 < k; p0 += DEPTH) {
        const depth = Math.min(DEPTH, k - p0);
        const aOffset = a.offset + i0 * a.rowStride + p0 * a.columnStride;
        const bOffset = b.offset + p0 * b.rowStride + j0 * b.columnStride;
        packRowPairs(packedA, rows, depth, a.data, aOffset, a.rowStride, a.columnStride);
        copyBlock(packedB, ld, depth, columns, b.data, bOffset, b.rowStride, b.columnStride);
        multiplyBlock(rows, columns, depth, packedA, packedB, ld, block, ld);
      }
      for (let i = 0; i < rows; i++) {
        const to = outOffset + (i0 + i) * n + j0;
        for (let j = 0; j < columns; j++) out[to + j] = block[i * ld + j];
      }
    }
  }
}

function copyBlock(
  block: Float64Array,
  ld: number,
  rows: number,
  columns: number,
  b: TypedArray,
  offset: number,
  rowStride: number,
  columnStride: number,
): void {
  if (columnStride === 1) {
    for (let i = 0; i < rows; i++) {
      const from = offset + i * rowStride;
      const to = i * ld;
      for (let j = 0; j < columns; j++) block[to + j] = b[from + j];
    }
  } else {
    // Transposed: the memory runs down the columns, so the loop does too.
    for (let j = 0; j < columns; j++) {
      let from = offset + j * columnStride;
      for (let i = 0, to = j; i < rows; i++, from += rowStride, to += ld) block[to] = b[from];
    }
  }
}
