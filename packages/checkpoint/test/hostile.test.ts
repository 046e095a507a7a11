/** Files that are damaged, or made to do harm. Each is an error, soon, and runs nothing. */
import { describe, expect, test } from 'vitest';
import { CheckpointError, load, save } from '../src/index.js';
import { Uint8ArrayReader, Uint8ArrayWriter, ZipWriter } from '@zip.js/zip.js';
import { tensor } from '@fakkel/core';
import { bytesOf } from './goldens.js';

/** A zip as torch.save writes, of this pickle and storages. */
async function archive(
  pickle: string | Uint8Array,
  storages: Record<string, Uint8Array> = {},
  level = 0,
): Promise<Uint8Array> {
  const zip = new ZipWriter(new Uint8ArrayWriter(), { useWebWorkers: false, level });
  const bytes = typeof pickle === 'string' ? latin1(pickle) : pickle;
  await zip.add('archive/data.pkl', new Uint8ArrayReader(bytes));
  for (const [key, data] of Object.entries(storages)) await zip.add(`archive/data/${key}`, new Uint8ArrayReader(data));
  return zip.close();
}

const latin1 = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0));
const short = (text: string): string => `\x8c${String.fromCharCode(text.length)}${text}`;
const int = (value: number): string => `I${value}\n`;
const tuple = (...items: string[]): string => `(${items.join('')}t`;

/** The pickle of a tensor with these sizes, strides and offset, of a storage of so many floats. */
const strided = (shape: number[], strides: number[], offset: number, elements: number): string =>
  `\x80\x04ctorch._utils\n_rebuild_tensor_v2\n${tuple(
    `${tuple(short('storage'), 'ctorch\nFloatStorage\n', short('0'), short('cpu'), int(elements))}Q`,
    int(offset),
    tuple(...shape.map(int)),
    tuple(...strides.map(int)),
    '\x89',
    '}',
  )}R.`;

test('a tensor that PyTorch 2 has marked as negated', async () => {
  const negated = (flag: string): string => strided([4], [1], 0, 4).replace('}tR.', `}}${short('neg')}${flag}stR.`);
  await expect(load4(negated('\x88'))).rejects.toThrowErrorMatchingInlineSnapshot(
    `[CheckpointError: the checkpoint: it holds a lazily negated tensor: save x.resolve_neg()]`,
  );
  await expect(load4(negated('\x89'))).resolves.toBeDefined();
});

const load4 = async (pickle: string): Promise<unknown> => load(await archive(pickle, { 0: new Uint8Array(16) }));

describe('pickles', () => {
  test.each([
    ['a call of os.system', 'cos\nsystem\n(S"touch /tmp/owned"\ntR.'],
    ['a call of eval', 'c__builtin__\neval\n(S"1"\ntR.'],
    ['a class by its stack', `\x80\x04${short('posix')}${short('system')}\x93.`],
    ['a model’s class', 'c__main__\nNet\n)R.'],
    ['an old-style instance', '(i__main__\nNet\n.'],
    ['object by number', '\x80\x02\x82\x01.'],
    ['a call of what is no class', 'I1\n)R.'],
    ['an unknown opcode', '\x80\x02\xff.'],
    ['a later protocol', '\x80\x09N.'],
    ['an empty stack', '.'],
    ['no end', '\x80\x02N'],
    ['values left over', 'NN.'],
    ['a mark that is missing', 'Nt.'],
    ['a mark as value', '(.'],
    ['a memo entry that is not there', 'h\x05.'],
    ['items for what is no list', 'NNa.'],
    ['entries for what is no dict', 'NNNs.'],
    ['an odd number of entries', '}(Nu.'],
    ['text longer than the file', 'X\xff\xff\xff\x7fabc.'],
    ['bytes of 2^63', '\x8e\xff\xff\xff\xff\xff\xff\xff\x7fabc.'],
    ['a huge whole number', `\x8b\xff\xff\x00\x00${'\x01'.repeat(65535)}.`],
    ['text that is no UTF-8', 'X\x02\x00\x00\x00\xc3\x28.'],
    ['a storage of no known kind', `\x80\x04${tuple(short('storage'), 'N', short('0'), short('cpu'), int(4))}Q.`],
    [
      'a storage without its tensor',
      `\x80\x04${tuple(short('storage'), 'ctorch\nFloatStorage\n', short('0'), short('cpu'), int(4))}Q.`,
    ],
    ['a pickled module', `\x80\x04${tuple(short('module'), 'ctorch\nSize\n', short('f.py'), short('class Net'))}Q.`],
    ['a class as value', 'ccollections\nOrderedDict\n.'],
    ['a tensor of nothing', 'ctorch._utils\n_rebuild_tensor_v2\n)R.'],
  ])('%s', async (_, pickle) => {
    await expect(load4(pickle)).rejects.toThrow(CheckpointError);
    await expect(load4(pickle)).rejects.toThrowErrorMatchingSnapshot();
  });

  test('a list nested in itself 100,000 times, and references doubled 60 times, take no more than they are', async () => {
    const deep = `${']'.repeat(100_000)}${'a'.repeat(99_999)}.`;
    let list = (await load4(deep)) as unknown[];
    let depth = 1;
    for (; list.length > 0; depth++) list = list[0] as unknown[];
    expect(depth).toBe(100_000);
    // [x, x], of which each is [y, y], …: 2^60 leaves, 60 lists.
    const doubled = `]q\x00${Array.from({ length: 60 }, (_, i) => `0]q${String.fromCharCode(i + 1)}(h${String.fromCharCode(i)}h${String.fromCharCode(i)}e`).join('')}.`;
    const value = (await load4(doubled)) as unknown[];
    expect(value[0] === value[1]).toBe(true);
  });
});

