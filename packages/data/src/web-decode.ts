/**
 * What the files of a WebDataset's sample hold, by their endings.
 *
 * Source: github.com/webdataset/webdataset, `autodecode.py`, whose endings and meanings these are.
 */
import { FakkelError } from '@fakkel/core';

/** Makes a value of a file's bytes. `name` is what errors are to call it. */
export type Decoder = (bytes: Uint8Array, name: string) => unknown;

const IMAGE_ENDINGS = ['jpg', 'jpeg', 'png', 'webp', 'gif', 'tif', 'tiff', 'avif'];
const NUMBER_ENDINGS = ['cls', 'cls2', 'class', 'count', 'index', 'inx', 'id'];
const TEXT_ENDINGS = ['txt', 'text', 'transcript'];
const JSON_ENDINGS = ['json', 'jsn'];

/** What a file is decoded to, by its ending; `I` is what becomes of images. */
export type WebDecoded<E extends string, I> = E extends `${string}.${infer Last}`
  ? WebDecoded<Last, I>
  : E extends 'jpg' | 'jpeg' | 'png' | 'webp' | 'gif' | 'tif' | 'tiff' | 'avif'
    ? I
    : E extends 'cls' | 'cls2' | 'class' | 'count' | 'index' | 'inx' | 'id'
      ? number
      : E extends 'txt' | 'text' | 'transcript'
        ? string
        : unknown;

/** What a field such as `jpg;png` gives. */
export type WebField<F extends string, I> = F extends `${infer First};${infer Rest}`
  ? WebDecoded<First, I> | WebField<Rest, I>
  : WebDecoded<F, I>;

/** The last part of an ending: that of `seg.png` is `png`. */
const kindOfEnding = (extension: string): string => extension.slice(extension.lastIndexOf('.') + 1);

/**
 * The decoder of a file; undefined for one that stays as it is, bytes.
 *
 * @param own - The user's, by ending; they come first.
 */
export function decoderOf(extension: string, own: Readonly<Record<string, Decoder>>): Decoder | 'image' | undefined {
  const ending = kindOfEnding(extension);
  const given = own[extension] ?? own[ending];
  if (given) return given;
  if (IMAGE_ENDINGS.includes(ending)) return 'image';
  if (NUMBER_ENDINGS.includes(ending)) return wholeNumber;
  if (TEXT_ENDINGS.includes(ending)) return text;
  if (JSON_ENDINGS.includes(ending)) return (bytes) => JSON.parse(text(bytes)) as unknown;
  return undefined;
}

function wholeNumber(bytes: Uint8Array): number {
  const written = new TextDecoder().decode(bytes);
  if (!/^\s*[+-]?\d+\s*$/.test(written)) {
    throw new FakkelError(`expected a whole number, got '${written.slice(0, 20)}'`);
  }
  return Number(written);
}

function text(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
}
