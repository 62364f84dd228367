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
  // A character for each byte: strings are searched faster than bytes are.
  const { members, open } = membersOf(bytes.toString('latin1'));
  const wanted = new Map(Object.entries(edits));
  const last = new Map<string, number>();
  for (let index = 0; index < members.length; index++) last.set((members[index] as Member).name, index);
  if (wanted.size === 0 && last.size === members.length) return body;
  const parts: Uint8Array[] = [];
  let copied = 0;
  let kept = 0;
  const copyTo = (end: number): void => {
    parts.push(bytes.subarray(copied, end));
    copied = end;
  };

  for (const [index, member] of members.entries()) {
    const repeated = last.get(member.name) !== index;
    if (!repeated && !wanted.has(member.name)) {
      kept += 1;
      continue;
    }
    const value = repeated ? undefined : wanted.get(member.name);
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

  const added = [...wanted].filter(([name, value]) => value !== undefined && !last.has(name));
  if (added.length > 0) {
    copyTo(Math.max(copied, members.at(-1)?.end ?? open + 1));
    const fields = added.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',');
    parts.push(Buffer.from(kept > 0 ? `,${fields}` : fields));
  }
  if (parts.length === 0) return body;
  copyTo(bytes.length);
  return Buffer.concat(parts);
}

/** The members of the object, and where its opening brace is. */
function membersOf(text: string): { members: Member[]; open: number } {
  const members: Member[] = [];
  const open = skipSpace(text, 0);
  if (text.charCodeAt(open) !== OPEN_BRACE) throw new SyntaxError('expected a JSON object');
  let position = skipSpace(text, open + 1);
  while (text.charCodeAt(position) !== CLOSE_BRACE) {
    const start = position;
    if (text.charCodeAt(start) !== QUOTE) throw broken(start);
    const nameEnd = skipString(text, start);
    position = skipSpace(text, nameEnd);
    if (text.charCodeAt(position) !== COLON) throw broken(position);
    const valueStart = skipSpace(text, position + 1);
    const end = skipValue(text, valueStart);
    members.push({ name: nameIn(text.slice(start + 1, nameEnd - 1)), start, valueStart, end });
    position = skipSpace(text, end);
    if (text.charCodeAt(position) === COMMA) position = skipSpace(text, position + 1);
    else if (text.charCodeAt(position) !== CLOSE_BRACE) throw broken(position);
  }
  return { members, open };
}

const broken = (position: number): SyntaxError => new SyntaxError(`malformed JSON at byte ${position}`);

function skipSpace(text: string, from: number): number {
  let position = from;
  for (;;) {
    const byte = text.charCodeAt(position);
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return position;
    position += 1;
  }
}

/** From an opening quote to the byte after the closing one. */
function skipString(text: string, from: number): number {
  let position = from + 1;
  for (;;) {
    const quote = text.indexOf('"', position);
    if (quote === -1) throw broken(from);
    let escapes = 0;
    while (text.charCodeAt(quote - 1 - escapes) === BACKSLASH && quote - escapes > position) escapes += 1;
    if (escapes % 2 === 0) return quote + 1;
    position = quote + 1;
  }
}

/** Characters of a name that are not what they look like: escapes, and bytes of longer characters. */
const SPELLED = /[\\\x80-\xff]/;

/** The name that the bytes between its quotes spell. */
const nameIn = (bytes: string): string =>
  SPELLED.test(bytes) ? (JSON.parse(`"${Buffer.from(bytes, 'latin1').toString()}"`) as string) : bytes;

/** From the first byte of a value to the byte after its last. */
function skipValue(text: string, from: number): number {
  const first = text.charCodeAt(from);
  if (first === QUOTE) return skipString(text, from);
  if (first === OPEN_BRACE || first === OPEN_BRACKET) return skipNested(text, from);
  let position = from;
  while (position < text.length && !endsScalar(text.charCodeAt(position))) position += 1;
  if (position === from) throw broken(from);
  return position;
}

function skipNested(text: string, from: number): number {
  let depth = 0;
  let position = from;
  while (position < text.length) {
    const byte = text.charCodeAt(position);
    if (byte === QUOTE) {
      position = skipString(text, position);
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

const endsScalar = (byte: number): boolean => byte === COMMA || byte === CLOSE_BRACE || byte === CLOSE_BRACKET || byte <= 0x20;
