/** What an operation of the emulator is, and the field shapes that several of them share. */
import * as z from 'zod/mini';
import type { JsonObject } from '../../kinds/json.ts';
import { ServiceFault } from './secret.ts';
import type { Vault } from './vault.ts';

/** What an operation works with. `now` in epoch seconds. */
export interface OperationContext {
  readonly vault: Vault;
  readonly now: () => number;
  readonly random: (bytes: number) => Uint8Array;
}

/** From the parsed JSON of a request to the JSON of its answer. Throws `ServiceFault`. */
export type Operation = (context: OperationContext, input: JsonObject) => JsonObject;

/** An operation whose input is checked first. */
export function operation<T>(schema: z.ZodMiniType<T>, run: (context: OperationContext, input: T) => JsonObject): Operation {
  return (context, input) => {
    const parsed = z.safeParse(schema, input);
    if (parsed.success) return run(context, parsed.data);
    const [issue] = parsed.error.issues;
    throw new ServiceFault(
      'ValidationException',
      `Value at '${issue?.path.join('.')}' failed to satisfy constraint: ${issue?.message}`,
    );
  };
}

/** Seconds of a day. */
export const DAY_SECONDS = 86_400;

/** Optional text. */
export const text = z.optional(z.string());
/** Name or ARN. */
export const secretId = z.string().check(z.minLength(1), z.maxLength(2048));
/** Filters of a listing. */
export const filters = z.optional(z.array(z.object({ Key: text, Values: z.optional(z.array(z.string())) })));
/** Size and place of a page. */
export const paging = { MaxResults: z.optional(z.int()), NextToken: text };
/** Labels of the owner. */
export const tags = z.array(z.object({ Key: z.string(), Value: z._default(z.string(), '') }));
