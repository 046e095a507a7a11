/**
 * float16 (IEEE 754 binary16) and bfloat16 as bit patterns, to and from float32. Widening is exact; narrowing rounds to
 * the nearest, ties to even, with subnormals, and overflows to infinity. A NaN stays a NaN of the same sign.
 */

/** float16 bit patterns to float32; exact. */
export function float16ToFloat32(source: Uint16Array): Float32Array {
  const out = new Float32Array(source.length);
  const bits = new Uint32Array(out.buffer);
  for (let i = 0; i < source.length; i++) {
    const half = source[i];
    const sign = (half & 0x8000) << 16;
    const exponent = half & 0x7c00;
    const mantissa = half & 0x03ff;
    if (exponent === 0x7c00) {
      bits[i] = sign | 0x7f800000 | (mantissa << 13); // infinity, NaN
    } else if (exponent !== 0) {
      bits[i] = sign | (((half & 0x7fff) << 13) + (112 << 23)); // 112: the difference of the exponents' biases
    } else {
      out[i] = mantissa * 2 ** -24; // zero, subnormal
      bits[i] |= sign;
    }
  }
  return out;
}

const float = new Float32Array(1);
const floatBits = new Uint32Array(float.buffer);

/** float32 to the nearest float16, as bit patterns; values from 65520 up become infinity. */
export function float32ToFloat16(source: Float32Array): Uint16Array {
  const bits = new Uint32Array(source.buffer, source.byteOffset, source.length);
  const out = new Uint16Array(source.length);
  for (let i = 0; i < source.length; i++) {
    const sign = (bits[i] >>> 16) & 0x8000;
    const magnitude = bits[i] & 0x7fffffff;
    if (magnitude > 0x7f800000) {
      out[i] = sign | 0x7e00 | ((magnitude >>> 13) & 0x03ff); // a quiet NaN, with what fits of its payload
    } else if (magnitude >= 0x477ff000) {
      out[i] = sign | 0x7c00;
    } else if (magnitude >= 0x38800000) {
      const rebiased = magnitude - (112 << 23);
      out[i] = sign | ((rebiased + 0x0fff + ((rebiased >>> 13) & 1)) >>> 13);
    } else {
      // Below 2^-14: next to 0.5 a float32 has the spacing of the subnormals, 2^-24, so the sum rounds as they do.
      float[0] = Math.abs(source[i]) + 0.5;
      out[i] = sign | (floatBits[0] - 0x3f000000);
    }
  }
  return out;
}

/** bfloat16 bit patterns to float32; exact. */
export function bfloat16ToFloat32(source: Uint16Array): Float32Array {
  const bits = new Uint32Array(source.length);
  for (let i = 0; i < source.length; i++) bits[i] = source[i] << 16;
  return new Float32Array(bits.buffer);
}

/** float32 to the nearest bfloat16, as bit patterns. */
export function float32ToBfloat16(source: Float32Array): Uint16Array {
  const bits = new Uint32Array(source.buffer, source.byteOffset, source.length);
  const out = new Uint16Array(source.length);
  for (let i = 0; i < source.length; i++) {
    const value = bits[i];
    const isNaN = (value & 0x7fffffff) > 0x7f800000;
    out[i] = isNaN ? (value >>> 16) | 0x0040 : (value + 0x7fff + ((value >>> 16) & 1)) >>> 16;
  }
  return out;
}
