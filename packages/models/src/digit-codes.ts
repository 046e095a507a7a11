/**
 * The ten digits as bitmaps: what the outputs of LeNet-5's layer F6 were to look like in 1998.
 */
import { tensor, type nn, type Tensor } from '@fakkel/core';

const WIDTH = 7;
const HEIGHT = 12;

/**
 * Drawn for this package in the manner of figure 3 of the paper, which shows characters of 7 × 12 cells; its cells are
 * not copied one by one. Digits that look alike have codes that are close, so that a mistake between them costs little.
 */
const PICTURES = `
..###.. ...##.. .#####. .#####. ....##. ####### ..####. ####### .#####. .#####.
.#####. ..###.. ####### ####### ...###. ####### .#####. ####### ####### #######
##...## .####.. ##...## ##...## ...###. ##..... ##..... .....## ##...## ##...##
##...## ...##.. .....## .....## ..####. ##..... ##..... .....## ##...## ##...##
##...## ...##.. .....## .....## ..#.##. ##..... ##..... ....##. ##...## ##...##
##...## ...##.. ....##. ..####. .##.##. ######. ######. ....##. .#####. #######
##...## ...##.. ...##.. ..####. .#..##. ####### ####### ...##.. .#####. .######
##...## ...##.. ..##... .....## ##..##. .....## ##...## ...##.. ##...## .....##
##...## ...##.. .##.... .....## ####### .....## ##...## ..##... ##...## .....##
##...## ...##.. ##..... ##...## ####### ##...## ##...## ..##... ##...## .....##
.#####. .###### ####### ####### ....##. ####### ####### ..##... ####### .#####.
..###.. .###### ####### .#####. ....##. .#####. .#####. ..##... .#####. .####..
`;

/** The bitmap of each digit, 12 rows of 7 characters: '#' is ink. */
export const DIGIT_BITMAPS: readonly (readonly string[])[] = (() => {
  const rows = PICTURES.trim()
    .split('\n')
    .map((row) => row.split(' '));
  return rows[0].map((_, digit) => rows.map((row) => row[digit]));
})();

/**
 * The bitmaps of the digits as centers for `nn.RBF`: 1 for ink, −1 for the ground.
 *
 * Shape: `[10, 84]`, a row a digit, its 12 × 7 cells row by row.
 *
 * Source: after LeCun et al., "Gradient-based learning applied to document recognition", 1998, figure 3.
 *
 * @param options `dtype` ('float32'), `device` (the default device).
 * @example
 * import { nn } from '@fakkel/core';
 * import { digitCodes } from '@fakkel/models';
 * const output = new nn.RBF(digitCodes());
 * output.weight.shape; // [10, 84]
 */
export function digitCodes(options: nn.FactoryOptions = {}): Tensor {
  const cells = DIGIT_BITMAPS.map((rows) => [...rows.join('')].map((cell) => (cell === '#' ? 1 : -1)));
  return tensor(cells, { ...options, shape: [DIGIT_BITMAPS.length, WIDTH * HEIGHT] });
}
