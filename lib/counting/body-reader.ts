/** Reads bodies of the data plane for those who only want their figures: how long a request is, what an answer used. */
import type { Dialects } from '../dialects/index.ts';
import { likelyInputTokens } from '../domain/estimate.ts';
import { GatewayError } from '../errors.ts';
import type { DialectId, GenerateEvent } from '../kinds/generate.ts';
import type { JsonObject } from '../kinds/json.ts';
import type { BodyFigures } from '../management/deps.ts';
import { mergeUsage, type Usage } from '../kinds/usage.ts';
import { countInput } from './token-counter.ts';

/** The dialect an answer is in, by the word its API puts on top. */
function dialectOf(answer: JsonObject): DialectId {
  if (answer['object'] === 'response') return 'openai-responses';
  if (answer['object'] === 'text_completion') return 'openai-completions';
  return answer['type'] === 'message' ? 'anthropic-messages' : 'openai-chat';
}

/**
 * Reads with the dialects of the process: requests of OpenAI's chat, whose input is counted where the model's tokenizer is public, else
 * estimated; answers of OpenAI's chat, Responses and completions, and of Anthropic's messages. Both methods throw `GatewayError` for
 * what is no body of its kind.
 */
export function createBodyReader(dialects: Dialects): BodyFigures {
  return {
    async inputTokens(body, target) {
      const request = (await dialects.load('openai-chat')).decodeRequest(body);
      const counted = await countInput(request, target);
      return counted?.tokens ?? likelyInputTokens(request, target);
    },
    async usageOf(answer) {
      const dialect = dialectOf(answer);
      const upstream = await dialects.loadUpstream(dialect);
      const whole = dialect === 'openai-chat' ? { ...answer, ...someChoices(answer) } : answer;
      return decoded(() => upstream.decodeResponse(whole, {})).reduce<Usage | undefined>(
        (known, event) => (event.type === 'usage' ? mergeUsage(known, event.usage) : known),
        undefined,
      );
    },
  };
}

/** Clients send the usage alone, too. */
const someChoices = ({ choices }: JsonObject): JsonObject =>
  Array.isArray(choices) && choices.length > 0 ? {} : { choices: [{ index: 0, message: { role: 'assistant', content: '' } }] };

/** What a provider would be blamed for is the caller's fault here. */
function decoded(decode: () => readonly GenerateEvent[]): readonly GenerateEvent[] {
  try {
    return decode();
  } catch (thrown) {
    const error = GatewayError.from(thrown);
    throw error.kind === 'upstream' ? new GatewayError('invalid_request', error.message) : error;
  }
}
