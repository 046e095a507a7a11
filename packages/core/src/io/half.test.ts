import { describe, expect, test } from 'vitest';
import { float32, golden, uint16 } from '../../test/golden.js';
import { bfloat16ToFloat32, float16ToFloat32, float32ToBfloat16, float32ToFloat16 } from './half.js';

const saved = golden<{ float32: string; float16: string; bfloat16: string }>('io/half');
const ALL = Uint16Array.from({ length: 0x10000 }, (_, i) => i);
const bitsOf = (x: Float32Array) => Array.from(new Uint32Array(x.buffer, x.byteOffset, x.length));

/** The value by definition: (−1)^sign · 1.mantissa · 2^(exponent − bias). */
function define(bits: number, exponentBits: number, mantissaBits: number): number {
  const sign = bits >> 15 ? -1 : 1;
  const exponent = (bits >> mantissaBits) & (2 ** exponentBits - 1);
  const mantissa = (bits & (2 ** mantissaBits - 1)) / 2 ** mantissaBits;
  const bias = 2 ** (exponentBits - 1) - 1;
  if (exponent === 2 ** exponentBits - 1) return mantissa === 0 ? sign * Infinity : NaN;
  return sign * (exponent === 0 ? mantissa * 2 ** (1 - bias) : (1 + mantissa) * 2 ** (exponent - bias));
}

describe.each([
  { name: 'float16', widen: float16ToFloat32, narrow: float32ToFloat16, exponent: 5, mantissa: 10 },
  { name: 'bfloat16', widen: bfloat16ToFloat32, narrow: float32ToBfloat16, exponent: 8, mantissa: 7 },
] as const)('$name', ({ name, widen, narrow, exponent, mantissa }) => {
  test('all 65,536 patterns widen to their value by definition', () => {
    const expected = Float32Array.from(ALL, (bits) => define(bits, exponent, mantissa));
    const got = widen(ALL);
    for (let i = 0; i < ALL.length; i++) expect(Object.is(got[i], expected[i]), `pattern ${i}`).toBe(true);
  });

  test('all patterns survive widening and narrowing; a NaN keeps its sign and becomes quiet', () => {
    const back = narrow(widen(ALL));
    const quiet = 1 << (mantissa - 1);
    const isNaN = (bits: number) => Number.isNaN(define(bits, exponent, mantissa));
    expect(back).toEqual(ALL.map((bits) => (isNaN(bits) ? bits | quiet : bits)));
  });

  test('rounds as PyTorch: ties, their neighbours, subnormals, overflow, random values', () => {
    expect(narrow(float32(saved.float32))).toEqual(uint16(saved[name]));
  });

  test('every value half-way between neighbours goes to the even one, the next float32 on either side to its own', () => {
    const infinity = (2 ** exponent - 1) << mantissa;
    const values = widen(ALL);
    for (let bits = 0; bits + 1 < infinity; bits++) {
      const tie = (values[bits] + values[bits + 1]) / 2;
      if (Math.fround(tie) !== tie) continue; // half of bfloat16's least subnormals has no float32 beside it
      const near = new Float32Array([tie, tie, tie, -tie]);
      const view = new Int32Array(near.buffer);
      view[1] -= 1;
      view[2] += 1;
      const even = bits % 2 === 0 ? bits : bits + 1;
      expect(Array.from(narrow(near))).toEqual([even, bits, bits + 1, 0x8000 | even]);
    }
  });

  test('a view that does not begin at its buffer', () => {
    const x = Float32Array.of(9, 1, -2).subarray(1);
    expect(widen(narrow(x))).toEqual(Float32Array.of(1, -2));
    expect(widen(Uint16Array.of(7, ...narrow(x)).subarray(1))).toEqual(Float32Array.of(1, -2));
    expect(narrow(new Float32Array(0))).toEqual(new Uint16Array(0));
  });
});

test('NaN payloads are kept as far as they fit', () => {
  const nan = new Float32Array(Uint32Array.of(0xffc12000, 0x7f800001).buffer);
  expect(Array.from(float32ToFloat16(nan))).toEqual([0xfe09, 0x7e00]);
  expect(Array.from(float32ToBfloat16(nan))).toEqual([0xffc1, 0x7fc0]);
  expect(bitsOf(float16ToFloat32(Uint16Array.of(0xfe09)))).toEqual([0xffc12000]);
});
