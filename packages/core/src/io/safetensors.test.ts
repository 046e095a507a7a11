import { describe, expect, test } from 'vitest';
import {
  decodeSafetensors,
  encodeSafetensors,
  type RawTensor,
  type SafetensorsDType,
  SafetensorsError,
  type TensorToWrite,
} from './safetensors.js';

/** A file from its header and the bytes after it; `length` is what the file claims of its header. */
function file(header: string | object, data: ArrayLike<number> = [], length?: number | bigint): Uint8Array {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const out = new Uint8Array(8 + text.length + data.length);
  new DataView(out.buffer).setBigUint64(0, BigInt(length ?? text.length), true);
  out.set(text, 8);
  out.set(data, 8 + text.length);
  return out;
}

const ascii = (text: string) => Array.from(text, (char) => char.charCodeAt(0));
const entry = (dtype: unknown, shape: unknown, data_offsets: unknown) => ({ dtype, shape, data_offsets });

function messageOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof SafetensorsError) return error.message;
    throw error;
  }
  return 'no error';
}

const messages = (cases: Record<string, Uint8Array>) =>
  Object.fromEntries(Object.entries(cases).map(([name, bytes]) => [name, messageOf(() => decodeSafetensors(bytes))]));

describe('reading', () => {
  test('a file written byte by byte from the description of the format', () => {
    const header =
      '{"__metadata__":{"format":"pt"},"w":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},' +
      '"m":{"dtype":"BOOL","shape":[2],"data_offsets":[8,10]}}  ';
    expect(header.length).toBe(0x90);
    const bytes = Uint8Array.from([
      ...[0x90, 0, 0, 0, 0, 0, 0, 0],
      ...ascii(header),
      ...[0x00, 0x00, 0x80, 0x3f], // 1
      ...[0x00, 0x00, 0x00, 0xc0], // -2
      ...[1, 0],
    ]);
    const { tensors, metadata } = decodeSafetensors(bytes);
    expect(metadata).toEqual({ format: 'pt' });
    expect([...tensors.keys()]).toEqual(['w', 'm']);
    expect(tensors.get('w')).toEqual({ dtype: 'float32', shape: [1, 2], data: Float32Array.of(1, -2) });
    expect(tensors.get('m')).toEqual({ dtype: 'bool', shape: [2], data: Uint8Array.of(1, 0) });
  });

  test.each([
    ['F64', 'float64', [0, 0, 0, 0, 0, 0, 0xf0, 0xbf], Float64Array.of(-1)],
    ['F32', 'float32', [0, 0, 0xc0, 0x7f], Float32Array.of(NaN)],
    ['F16', 'float16', [0, 0x3c], Uint16Array.of(0x3c00)],
    ['BF16', 'bfloat16', [0x80, 0x3f], Uint16Array.of(0x3f80)],
    ['I64', 'int64', [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], BigInt64Array.of(2n ** 63n - 1n)],
    ['I32', 'int32', [0xfe, 0xff, 0xff, 0xff], Int32Array.of(-2)],
    ['I16', 'int16', [0, 0x80], Int16Array.of(-32768)],
    ['I8', 'int8', [0x80], Int8Array.of(-128)],
    ['U8', 'uint8', [0xff], Uint8Array.of(255)],
    ['BOOL', 'bool', [1], Uint8Array.of(1)],
  ] as const)('%s is %s, at any alignment', (code, dtype, bytes, data) => {
    for (let shift = 0; shift < 8; shift++) {
      const header = JSON.stringify({ x: entry(code, [1], [0, bytes.length]) }) + ' '.repeat(shift);
      const buffer = new Uint8Array(300);
      const content = file(header, bytes);
      buffer.set(content, 3);
      for (const source of [content, buffer.subarray(3, 3 + content.length)]) {
        expect(decodeSafetensors(source).tensors.get('x')).toEqual({ dtype, shape: [1], data });
      }
    }
  });

  test('aligned elements are views of the file, others are copies', () => {
    const aligned = encodeSafetensors([['x', { dtype: 'float32', shape: [2], data: Float32Array.of(1, 2) }]]);
    expect(decodeSafetensors(aligned).tensors.get('x')!.data.buffer).toBe(aligned.buffer);
    const shifted = new Uint8Array(aligned.length + 1).subarray(1);
    shifted.set(aligned);
    const copy = decodeSafetensors(shifted).tensors.get('x')!.data;
    expect(copy).toEqual(Float32Array.of(1, 2));
    expect(copy.byteLength).toBe(copy.buffer.byteLength); // and doesn't hold the file in memory
  });

  test('a file without tensors, scalars, tensors without elements, any order of offsets', () => {
    expect(decodeSafetensors(file('{}'))).toEqual({ tensors: new Map(), metadata: {} });
    const header = {
      late: entry('U8', [1], [4, 5]),
      empty: entry('I64', [3, 0, 2], [4, 4]),
      scalar: entry('I32', [], [0, 4]),
    };
    const { tensors } = decodeSafetensors(file(header, [1, 0, 0, 0, 9]));
    expect([...tensors.keys()]).toEqual(['late', 'empty', 'scalar']);
    expect(tensors.get('late')!.data).toEqual(Uint8Array.of(9));
    expect(tensors.get('empty')).toEqual({ dtype: 'int64', shape: [3, 0, 2], data: new BigInt64Array(0) });
    expect(tensors.get('scalar')).toEqual({ dtype: 'int32', shape: [], data: Int32Array.of(1) });
  });

  test('names of every kind: escapes, numbers, JavaScript’s own', () => {
    const names = ['1', '0', '__proto__', 'constructor', '', 'ä€😀', 'a"\\\n', '\\'];
    const header = `{${names.map((name) => `${JSON.stringify(name)} : {"shape":[0],"data_offsets":[0,0],"dtype":"U8"}`).join(' ,\n')}}\t`;
    expect([...decodeSafetensors(file(header)).tensors.keys()]).toEqual(names);
    const escaped = decodeSafetensors(file('{"\\u0061":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}'));
    expect([...escaped.tensors.keys()]).toEqual(['a']);
    const { metadata } = decodeSafetensors(file('{"__metadata__":{"__proto__":"x","1":"","0":"y"}}'));
    expect(Object.entries(metadata).sort()).toEqual([['0', 'y'], ['1', ''], ['__proto__', 'x']]); // prettier-ignore
  });
});

