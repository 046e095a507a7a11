/**
 * What PyTorch has and a tensor here has not, answered with what to write instead.
 */
import { NotInTypeScriptError } from '../errors.js';

// Methods that end in an underscore change a tensor in place in PyTorch; indexing reads and writes elements.
const IN_PLACE = /^[a-z][A-Za-z0-9]*_$/;
const INDEX = /^-?\d+$/;

/** In-place methods without a pure method of that name. */
const PURE: Readonly<Record<string, string>> = {
  zero_: 'zerosLike(x)',
  fill_: 'fullLike(x, value)',
  copy_: 'y',
  detach_: 'x.detach()',
  normal_: 'randnLike(x)',
  uniform_: 'randLike(x)',
};

/** Names from Python. */
const INSTEAD: Readonly<Record<string, string>> = {
  T: 'write x.t() for a matrix, x.transpose(a, b) or x.permute([…]) for more axes',
  numpy: 'write await x.data() for a typed array, await x.toArray() for nested arrays',
  tolist: 'write await x.toArray()',
  cuda: "write x.to(await device('cuda'))",
  cpu: "write x.to(await device('cpu'))",
  long: "integers are int32 here: write x.int() or x.to('int32')",
  requires_grad: 'write x.requiresGrad',
  requires_grad_: 'write x.requiresGrad_()',
};

/**
 * The end of a tensor's prototype chain. It sees only lookups that fail, so it costs nothing otherwise.
 */
export function teachingPrototype(): object {
  return new Proxy(Object.prototype, {
    get(target, name, receiver): unknown {
      if (typeof name === 'string') {
        if (Object.hasOwn(INSTEAD, name)) throw new NotInTypeScriptError(`x.${name}: ${INSTEAD[name]}`);
        if (IN_PLACE.test(name)) {
          const pure = PURE[name] ?? `x.${name.slice(0, -1)}(…)`;
          const of = (x: string): string => pure.replace(/\bx\b/, x);
          throw new NotInTypeScriptError(
            `${name}: tensors are immutable. Write x = ${pure}; for a parameter or buffer p.assign(${of('p')}), for its ` +
              `gradient p.grad = ${of('p.grad')}.`,
          );
        }
        if (INDEX.test(name)) {
          throw new NotInTypeScriptError(
            `x[${name}]: write x.select(0, ${name}) for a tensor, or (await x.toArray())[${name}] for numbers`,
          );
        }
      }
      return Reflect.get(target, name, receiver);
    },
    set(target, name, value, receiver): boolean {
      if (typeof name === 'string' && INDEX.test(name)) {
        throw new NotInTypeScriptError(
          `x[${name}] = …: tensors are immutable. Use where(mask, a, b), x.maskedFill(mask, v), x.indexAdd or scatterAdd.`,
        );
      }
      return Reflect.set(target, name, value, receiver);
    },
  });
}
