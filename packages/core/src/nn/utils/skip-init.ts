/**
 * Making modules without drawing their weights.
 */
import { FakkelError } from '../../errors.js';
import { modes } from '../../graph/modes.js';

/**
 * Calls a function that makes modules, and skips what `nn.init` would draw in it: their weights are zeros that take no
 * memory until they are used, and the random generator stays where it is. For networks that are only looked at, with
 * {@link summary}, or whose weights are loaded over. As `torch.nn.utils.skip_init`, for a whole network.
 *
 * @param make Makes the modules; synchronous.
 * @returns What it returned.
 * @throws FakkelError for an asynchronous function: what else runs meanwhile would go without weights, too.
 * @example
 * const net = nn.utils.skipInit(() => new nn.Linear(25088, 4096)); // 400 MB, had they been drawn
 * nn.summary(net, [1, 25088]).totals.parameters; // 102764544
 */
export function skipInit<T>(make: () => T): T {
  if (typeof make !== 'function') {
    throw new TypeError('skipInit: expected a function that makes a module. Write skipInit(() => new Net()).');
  }
  const { skipInit: outer } = modes;
  modes.skipInit = true;
  try {
    const made = make();
    if (made instanceof Promise) {
      made.catch(() => undefined);
      throw new FakkelError(
        'skipInit: the function returned a promise. Make the network first, then await what it needs.',
      );
    }
    return made;
  } finally {
    modes.skipInit = outer;
  }
}
