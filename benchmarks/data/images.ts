/**
 * A folder of JPEG files that decode as photographs do: smooth regions, texture at all scales, edges.
 */
import { Generator } from '@fakkel/core';
import { HostArray, transforms, writeImage } from '@fakkel/data';
import { mkdirSync, statSync } from 'node:fs';
import path from 'node:path';

const CLASSES = 8;
const SIDE = 512;
/** Scenes that images are cut from. */
const SCENES = 16;
/** Of ImageNet's files: about 500×375 pixels, 110 kB. */
const QUALITY = 92;

/** Writes `count` images into class folders; returns their mean size in bytes. */
export async function writeImages(folder: string, count: number): Promise<number> {
  const generator = new Generator(7);
  let bytes = 0;
  const scenes = Array.from({ length: SCENES }, () => scene(generator));
  for (let i = 0; i < count; i++) {
    const inClass = path.join(folder, `class${i % CLASSES}`);
    mkdirSync(inClass, { recursive: true });
    const file = path.join(inClass, `${i}.jpg`);
    await writeImage(file, photograph(scenes, generator), { quality: QUALITY });
    bytes += statSync(file).size;
  }
  return bytes / count;
}

/** Noise whose amplitude is that of its wavelength, as in natural images; the channels are mostly alike. */
function scene(generator: Generator): HostArray {
  const image = new Float32Array(3 * SIDE * SIDE).fill(128);
  for (let cells = 4; cells <= SIDE; cells *= 2) {
    const amplitude = 160 / Math.sqrt(cells);
    const coarse = new Float32Array(4 * cells * cells);
    generator.normal(coarse, 0, amplitude);
    const { data } = transforms.functional.resize(new HostArray(coarse, [4, cells, cells]), [SIDE, SIDE]);
    const light = data.subarray(3 * SIDE * SIDE);
    for (let i = 0; i < image.length; i++) image[i] += 0.35 * data[i] + light[i % (SIDE * SIDE)];
  }
  return new HostArray(image, [3, SIDE, SIDE]);
}

/** Two scenes with an edge between them, 400–500 pixels wide and 300–400 high, or upright. */
function photograph(scenes: readonly HostArray[], generator: Generator): HostArray {
  const draw = (n: number): number => generator.random() % n;
  const sides = [300 + draw(101), 400 + draw(101)];
  const [height, width] = draw(4) === 0 ? sides.reverse() : sides;
  const [a, b] = [scenes[draw(SCENES)], scenes[draw(SCENES)]];
  const [top, left, slope, edge] = [draw(SIDE - height), draw(SIDE - width), draw(200) / 100 - 1, draw(width)];
  const out = new Uint8ClampedArray(3 * height * width);
  for (let c = 0, o = 0; c < 3; c++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++, o++) {
        const { data } = x + slope * y < edge ? a : b;
        out[o] = data[(c * SIDE + top + y) * SIDE + left + x];
      }
    }
  }
  return new HostArray(new Uint8Array(out.buffer), [3, height, width], 'uint8');
}
