/** Filters, order and pages of `ListSecrets` and `BatchGetSecretValue`. */
import { type Secret, ServiceFault } from './secret.ts';

/** One filter; a value that begins with `!` excludes what it matches. */
export interface Filter {
  readonly Key?: string | undefined;
  readonly Values?: readonly string[] | undefined;
}

/** Which page, and how long. */
export interface PageRequest {
  readonly MaxResults?: number | undefined;
  readonly NextToken?: string | undefined;
}

/** What a filter key looks at, and whether case matters there (API reference, `Filter`). */
const FIELDS: Readonly<Record<string, { readonly exactCase: boolean; readonly texts: (secret: Secret) => readonly string[] }>> =
  {
    name: { exactCase: true, texts: (secret) => [secret.name] },
    description: { exactCase: false, texts: (secret) => words(secret.description ?? '') },
    'tag-key': { exactCase: true, texts: (secret) => secret.tags.map((tag) => tag.Key) },
    'tag-value': { exactCase: true, texts: (secret) => secret.tags.map((tag) => tag.Value) },
    'primary-region': { exactCase: true, texts: () => [] },
    'owning-service': { exactCase: true, texts: () => [] },
    all: {
      exactCase: false,
      texts: (secret) =>
        [secret.name, secret.description ?? '', ...secret.tags.flatMap((tag) => [tag.Key, tag.Value])].flatMap(words),
    },
  };

const words = (text: string): readonly string[] => [text, ...text.split(/[\s/_+=.@-]+/)];

/** True when every filter has a value that matches a beginning. */
export function matches(secret: Secret, filters: readonly Filter[]): boolean {
  return filters.every(({ Key = 'all', Values = [] }) => {
    const field = FIELDS[Key];
    if (field === undefined) throw new ServiceFault('InvalidParameterException', `Invalid filter key: ${Key}`);
    return Values.some((value) => {
      const excluded = value.startsWith('!');
      const wanted = excluded ? value.slice(1) : value;
      return startsWith(field.texts(secret), wanted, field.exactCase) !== excluded;
    });
  });
}

function startsWith(texts: readonly string[], wanted: string, exactCase: boolean): boolean {
  if (exactCase) return texts.some((text) => text.startsWith(wanted));
  return texts.some((text) => text.toLowerCase().startsWith(wanted.toLowerCase()));
}

/** What a list may be sorted by; names sort as text, the others by time. */
const ORDERS: Readonly<Record<string, (secret: Secret) => string | number>> = {
  'created-date': (secret) => secret.createdAt,
  'last-changed-date': (secret) => secret.changedAt,
  'last-accessed-date': (secret) => secret.accessedAt ?? 0,
  name: (secret) => secret.name,
};

/** Sorted copy; the service's default is the newest first. */
export function sorted(secrets: readonly Secret[], by = 'created-date', order = 'desc'): readonly Secret[] {
  const keyOf = ORDERS[by];
  if (keyOf === undefined) throw new ServiceFault('InvalidParameterException', `Invalid SortBy: ${by}`);
  const ascending = secrets.toSorted((one, other) => (keyOf(one) < keyOf(other) ? -1 : keyOf(one) > keyOf(other) ? 1 : 0));
  return order === 'asc' ? ascending : ascending.toReversed();
}

/** One page and the token of the next; a token names the last secret seen. */
export function page(
  secrets: readonly Secret[],
  request: PageRequest,
  most: number,
): { items: readonly Secret[]; NextToken?: string } {
  const size = request.MaxResults ?? most;
  if (size < 1 || size > most) throw new ServiceFault('InvalidParameterException', `MaxResults must be between 1 and ${most}.`);
  const start = request.NextToken === undefined ? 0 : positionAfter(secrets, request.NextToken);
  const items = secrets.slice(start, start + size);
  const last = items.at(-1);
  if (last === undefined || start + size >= secrets.length) return { items };
  return { items, NextToken: Buffer.from(last.name).toString('base64url') };
}

function positionAfter(secrets: readonly Secret[], token: string): number {
  const name = Buffer.from(token, 'base64url').toString();
  const index = secrets.findIndex((secret) => secret.name === name);
  if (index === -1) throw new ServiceFault('InvalidNextTokenException', 'The NextToken value is invalid.');
  return index + 1;
}
