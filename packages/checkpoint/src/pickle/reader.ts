/**
 * Reading pickles, protocols 0 to 5, without Python and without running anything: a pickle is a program for a stack
 * machine, of which only what builds plain values is carried out.
 *
 * Source: CPython, `Lib/pickletools.py` (the opcodes one by one); PEP 307, 3154, 574.
 */
import { CheckpointError, show } from '../errors.js';
import {
  findClass,
  Instance,
  narrow,
  type Pickled,
  PickledClass,
  type PickleContext,
  type StorageRef,
} from './classes.js';

/** The bytes end within the pickle: more may follow in the file. */
export class PickleEnds extends Error {}

export interface PickleOptions extends PickleContext {
  /** What a persistent id stands for. */
  readonly persistent: (id: Pickled) => StorageRef;
}

/** Whole numbers of more bytes than this are no number of a checkpoint, and slow to convert. */
const MAX_INTEGER_BYTES = 1024;

/** Marks where the items of a container begin. */
const MARK = Symbol('mark');
type Item = Pickled | typeof MARK;

/**
 * Reads one pickle.
 *
 * @param bytes The file from the pickle on.
 * @returns The value, and how many bytes it took.
 * @throws PickleEnds if the bytes end first, CheckpointError for anything that is not understood.
 */
export function readPickle(bytes: Uint8Array, options: PickleOptions): { value: Pickled; length: number } {
  return new Unpickler(bytes, options).read();
}

class Unpickler {
  private at = 0;
  private readonly view: DataView;
  private stack: Item[] = [];
  private readonly memo = new Map<number, Pickled>();

  constructor(
    private readonly bytes: Uint8Array,
    private readonly options: PickleOptions,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  read(): { value: Pickled; length: number } {
    for (;;) {
      const at = this.at;
      const opcode = this.u8();
      if (opcode === 0x2e) {
        // STOP
        const value = settle(this.pop());
        if (this.stack.length > 0) this.fail('values are left on the stack');
        return { value, length: this.at };
      }
      const run = OPCODES.get(opcode);
      if (!run) this.fail(`unknown opcode 0x${opcode.toString(16).padStart(2, '0')} at byte ${at}`);
      run(this);
    }
  }

  fail(what: string): never {
    throw new CheckpointError(`${this.options.file}: malformed pickle: ${what}; the file is damaged, or no checkpoint`);
  }

  // --- bytes ---

  private need(count: number): number {
    const start = this.at;
    if (start + count > this.bytes.length) throw new PickleEnds();
    this.at += count;
    return start;
  }

  u8 = (): number => this.bytes[this.need(1)];
  u16 = (): number => this.view.getUint16(this.need(2), true);
  i32 = (): number => this.view.getInt32(this.need(4), true);
  u32 = (): number => this.view.getUint32(this.need(4), true);
  f64 = (): number => this.view.getFloat64(this.need(8));

  /** A length in eight bytes. */
  u64(): number {
    const length = Number(this.view.getBigUint64(this.need(8), true));
    // Beyond any file: as one that is cut short.
    if (!Number.isSafeInteger(length)) this.fail(`a length of ${length} bytes`);
    return length;
  }

  take(length: number): Uint8Array {
    const start = this.need(length);
    return this.bytes.slice(start, start + length);
  }

  text(length: number): string {
    const start = this.need(length);
    try {
      return UTF8.decode(this.bytes.subarray(start, start + length));
    } catch {
      return this.fail('text that is not UTF-8');
    }
  }

  latin1(length: number): string {
    const start = this.need(length);
    return LATIN1(this.bytes.subarray(start, start + length));
  }

  line(): string {
    const end = this.bytes.indexOf(0x0a, this.at);
    if (end < 0) throw new PickleEnds();
    const line = LATIN1(this.bytes.subarray(this.at, end));
    this.at = end + 1;
    return line;
  }

  // --- stack ---

  push(value: Item): void {
    this.stack.push(value);
  }

  pop(): Pickled {
    const value = this.stack.pop();
    if (value === undefined || value === MARK) this.fail('the stack has no value to take');
    return value;
  }

  top(): Pickled {
    const value = this.stack.at(-1);
    if (value === undefined || value === MARK) this.fail('the stack has no value to look at');
    return value;
  }

  popMark(): Pickled[] {
    const at = this.stack.lastIndexOf(MARK);
    if (at < 0) this.fail('a mark is missing');
    const values = this.stack.splice(at);
    return values.slice(1) as Pickled[];
  }

  discard(): void {
    if (this.stack.pop() === undefined) this.fail('the stack is empty');
  }

  put(index: number): void {
    this.memo.set(index, this.top());
  }

  memoize(): void {
    this.put(this.memo.size);
  }

  get(index: number): void {
    const value = this.memo.get(index);
    if (value === undefined) this.fail(`memo entry ${index} is not there`);
    this.push(value);
  }

  // --- containers ---

  append(values: Pickled[]): void {
    const target = settle(this.top());
    if (!Array.isArray(target)) this.fail('items for what is no list');
    for (const value of values) target.push(settle(value));
  }

  setItems(values: Pickled[]): void {
    const target = settle(this.top());
    if (!(target instanceof Map) || values.length % 2 !== 0) this.fail('entries for what is no dict');
    for (let i = 0; i < values.length; i += 2) target.set(settle(values[i]), settle(values[i + 1]));
  }

  addItems(values: Pickled[]): void {
    const target = settle(this.top());
    if (!(target instanceof Set)) this.fail('members for what is no set');
    for (const value of values) target.add(settle(value));
  }

  // --- classes ---

  global(module: string, name: string): void {
    this.push(findClass(this.options.file, module, name));
  }

  stackGlobal(): void {
    const [name, module] = [this.pop(), this.pop()];
    if (typeof name !== 'string' || typeof module !== 'string') this.fail('a class without a name');
    this.global(module, name);
  }

  call(callable: Pickled, args: Pickled): void {
    if (!(callable instanceof PickledClass)) this.fail(`a call of ${describe(callable)}`);
    if (!Array.isArray(args)) this.fail(`${callable.name} is called without a tuple of arguments`);
    this.push(callable.call(args.map(settle), this.options));
  }

  build(): void {
    const state = settle(this.pop());
    const target = this.top();
    if (target instanceof Instance) target.setState(state);
    // A tensor's own attributes have no place here; neither have those of anything else.
    else if (!(state instanceof Map || Array.isArray(state))) this.fail(`state for ${describe(target)}`);
  }

  persistent(id: Pickled): void {
    this.push(this.options.persistent(settle(id)));
  }

  // --- numbers ---

  /** Little-endian two's complement. */
  long(length: number): void {
    if (length > MAX_INTEGER_BYTES) this.fail(`a whole number of ${length} bytes`);
    const bytes = this.take(length);
    let value = 0n;
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]);
    this.push(narrow(BigInt.asIntN(8 * length, value)));
  }

  decimal(text: string): number | bigint {
    const digits = /^\s*([+-]?\d+)L?\s*$/.exec(text)?.[1];
    if (digits === undefined || digits.length > 2 * MAX_INTEGER_BYTES) this.fail(`${show(text)} as a whole number`);
    return narrow(BigInt(digits));
  }
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const LATIN1 = (bytes: Uint8Array): string => {
  let text = '';
  for (let at = 0; at < bytes.length; at += 4096) text += String.fromCharCode(...bytes.subarray(at, at + 4096));
  return text;
};

