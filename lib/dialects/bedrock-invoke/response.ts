/** Whole answers, both ways: each vendor's own. */
import type { GenerateResponse } from '../../kinds/generate.ts';
import type { JsonObject } from '../../kinds/json.ts';
import type { ReplyContext } from '../dialect.ts';
import { codecFor } from './request.ts';

/** Writes an answer in the words of the body that asked for it. */
export const encodeResponse = (response: GenerateResponse, context: ReplyContext): JsonObject =>
  codecFor(context.request ?? {}, context.model).encodeResponse(response, context);