describe('files that cannot be read', () => {
  const one = { x: entry('F32', [2], [0, 8]) };

  test('cut short, or of another kind', () => {
    expect(
      messages({
        empty: new Uint8Array(0),
        'seven bytes': new Uint8Array(7),
        'header beyond the end': file(one, [], 500),
        'elements beyond the end': file(one, [1, 2, 3]),
        'a header of 2^63 bytes': file(one, [], 2n ** 63n),
        'a header over the limit': file(one, [], 100_000_001),
        'a header of no bytes': file('', [], 0),
        'bytes left over': file(one, new Uint8Array(11)),
        'bytes without tensors': file('{}', [1]),
        'torch.save': Uint8Array.from([0x50, 0x4b, 3, 4, ...ascii('archive/data.pkl')]),
        'old torch.save': Uint8Array.from([0x80, 2, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9]),
        gzip: Uint8Array.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0]),
        'Git LFS': Uint8Array.from(ascii('version https://git-lfs.github.com/spec/v1\n')),
        'a web page': Uint8Array.from(ascii('<!DOCTYPE html><title>404</title>')),
      }),
    ).toMatchInlineSnapshot(`
      {
        "Git LFS": "decodeSafetensors: this is a Git LFS pointer, not the file itself; run git lfs pull",
        "a header of 2^63 bytes": "decodeSafetensors: the header claims 9223372036854775808 bytes, the format allows 100000000; this is not a safetensors file",
        "a header of no bytes": "decodeSafetensors: the header must begin with "{", got """,
        "a header over the limit": "decodeSafetensors: the header claims 100000001 bytes, the format allows 100000000; this is not a safetensors file",
        "a web page": "decodeSafetensors: this is a web page; the download gave an error page or a login",
        "bytes left over": "decodeSafetensors: by its header the file has 70 bytes (tensor "x" ends there), but it has 73",
        "bytes without tensors": "decodeSafetensors: by its header the file has 10 bytes (it names no tensor), but it has 11",
        "elements beyond the end": "decodeSafetensors: by its header the file has 70 bytes (tensor "x" ends there), but it has 65; it is cut short",
        "empty": "decodeSafetensors: expected at least 8 bytes (the length of the header), the file has 0; is it cut short?",
        "gzip": "decodeSafetensors: this is a gzip file; decompress it first",
        "header beyond the end": "decodeSafetensors: the header takes 500 bytes, so the file must have at least 508, but it has 62; it is cut short, or not a safetensors file",
        "old torch.save": "decodeSafetensors: this is a Python pickle, as older torch.save wrote; in Python, write it again with safetensors.torch.save_file(model.state_dict(), 'model.safetensors')",
        "seven bytes": "decodeSafetensors: expected at least 8 bytes (the length of the header), the file has 7; is it cut short?",
        "torch.save": "decodeSafetensors: this is a zip archive, as torch.save writes; in Python, write it again with safetensors.torch.save_file(model.state_dict(), 'model.safetensors')",
      }
    `);
  });

  test('malformed headers', () => {
    const x = '{"dtype":"U8","shape":[0],"data_offsets":[0,0]}';
    expect(
      messages({
        'not UTF-8': Uint8Array.from([3, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0xff, 0x7d]),
        'a leading space': file(' {}'),
        'an array': file('[]'),
        'not closed': file(`{"x":${x}`),
        'no colon': file(`{"x"${x}}`),
        'a trailing comma': file(`{"x":${x},}`),
        'something after it': file('{}null'),
        'a name not closed': file('{"x'),
        'a name that ends in an escape': file('{"x\\"'),
        'an invalid escape': file(`{"\\x":${x}}`),
        'a name twice': file(`{"x":${x},"y":${x},"x":${x}}`),
        'a name twice, once escaped': file(`{"x":${x},"\\u0078":${x}}`),
        'a field twice': file('{"x":{"dtype":"U8","dtype":"I8","shape":[0],"data_offsets":[0,0]}}'),
        'metadata twice': file('{"__metadata__":{},"__metadata__":{}}'),
        'a metadata key twice': file('{"__metadata__":{"k":"1","k":"2"}}'),
        'metadata that is no object': file('{"__metadata__":"x"}'),
        'metadata that is no string': file('{"__metadata__":{"epoch":3}}'),
      }),
    ).toMatchInlineSnapshot(`
      {
        "a field twice": "decodeSafetensors: malformed header: tensor "x" has two members named "dtype"",
        "a leading space": "decodeSafetensors: the header must begin with "{", got " {}"",
        "a metadata key twice": "decodeSafetensors: malformed header: "__metadata__" has two members named "k"",
        "a name not closed": "decodeSafetensors: malformed header: expected a closing quote of a name in the header, got "\\"x" at character 1",
        "a name that ends in an escape": "decodeSafetensors: malformed header: expected a closing quote of a name in the header, got "\\"x\\\\\\"" at character 1",
        "a name twice": "decodeSafetensors: malformed header: the header has two members named "x"",
        "a name twice, once escaped": "decodeSafetensors: malformed header: the header has two members named "x"",
        "a trailing comma": "decodeSafetensors: malformed header: expected a name in the header to be a string, got "}" at character 53",
        "an array": "decodeSafetensors: the header must begin with "{", got "[]"",
        "an invalid escape": "decodeSafetensors: malformed header: expected a name in the header to be a valid JSON string, got "\\"\\\\x\\":{\\"dtype\\":\\"U8\\",\\"shap"… at character 1",
        "metadata that is no object": "decodeSafetensors: malformed header: expected "__metadata__" to be an object, got "\\"x\\"}" at character 16",
        "metadata that is no string": "decodeSafetensors: malformed header: expected "__metadata__": "epoch" to be a string, got "3}}" at character 25",
        "metadata twice": "decodeSafetensors: malformed header: the header has two members named "__metadata__"",
        "no colon": "decodeSafetensors: malformed header: expected ":" after "x", got "{\\"dtype\\":\\"U8\\",\\"shape\\":[0"… at character 4",
        "not UTF-8": "decodeSafetensors: the header is not valid UTF-8; the file is corrupt, or not a safetensors file",
        "not closed": "decodeSafetensors: malformed header: expected "," or "}" in the header, got the end at character 52",
        "something after it": "decodeSafetensors: malformed header: expected nothing after the end of the object, got "null" at character 2",
      }
    `);
  });

  test('a byte order mark', () => {
    expect(messageOf(() => decodeSafetensors(file('\ufeff{}')))).toMatch(/must begin with "{"/);
  });

  test('malformed tensors', () => {
    const bytes = new Uint8Array(8);
    expect(
      messages({
        'no object': file({ x: 5 }),
        'no dtype': file({ x: { shape: [2], data_offsets: [0, 8] } }, bytes),
        'no shape': file({ x: { dtype: 'F32', data_offsets: [0, 8] } }, bytes),
        'no offsets': file({ x: { dtype: 'F32', shape: [2] } }, bytes),
        'an unknown field': file({ x: { ...one.x, strides: [1] } }, bytes),
        'an unknown dtype': file({ x: entry('F8_E4M3', [8], [0, 8]) }, bytes),
        'a dtype of the prototype': file({ x: entry('constructor', [8], [0, 8]) }, bytes),
        'a dtype that is no string': file({ x: entry(32, [2], [0, 8]) }, bytes),
        'a shape that is no array': file({ x: entry('F32', 2, [0, 8]) }, bytes),
        'a negative size': file({ x: entry('F32', [-2], [0, 8]) }, bytes),
        'a fractional size': file({ x: entry('F32', [2.5], [0, 8]) }, bytes),
        'an exponent': file('{"x":{"dtype":"F32","shape":[2e0],"data_offsets":[0,8]}}', bytes),
        'a leading zero': file('{"x":{"dtype":"F32","shape":[02],"data_offsets":[0,8]}}', bytes),
        'a size of null': file({ x: entry('F32', [null], [0, 8]) }, bytes),
        'a size of 2^53': file({ x: entry('F32', [2 ** 53], [0, 8]) }, bytes),
        'a size of 30 digits': file(`{"x":{"dtype":"F32","shape":[${'9'.repeat(30)}],"data_offsets":[0,8]}}`, bytes),
        'a product that overflows to the right size': file(
          { x: entry('U8', [2 ** 32, 2 ** 32, 2 ** 3], [0, 8]) },
          bytes,
        ),
        'an overflow that a zero would hide': file({ x: entry('U8', [2 ** 40, 2 ** 40, 0], [0, 0]) }),
        '65 axes': file({ x: entry('U8', new Array(65).fill(1), [0, 1]) }, [0]),
        'one offset': file({ x: entry('F32', [2], [8]) }, bytes),
        'three offsets': file({ x: entry('F32', [2], [0, 8, 16]) }, bytes),
        'offsets in reverse': file({ x: entry('F32', [2], [8, 0]) }, bytes),
        'too few bytes for the shape': file({ x: entry('F32', [3], [0, 8]) }, bytes),
        'too many bytes for the shape': file({ x: entry('F32', [], [0, 8]) }, bytes),
        'a gap at the start': file({ x: entry('F32', [1], [4, 8]) }, bytes),
        'a gap between': file({ x: entry('U8', [2], [0, 2]), y: entry('U8', [5], [3, 8]) }, bytes),
        'an overlap': file({ x: entry('U8', [5], [0, 5]), y: entry('U8', [4], [4, 8]) }, bytes),
        'two tensors in one place': file({ x: entry('U8', [8], [0, 8]), y: entry('U8', [8], [0, 8]) }, bytes),
        'a bool of 2': file({ x: entry('BOOL', [8], [0, 8]) }, [0, 1, 1, 2, 0, 0, 0, 0]),
        'an empty tensor within another': file({ x: entry('U8', [8], [0, 8]), y: entry('U8', [0], [4, 4]) }, bytes),
      }),
    ).toMatchInlineSnapshot(`
      {
        "65 axes": "decodeSafetensors: malformed header: tensor "x": shape has more than 64 entries",
        "a bool of 2": "decodeSafetensors: tensor "x": bool elements are 0 or 1, got 2 at index 3",
        "a dtype of the prototype": "decodeSafetensors: tensor "x": unknown dtype "constructor". Known: F64, F32, F16, BF16, I64, I32, I16, I8, U8, BOOL",
        "a dtype that is no string": "decodeSafetensors: malformed header: expected tensor "x": dtype to be a string, got "32,\\"shape\\":[2],\\"data_off"… at character 14",
        "a fractional size": "decodeSafetensors: malformed header: expected tensor "x": shape to be an array of whole numbers from 0 to 2^53 - 1, got "2.5],\\"data_offsets\\":[0,8"… at character 29",
        "a gap at the start": "decodeSafetensors: tensor "x": begins at 4, but the bytes from 0 on belong to no tensor",
        "a gap between": "decodeSafetensors: tensor "y": begins at 3, but the bytes from 2 on belong to no tensor",
        "a leading zero": "decodeSafetensors: malformed header: expected tensor "x": shape to be an array of whole numbers from 0 to 2^53 - 1, got "02],\\"data_offsets\\":[0,8]"… at character 29",
        "a negative size": "decodeSafetensors: malformed header: expected tensor "x": shape to be an array of whole numbers from 0 to 2^53 - 1, got "-2],\\"data_offsets\\":[0,8]"… at character 29",
        "a product that overflows to the right size": "decodeSafetensors: tensor "x": shape [4294967296,4294967296,8] has more than 2^53 elements",
        "a shape that is no array": "decodeSafetensors: malformed header: expected tensor "x": shape to be an array of whole numbers from 0 to 2^53 - 1, got "2,\\"data_offsets\\":[0,8]}}" at character 28",
        "a size of 2^53": "decodeSafetensors: malformed header: expected tensor "x": shape to be an array of whole numbers from 0 to 2^53 - 1, got "9007199254740992],\\"data_"… at character 29",
        "a size of 30 digits": "decodeSafetensors: malformed header: expected tensor "x": shape to be an array of whole numbers from 0 to 2^53 - 1, got "999999999999999999999999"… at character 29",
        "a size of null": "decodeSafetensors: malformed header: expected tensor "x": shape to be an array of whole numbers from 0 to 2^53 - 1, got "null],\\"data_offsets\\":[0,"… at character 29",
        "an empty tensor within another": "decodeSafetensors: tensor "y": begins at 4, within tensor "x", which ends at 8",
        "an exponent": "decodeSafetensors: malformed header: expected tensor "x": shape to be an array of whole numbers from 0 to 2^53 - 1, got "2e0],\\"data_offsets\\":[0,8"… at character 29",
        "an overflow that a zero would hide": "decodeSafetensors: tensor "x": shape [1099511627776,1099511627776,0] has more than 2^53 elements",
        "an overlap": "decodeSafetensors: tensor "y": begins at 4, within tensor "x", which ends at 5",
        "an unknown dtype": "decodeSafetensors: tensor "x": unknown dtype "F8_E4M3". Known: F64, F32, F16, BF16, I64, I32, I16, I8, U8, BOOL",
        "an unknown field": "decodeSafetensors: tensor "x": unknown field "strides"; expected dtype, shape and data_offsets",
        "no dtype": "decodeSafetensors: tensor "x": dtype is missing",
        "no object": "decodeSafetensors: malformed header: expected tensor "x" to be an object, got "5}" at character 5",
        "no offsets": "decodeSafetensors: tensor "x": data_offsets is missing",
        "no shape": "decodeSafetensors: tensor "x": shape is missing",
        "offsets in reverse": "decodeSafetensors: tensor "x": data_offsets must be [begin, end] with begin ≤ end, got [8,0]",
        "one offset": "decodeSafetensors: tensor "x": data_offsets must be [begin, end] with begin ≤ end, got [8]",
        "three offsets": "decodeSafetensors: malformed header: tensor "x": data_offsets has more than 2 entries",
        "too few bytes for the shape": "decodeSafetensors: tensor "x": F32[3] takes 12 bytes, but data_offsets [0,8] give it 8",
        "too many bytes for the shape": "decodeSafetensors: tensor "x": F32[] takes 4 bytes, but data_offsets [0,8] give it 8",
        "two tensors in one place": "decodeSafetensors: tensor "y": begins at 0, within tensor "x", which ends at 8",
      }
    `);
  });

  test('a header that claims much costs little', () => {
    const started = performance.now();
    const deep = '{"x":' + '['.repeat(5_000_000);
    const wide = '{"x":' + '{},'.repeat(2_000_000);
    const escapes = `{"${'\\"'.repeat(2_000_000)}`;
    const axes = `{"x":{"shape":[${'1,'.repeat(2_000_000)}1]}}`;
    for (const header of [deep, wide, escapes, axes]) {
      const message = messageOf(() => decodeSafetensors(file(header)));
      expect(message).toMatch(/^decodeSafetensors: /);
      expect(message.length).toBeLessThan(300);
    }
    const claim = file({ x: entry('F64', [1e15], [0, 8e15]) });
    expect(messageOf(() => decodeSafetensors(claim))).toMatch(
      /the file has 8000000000000092 bytes \(tensor "x" ends there\), but it has 92/,
    );
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  test('any byte changed or cut off gives an error of its own kind or a file, never anything else', () => {
    const bytes = encodeSafetensors(
      [
        ['a', { dtype: 'float32', shape: [2, 1], data: Float32Array.of(1, 2) }],
        ['b', { dtype: 'int64', shape: [1], data: BigInt64Array.of(3n) }],
      ],
      { k: 'v' },
    );
    for (let end = 0; end < bytes.length; end++) {
      expect(
        messageOf(() => decodeSafetensors(bytes.subarray(0, end))),
        `cut at ${end}`,
      ).not.toBe('no error');
    }
    for (let i = 0; i < bytes.length; i++) {
      for (const value of [0, 0x20, 0x22, 0x2c, 0x30, 0x39, 0x5b, 0x5c, 0x7d, 0xff]) {
        const changed = bytes.slice();
        changed[i] = value;
        messageOf(() => decodeSafetensors(changed));
      }
    }
  });
});