/** What an object is once it is complete. */
function settle(value: Pickled): Pickled {
  return value instanceof Instance ? value.value : value;
}

function describe(value: Pickled): string {
  if (value === null || typeof value !== 'object') return show(value);
  return value instanceof PickledClass ? value.name : value.constructor.name;
}

type Step = (machine: Unpickler) => void;

/** Opcodes by byte; the names are `pickletools`'. */
const OPCODES = new Map<number, Step>();
const op = (code: string | number, step: Step): void =>
  void OPCODES.set(typeof code === 'string' ? code.charCodeAt(0) : code, step);

op(0x80, (m) => {
  // PROTO
  const version = m.u8();
  if (version > 5) m.fail(`protocol ${version}; known are 0 to 5`);
});
op(0x95, (m) => void m.u64()); // FRAME: a hint for buffering
op('(', (m) => m.push(MARK));
op('0', (m) => m.discard()); // POP
op('1', (m) => void m.popMark()); // POP_MARK
op('2', (m) => m.push(m.top())); // DUP

op('N', (m) => m.push(null));
op(0x88, (m) => m.push(true));
op(0x89, (m) => m.push(false));
op('I', (m) => {
  // INT; 00 and 01 are how protocol 0 writes False and True
  const line = m.line();
  m.push(line === '00' ? false : line === '01' ? true : m.decimal(line));
});
op('J', (m) => m.push(m.i32())); // BININT
op('K', (m) => m.push(m.u8())); // BININT1
op('M', (m) => m.push(m.u16())); // BININT2
op('L', (m) => m.push(m.decimal(m.line()))); // LONG
op(0x8a, (m) => m.long(m.u8())); // LONG1
op(0x8b, (m) => m.long(m.u32())); // LONG4
op('F', (m) => {
  // FLOAT
  const text = m.line();
  const value = /^-?(inf|nan)$/.test(text)
    ? Number(text.replace('inf', 'Infinity').replace('nan', 'NaN'))
    : Number(text);
  if (Number.isNaN(value) && !text.endsWith('nan')) m.fail(`${show(text)} as a number`);
  m.push(value);
});
op('G', (m) => m.push(m.f64())); // BINFLOAT

