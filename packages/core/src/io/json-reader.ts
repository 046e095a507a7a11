/**
 * A reader for JSON of a known form. Against `JSON.parse` it stops at the first thing that does not belong, before
 * memory is spent on it (100 MB of `[[[[…` would take gigabytes), keeps the order of members, and sees repeated names.
 */
export class JsonReader {
  private position = 0;

  /**
   * @param text - The JSON.
   * @param fail - Throws; called with what is wrong and where.
   */
  constructor(
    private readonly text: string,
    private readonly fail: (message: string) => never,
  ) {}

  /**
   * An object. `member` is called at each value, which it must read.
   *
   * @param what - Named in errors.
   */
  object(what: string, member: (key: string) => void): void {
    if (!this.take('{')) this.expected(`${what} to be an object`);
    if (this.take('}')) return;
    const seen = new Set<string>();
    do {
      const key = this.string(`a name in ${what}`);
      if (seen.has(key)) this.fail(`${what} has two members named ${quote(key)}`);
      seen.add(key);
      if (!this.take(':')) this.expected(`":" after ${quote(key)}`);
      member(key);
    } while (this.take(','));
    if (!this.take('}')) this.expected(`"," or "}" in ${what}`);
  }

  /** A string. */
  string(what: string): string {
    this.skipSpace();
    const start = this.position;
    if (this.text[start] !== '"') this.expected(`${what} to be a string`);
    let end = start;
    do {
      end = this.text.indexOf('"', end + 1);
      if (end < 0) this.expected(`a closing quote of ${what}`);
    } while (this.isEscaped(end));
    this.position = end + 1;
    try {
      return JSON.parse(this.text.slice(start, end + 1)) as string;
    } catch {
      this.position = start;
      return this.expected(`${what} to be a valid JSON string`);
    }
  }

  /** An array of at most `limit` whole numbers from 0 to 2⁵³ − 1. */
  counts(what: string, limit: number): number[] {
    const expectation = `${what} to be an array of whole numbers from 0 to 2^53 - 1`;
    if (!this.take('[')) this.expected(expectation);
    const out: number[] = [];
    if (this.take(']')) return out;
    do {
      this.skipSpace();
      const digits = /(?:0|[1-9][0-9]{0,15})(?![0-9.eE])/y;
      digits.lastIndex = this.position;
      const value = Number(digits.exec(this.text)?.[0] ?? NaN);
      if (!Number.isSafeInteger(value)) this.expected(expectation);
      if (out.length === limit) this.fail(`${what} has more than ${limit} entries`);
      this.position = digits.lastIndex;
      out.push(value);
    } while (this.take(','));
    if (!this.take(']')) this.expected(expectation);
    return out;
  }

  /** Nothing but white space is left. */
  end(): void {
    this.skipSpace();
    if (this.position < this.text.length) this.expected('nothing after the end of the object');
  }

  private take(char: string): boolean {
    this.skipSpace();
    if (this.text[this.position] !== char) return false;
    this.position++;
    return true;
  }

  private skipSpace(): void {
    while (' \n\r\t'.includes(this.text[this.position] ?? '-')) this.position++;
  }

  /** Whether an odd number of backslashes stands before `index`. */
  private isEscaped(index: number): boolean {
    let start = index;
    while (this.text[start - 1] === '\\') start--;
    return (index - start) % 2 === 1;
  }

  private expected(what: string): never {
    const rest = this.text.slice(this.position, this.position + 24);
    const got = rest === '' ? 'the end' : `${quote(rest)}${this.text.length - this.position > 24 ? '…' : ''}`;
    return this.fail(`expected ${what}, got ${got} at character ${this.position}`);
  }
}

function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
