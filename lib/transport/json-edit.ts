/**
 * Edits the top level of a JSON object as bytes: what is not edited stays byte for byte, so numbers beyond 2^53, key order, spacing
 * and escapes survive, and a body of megabytes is not written anew for the sake of one field.
 */
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

/** Where a member lies: from the quote of its name to the byte after its value. */
interface Member {
  readonly name: string;
  readonly start: number;
  readonly valueStart: number;
  readonly end: number;
}

/**
 * The same object with these members replaced, added at the end, or (where the edit is undefined) removed. Of a member that occurs
 * several times only the last stays, the one that `JSON.parse` sees: so no parser can see another value than its caller did.
 *
 * @param body a JSON object that `JSON.parse` accepts; the caller has parsed it already
 * @param edits JSON values by name; undefined removes
 * @throws SyntaxError when `body` is no JSON object
 * @example replaceTopLevel(Buffer.from('{"model":"a","n":1e400}'), { model: 'b' }) // {"model":"b","n":1e400}
 */
export function replaceTopLevel(body: Uint8Array, edits: Readonly<Record<string, unknown>>): Uint8Array {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const { members, open } = membersOf(bytes);
  const names = new Set<string>();
  const repeated = members.map(() => false);
  for (let index = members.length - 1; index >= 0; index--) {
    const { name } = members[index] as Member;
    repeated[index] = names.has(name);
    names.add(name);
  }
  const parts: Uint8Array[] = [];
  let copied = 0;
  let kept = 0;
  const copyTo = (end: number): void => {
    parts.push(bytes.subarray(copied, end));
    copied = end;
  };

  for (const [index, member] of members.entries()) {
    const isRepeated = repeated[index] === true;
    if (!isRepeated && !Object.hasOwn(edits, member.name)) {
      kept += 1;
      continue;
    }
    const value = isRepeated ? undefined : edits[member.name];
    if (value === undefined) {
      // Takes the comma before it along, or the one after it while nothing before it is kept.
      const previous = members[index - 1];
      copyTo(kept > 0 && previous !== undefined ? Math.max(copied, previous.end) : member.start);
      copied = kept > 0 ? member.end : (members[index + 1]?.start ?? member.end);
    } else {
      kept += 1;
      copyTo(member.valueStart);
      parts.push(Buffer.from(JSON.stringify(value)));
      copied = member.end;
    }
  }

  const added = Object.entries(edits).filter(([name, value]) => value !== undefined && !names.has(name));
  if (added.length > 0) {
    copyTo(Math.max(copied, members.at(-1)?.end ?? open + 1));
    const text = added.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',');
    parts.push(Buffer.from(kept > 0 ? `,${text}` : text));
  }
  if (parts.length === 0) return body;
  copyTo(bytes.length);
  return Buffer.concat(parts);
}

/** The members of the object, and where its opening brace is. */
function membersOf(bytes: Buffer): { members: Member[]; open: number } {
  const members: Member[] = [];
  const open = skipSpace(bytes, 0);
  if (bytes[open] !== OPEN_BRACE) throw new SyntaxError('expected a JSON object');
  let position = skipSpace(bytes, open + 1);
  while (bytes[position] !== CLOSE_BRACE) {
    const start = position;
    if (bytes[start] !== QUOTE) throw broken(start);
    const nameEnd = skipString(bytes, start);
    position = skipSpace(bytes, nameEnd);
    if (bytes[position] !== COLON) throw broken(position);
    const valueStart = skipSpace(bytes, position + 1);
    const end = skipValue(bytes, valueStart);
    members.push({ name: nameAt(bytes, start, nameEnd), start, valueStart, end });
    position = skipSpace(bytes, end);
    if (bytes[position] === COMMA) position = skipSpace(bytes, position + 1);
    else if (bytes[position] !== CLOSE_BRACE) throw broken(position);
  }
  return { members, open };
}

const broken = (position: number): SyntaxError => new SyntaxError(`malformed JSON at byte ${position}`);

function skipSpace(bytes: Buffer, from: number): number {
  let position = from;
  for (;;) {
    const byte = bytes[position];
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return position;
    position += 1;
  }
}

/** Bytes looked at one by one before the native search takes over, which only pays on long strings. */
const SHORT = 64;

/** From an opening quote to the byte after the closing one. */
function skipString(bytes: Buffer, from: number): number {
  let position = from + 1;
  for (;;) {
    const nearEnd = Math.min(position + SHORT, bytes.length);
    while (position < nearEnd) {
      const byte = bytes[position];
      if (byte === QUOTE) return position + 1;
      position += byte === BACKSLASH ? 2 : 1;
    }
    const quote = bytes.indexOf(QUOTE, position);
    if (quote === -1) throw broken(from);
    let escapes = 0;
    while (quote - escapes > position && bytes[quote - 1 - escapes] === BACKSLASH) escapes += 1;
    position = escapes % 2 === 0 ? quote : quote + 1;
  }
}

/** The text of a name, quotes included in the span. */
function nameAt(bytes: Buffer, start: number, end: number): string {
  const text = bytes.toString('utf8', start + 1, end - 1);
  return text.includes('\\') ? (JSON.parse(`"${text}"`) as string) : text;
}

/** From the first byte of a value to the byte after its last. */
function skipValue(bytes: Buffer, from: number): number {
  const first = bytes[from];
  if (first === QUOTE) return skipString(bytes, from);
  if (first === OPEN_BRACE || first === OPEN_BRACKET) return skipNested(bytes, from);
  let position = from;
  while (position < bytes.length && !endsScalar(bytes[position])) position += 1;
  if (position === from) throw broken(from);
  return position;
}

function skipNested(bytes: Buffer, from: number): number {
  let depth = 0;
  let position = from;
  while (position < bytes.length) {
    const byte = bytes[position];
    if (byte === QUOTE) {
      position = skipString(bytes, position);
      continue;
    }
    position += 1;
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth += 1;
    else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      depth -= 1;
      if (depth === 0) return position;
    }
  }
  throw broken(from);
}

const endsScalar = (byte: number | undefined): boolean =>
  byte === COMMA || byte === CLOSE_BRACE || byte === CLOSE_BRACKET || (byte !== undefined && byte <= 0x20);