op('S', (m) => {
  // STRING: a Python literal
  const text = m.line().trim();
  if (!/^(['"]).*\1$/s.test(text)) m.fail('a string without quotes');
  m.push(unescape(text.slice(1, -1)));
});
op('T', (m) => m.push(m.latin1(m.u32()))); // BINSTRING
op('U', (m) => m.push(m.latin1(m.u8()))); // SHORT_BINSTRING
op('V', (m) => {
  // UNICODE: raw-unicode-escape
  m.push(
    m.line().replace(/\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})/g, (_, short?: string, long?: string) => {
      const code = parseInt((short ?? long)!, 16);
      return code > 0x10ffff ? m.fail('a character beyond Unicode') : String.fromCodePoint(code);
    }),
  );
});
op('X', (m) => m.push(m.text(m.u32()))); // BINUNICODE
op(0x8c, (m) => m.push(m.text(m.u8()))); // SHORT_BINUNICODE
op(0x8d, (m) => m.push(m.text(m.u64()))); // BINUNICODE8
op('B', (m) => m.push(m.take(m.u32()))); // BINBYTES
op('C', (m) => m.push(m.take(m.u8()))); // SHORT_BINBYTES
op(0x8e, (m) => m.push(m.take(m.u64()))); // BINBYTES8
op(0x96, (m) => m.push(m.take(m.u64()))); // BYTEARRAY8

op(']', (m) => m.push([])); // EMPTY_LIST
op('l', (m) => m.push(m.popMark().map(settle))); // LIST
op('a', (m) => m.append([m.pop()])); // APPEND
op('e', (m) => m.append(m.popMark())); // APPENDS
op(')', (m) => m.push([])); // EMPTY_TUPLE
op('t', (m) => m.push(m.popMark().map(settle))); // TUPLE
op(0x85, (m) => m.push([settle(m.pop())])); // TUPLE1
op(0x86, (m) => m.push([m.pop(), m.pop()].map(settle).reverse())); // TUPLE2
op(0x87, (m) => m.push([m.pop(), m.pop(), m.pop()].map(settle).reverse())); // TUPLE3
op('}', (m) => m.push(new Map())); // EMPTY_DICT
op('d', (m) => {
  // DICT
  const values = m.popMark();
  m.push(new Map());
  m.setItems(values);
});
op('s', (m) => m.setItems([m.pop(), m.pop()].reverse())); // SETITEM
op('u', (m) => m.setItems(m.popMark())); // SETITEMS
op(0x8f, (m) => m.push(new Set())); // EMPTY_SET
op(0x90, (m) => m.addItems(m.popMark())); // ADDITEMS
op(0x91, (m) => m.push(new Set(m.popMark().map(settle)))); // FROZENSET

op('p', (m) => m.put(Number(m.decimal(m.line())))); // PUT
op('q', (m) => m.put(m.u8())); // BINPUT
op('r', (m) => m.put(m.u32())); // LONG_BINPUT
op(0x94, (m) => m.memoize()); // MEMOIZE
op('g', (m) => m.get(Number(m.decimal(m.line())))); // GET
op('h', (m) => m.get(m.u8())); // BINGET
op('j', (m) => m.get(m.u32())); // LONG_BINGET

op('c', (m) => m.global(m.line(), m.line())); // GLOBAL
op(0x93, (m) => m.stackGlobal()); // STACK_GLOBAL
op('R', (m) => {
  // REDUCE
  const args = m.pop();
  m.call(m.pop(), args);
});
op(0x81, (m) => {
  // NEWOBJ
  const args = m.pop();
  m.call(m.pop(), args);
});
op(0x92, (m) => {
  // NEWOBJ_EX
  const keywords = m.pop();
  const args = m.pop();
  if (!(keywords instanceof Map) || keywords.size > 0) m.fail('an object made with keyword arguments');
  m.call(m.pop(), args);
});
op('o', (m) => {
  // OBJ
  const [callable, ...args] = m.popMark();
  m.call(callable ?? null, args);
});
op('i', (m) => {
  // INST
  const [module, name] = [m.line(), m.line()];
  const args = m.popMark();
  m.global(module, name);
  m.call(m.pop(), args);
});
op('b', (m) => m.build()); // BUILD
op('Q', (m) => m.persistent(m.pop())); // BINPERSID
op('P', (m) => m.persistent(m.line())); // PERSID
for (const [code, name] of [
  [0x82, 'EXT1'],
  [0x83, 'EXT2'],
  [0x84, 'EXT4'],
] as const) {
  op(code, (m) => m.fail(`${name}: a class by number, of a registry that only its program has`));
}
for (const [code, name] of [
  [0x97, 'NEXT_BUFFER'],
  [0x98, 'READONLY_BUFFER'],
] as const) {
  op(code, (m) => m.fail(`${name}: data outside of the pickle`));
}

/** The escapes of a Python string literal. */
function unescape(text: string): string {
  const simple: Record<string, string> = {
    n: '\n',
    t: '\t',
    r: '\r',
    '\\': '\\',
    "'": "'",
    '"': '"',
    a: '\x07',
    b: '\b',
  };
  return text.replace(/\\(x[0-9a-fA-F]{2}|.)/gs, (_, code: string) =>
    code.length > 1 ? String.fromCharCode(parseInt(code.slice(1), 16)) : (simple[code] ?? `\\${code}`),
  );
}
