/**
 * What holds while recording: whether gradients are on, how deep in modules or library code we are, and whether a
 * plain number is a literal of a rule or an input of the program.
 */

interface Modes {
  /** Greater than zero inside `noGrad`. */
  noGrad: number;
  /** Greater than zero inside a module, a scope, or the library's own code: values made there are not visible. */
  hidden: number;
  /** Greater than zero inside gradient rules and decompositions: numbers are constants of the program. */
  literal: number;
  /** Whether the outermost module is in training mode; true outside modules. */
  training: boolean;
  /** A network is only traced: what is assigned to cells is forgotten. */
  dry: boolean;
  /** Initializers leave cells as they are. */
  skipInit: boolean;
  /** Record call sites and module names, and check every op when it runs. */
  checking: boolean;
  /** Names of the modules being called, outermost first; kept in checking mode only. */
  modulePath: string[];
}

export const modes: Modes = {
  noGrad: 0,
  hidden: 0,
  literal: 0,
  training: true,
  dry: false,
  skipInit: false,
  checking: false,
  modulePath: [],
};

/** Whether operations are recorded for gradients now. */
export function isGradEnabled(): boolean {
  return modes.noGrad === 0;
}

function counted<T>(key: 'noGrad' | 'hidden' | 'literal', fn: () => T): T {
  modes[key]++;
  let result: T;
  try {
    result = fn();
  } catch (error) {
    modes[key]--;
    throw error;
  }
  if (key === 'noGrad' && result instanceof Promise) {
    return result.finally(() => modes[key]--) as T;
  }
  modes[key]--;
  return result;
}

/** Python's `with torch.no_grad():` has no counterpart: what runs inside is a function. */
function checkFunction(name: string, fn: unknown): void {
  if (typeof fn === 'function') return;
  const got =
    fn === undefined ? 'nothing' : fn === null ? 'null' : `${typeof fn === 'object' ? 'an' : 'a'} ${typeof fn}`;
  throw new TypeError(`${name}: expected a function, got ${got}. Write ${name}(() => net(x)).`);
}

/**
 * Runs `fn` without recording gradients, as `torch.no_grad()`. With an asynchronous function it holds until the
 * promise settles, also for other tasks that record meanwhile: JavaScript in a browser has no task-local state.
 *
 * @example
 * const net = new nn.Linear(4, 3);
 * const best = await noGrad(() => net(ones([2, 4])).argmax(1)).toArray();
 */
export function noGrad<T>(fn: () => T): T {
  checkFunction('noGrad', fn);
  return counted('noGrad', fn);
}

/** Runs `fn` with gradients on, inside `noGrad` too, as `torch.enable_grad()`. `fn` is synchronous. */
export function enableGrad<T>(fn: () => T): T {
  checkFunction('enableGrad', fn);
  const saved = modes.noGrad;
  modes.noGrad = 0;
  try {
    return fn();
  } finally {
    modes.noGrad = saved;
  }
}

/**
 * Hides what a function makes, as a module does: its intermediates live and die inside the program; what it returns
 * is visible. Use it around a function of your own whose intermediates nobody will read.
 */
export const hide = <T>(fn: () => T): T => counted('hidden', fn);

/** Runs a rule or a decomposition: hidden, and its numbers are constants of the program. */
export const asRule = <T>(fn: () => T): T => counted('literal', () => counted('hidden', fn));