describe('tensors', () => {
  test('a view that fits', async () => {
    expect((await load4(strided([2, 2], [1, 2], 0, 4))) as { shape: number[] }).toMatchObject({ shape: [2, 2] });
  });

  test.each([
    ['reaches beyond its storage', strided([2, 2], [2, 2], 0, 4)],
    ['begins beyond its storage', strided([1], [1], 4, 4)],
    ['has a negative stride', strided([2], [-1], 1, 4)],
    ['has a negative offset', strided([1], [1], -1, 4)],
    ['has a negative size', strided([-2], [1], 0, 4)],
    ['has more strides than sizes', strided([2], [1, 1], 0, 4)],
    ['has sizes whose product overflows', strided([2 ** 31, 2 ** 31, 2 ** 31], [0, 0, 0], 0, 4)],
    ['is expanded to what no file holds', strided([2 ** 31], [0], 0, 4)],
    ['has 70 axes', strided(new Array<number>(70).fill(1), new Array<number>(70).fill(1), 0, 4)],
    ['has a storage of another size than the archive’s', strided([2], [1], 0, 5)],
  ])('one that %s', async (_, pickle) => {
    await expect(load4(pickle)).rejects.toThrow(CheckpointError);
    await expect(load4(pickle)).rejects.toThrowErrorMatchingSnapshot();
  });

  test('one whose storage is not in the archive', async () => {
    await expect(load(await archive(strided([2], [1], 0, 4)))).rejects.toThrow('storage "0" is missing');
  });
});

describe('archives', () => {
  test('any byte of the middle of a file cut off', async () => {
    const bytes = bytesOf('shared.zip.pth');
    for (const length of [1, 20, 300, bytes.length - 30, bytes.length - 1]) {
      await expect(load(bytes.slice(0, length)), `${length}`).rejects.toThrow(CheckpointError);
    }
    const legacy = bytesOf('shared.legacy.pth');
    for (let length = 0; length < legacy.length; length += 7) {
      await expect(load(legacy.slice(0, length)), `${length}`).rejects.toThrow(CheckpointError);
    }
  });

  test('a byte changed anywhere gives the values, other values or a CheckpointError, never another', async () => {
    for (const file of ['shared.zip.pth', 'shared.legacy.pth']) {
      const original = bytesOf(file);
      for (let at = 0; at < original.length; at += 5) {
        const bytes = original.slice();
        bytes[at] ^= 0x15;
        await load(bytes).catch((error: unknown) => {
          if (!(error instanceof CheckpointError))
            throw new Error(`${file}, byte ${at}: ${String(error)}`, { cause: error });
        });
      }
    }
  });

  test('with verify, a changed weight is found by its checksum', async () => {
    const bytes = await save({ w: tensor([1, 2, 3]) });
    const at = bytes.findIndex(
      (byte, i) => byte === 0x40 && bytes[i - 1] === 0x40 && bytes[i - 2] === 0 && bytes[i - 3] === 0,
    );
    bytes[at] ^= 1;
    await load(bytes);
    await expect(load(bytes, { verify: true })).rejects.toThrow(CheckpointError);
  });

  test('a compressed storage that claims more than it can hold', async () => {
    const bytes = await archive(strided([2], [1], 0, 4), { 0: new Uint8Array(16) }, 6);
    // In the central directory: its uncompressed size.
    const directory = latin1Of(bytes).lastIndexOf('PK\x01\x02');
    new DataView(bytes.buffer, bytes.byteOffset).setUint32(directory + 24, 0x7ffffff0, true);
    await expect(load(bytes)).rejects.toThrow(CheckpointError);
  });

  test.each([
    ['empty', ''],
    ['a tar file', `${'x'.repeat(257)}ustar${'x'.repeat(250)}`],
    ['a web page', '<!DOCTYPE html><html>'],
    ['gzip', '\x1f\x8b\x08'],
    ['Git LFS', 'version https://git-lfs.github.com/spec/v1\noid'],
    ['HDF5', '\x89HDF\r\n'],
    ['something', 'hello world'],
    ['another index', '{"weights": {}}'],
  ])('%s', async (_, text) => {
    await expect(load(latin1(text))).rejects.toThrowErrorMatchingSnapshot();
  });

  test('a zip of something else, and no source', async () => {
    const zip = new ZipWriter(new Uint8ArrayWriter(), { useWebWorkers: false });
    await zip.add('word/document.xml', new Uint8ArrayReader(latin1('<x/>')));
    await expect(load(await zip.close())).rejects.toThrow('it has no data.pkl (it has word/document.xml)');
    await expect(load('/no/such/file.pth')).rejects.toThrow('cannot open /no/such/file.pth');
    await expect(load('/')).rejects.toThrow('is no file');
    await expect(load(42 as any)).rejects.toThrow('expected a path, a URL, a Blob');
  });
});

const latin1Of = (bytes: Uint8Array): string => new TextDecoder('latin1').decode(bytes);