describe('writing', () => {
  test('byte by byte: metadata first, the order given in the header, falling item size in the data, padding to 8', () => {
    const bytes = encodeSafetensors(
      [
        ['m', { dtype: 'bool', shape: [2], data: Uint8Array.of(1, 0) }],
        ['w', { dtype: 'float32', shape: [1, 2], data: Float32Array.of(1, -2) }],
      ],
      { format: 'pt' },
    );
    const header =
      '{"__metadata__":{"format":"pt"},"m":{"dtype":"BOOL","shape":[2],"data_offsets":[8,10]},' +
      '"w":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}';
    const padded = header.padEnd(Math.ceil(header.length / 8) * 8);
    expect(Array.from(bytes)).toEqual([
      ...[padded.length, 0, 0, 0, 0, 0, 0, 0],
      ...ascii(padded),
      ...[0x00, 0x00, 0x80, 0x3f, 0x00, 0x00, 0x00, 0xc0],
      ...[1, 0],
    ]);
  });

  test('what is written is read again, all types, in order, in place', () => {
    const tensors: [string, RawTensor][] = [
      ['fc.bias', { dtype: 'float32', shape: [3], data: Float32Array.of(0.1, -0, NaN) }],
      ['flag', { dtype: 'bool', shape: [], data: Uint8Array.of(1) }],
      ['0', { dtype: 'int16', shape: [1, 1], data: Int16Array.of(-3) }],
      ['steps', { dtype: 'int64', shape: [2], data: BigInt64Array.of(-1n, 2n ** 62n) }],
      ['half', { dtype: 'float16', shape: [3], data: Uint16Array.of(1, 2, 3) }],
      ['brain', { dtype: 'bfloat16', shape: [1], data: Uint16Array.of(0x3f80) }],
      ['none', { dtype: 'float64', shape: [0, 4], data: new Float64Array(0) }],
      ['double', { dtype: 'float64', shape: [1], data: Float64Array.of(Math.PI) }],
      ['byte', { dtype: 'uint8', shape: [2], data: Uint8Array.of(1, 255) }],
      ['int8', { dtype: 'int8', shape: [1], data: Int8Array.of(-1) }],
      ['int32', { dtype: 'int32', shape: [1], data: Int32Array.of(7) }],
      ['ünïcode "quoted"\n', { dtype: 'uint8', shape: [0], data: new Uint8Array(0) }],
    ];
    const bytes = encodeSafetensors(new Map(tensors), { epoch: '3', 'ä "': '\\\n' });
    const read = decodeSafetensors(bytes);
    expect([...read.tensors]).toEqual(tensors);
    expect(read.metadata).toEqual({ epoch: '3', 'ä "': '\\\n' });
    for (const { data } of read.tensors.values()) expect(data.buffer).toBe(bytes.buffer);
    expect(encodeSafetensors(read.tensors, read.metadata)).toEqual(bytes);
    expect(decodeSafetensors(encodeSafetensors([]))).toEqual({ tensors: new Map(), metadata: {} });
  });

  test('views of larger buffers, and plain bytes', () => {
    const view = Float32Array.of(9, 1, 2, 9).subarray(1, 3);
    const written = encodeSafetensors([
      ['view', { dtype: 'float32', shape: [2], data: view }],
      ['bytes', { dtype: 'float32', shape: [2], data: new DataView(view.buffer, view.byteOffset, 8) }],
    ]);
    const { tensors } = decodeSafetensors(written);
    expect(tensors.get('view')!.data).toEqual(Float32Array.of(1, 2));
    expect(tensors.get('bytes')!.data).toEqual(Float32Array.of(1, 2));
  });

  test('tensors that cannot be written', () => {
    const x: TensorToWrite = { dtype: 'float32', shape: [2], data: new Float32Array(2) };
    const write = (tensor: object, name = 'x') => [[name, { ...x, ...tensor }]] as [string, TensorToWrite][];
    const cases: Record<string, [string, TensorToWrite][]> = {
      'a name twice': [...write({}), ...write({})],
      'the name of metadata': write({}, '__metadata__'),
      'half a surrogate pair': write({}, 'x\ud800'),
      'an unknown dtype': write({ dtype: 'F32' as SafetensorsDType }),
      'another array': write({ dtype: 'float64', shape: [1] }),
      'signed for half': write({ dtype: 'float16', shape: [2], data: new Int16Array(2) }),
      'no typed array': write({ data: [1, 2] }),
      'a shape that does not fit': write({ shape: [3] }),
      'a negative size': write({ shape: [-1, -2] }),
      'a fractional size': write({ shape: [0.5, 4] }),
      'a product that overflows': write({ shape: [2 ** 50, 2 ** 50] }),
    };
    const texts = Object.entries(cases).map(([name, list]) => [name, messageOf(() => encodeSafetensors(list))]);
    expect(Object.fromEntries(texts)).toMatchInlineSnapshot(`
      {
        "a fractional size": "encodeSafetensors: tensor "x": a shape holds whole numbers from 0 up, got [0.5,4]",
        "a name twice": "encodeSafetensors: two tensors are named "x"",
        "a negative size": "encodeSafetensors: tensor "x": a shape holds whole numbers from 0 up, got [-1,-2]",
        "a product that overflows": "encodeSafetensors: tensor "x": float32[1125899906842624,1125899906842624] takes over 2^53 bytes",
        "a shape that does not fit": "encodeSafetensors: tensor "x": float32[3] takes 12 bytes, got 8 bytes of data",
        "an unknown dtype": "encodeSafetensors: tensor "x": unknown dtype "F32". Known: float64, float32, float16, bfloat16, int64, int32, int16, int8, uint8, bool",
        "another array": "encodeSafetensors: tensor "x": float64 elements are a Float64Array (or bytes in a Uint8Array), got Float32Array",
        "half a surrogate pair": "encodeSafetensors: tensor "x\\ud800": "x\\ud800" holds half of a surrogate pair",
        "no typed array": "encodeSafetensors: tensor "x": float32 elements are a Float32Array (or bytes in a Uint8Array), got Array",
        "signed for half": "encodeSafetensors: tensor "x": float16 elements are a Uint16Array (or bytes in a Uint8Array), got Int16Array",
        "the name of metadata": "encodeSafetensors: tensor "__metadata__": this name is reserved for metadata",
      }
    `);
    expect(messageOf(() => encodeSafetensors([], { epoch: 3 as never }))).toMatchInlineSnapshot(
      `"encodeSafetensors: metadata "epoch" must be a string, got 3; use JSON.stringify"`,
    );
    expect(messageOf(() => encodeSafetensors([], { k: '\udc00' }))).toMatchInlineSnapshot(
      `"encodeSafetensors: metadata: "\\udc00" holds half of a surrogate pair"`,
    );
  });
});
