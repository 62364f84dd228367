/** Bodies that are those of another dialect in all but a few words: Claude's, Nova's, and the chat completions of many. */
import { isObject, parseJson, type JsonObject } from '../../kinds/json.ts';
import { invalid } from '../anthropic-messages/fields.ts';
import { anthropicMessages } from '../anthropic-messages/index.ts';
import { bedrockConverse } from '../bedrock-converse/index.ts';
import { openaiChat } from '../openai-chat/index.ts';
import { objectsOf } from '../values.ts';
import { capped, eventsIn, piecesOf, readingAs, type Codec } from './codec.ts';
import { METRICS } from './wire.ts';

/** The one version there is. */
const CLAUDE_VERSION = 'bedrock-2023-05-31';

/** Messages, which name their version and neither model nor streaming; betas are a field. */
export const claude: Codec = {
  like: 'anthropic-messages',
  decodeRequest({ anthropic_version: version, ...body }, asked) {
    if (version !== CLAUDE_VERSION) throw invalid('anthropic_version', `Expected "${CLAUDE_VERSION}".`);
    return anthropicMessages.decodeRequest({ ...body, ...asked });
  },
  encodeResponse: (response, context) => anthropicMessages.encodeResponse(response, context),
  writer: (context) => piecesOf(anthropicMessages.encodeStream(context), eventsIn),
  decodeResponse: (body) => anthropicMessages.decodeResponse(body, {}),
  reader: () => readingAs(anthropicMessages, (piece) => ({ data: JSON.stringify(piece) })),
  clamp: (body, tokens) => anthropicMessages.passthrough.clampOutput(body, tokens),
  withoutForeignProofs: (body) => anthropicMessages.passthrough.withoutForeignProofs(body, {}),
};

/** Settings that Nova has beside the common ones, and Converse takes in the model's own fields. */
function converseBody(asked: JsonObject): JsonObject {
  const { schemaVersion: _, inferenceConfig = {}, reasoningConfig, ...body } = asked;
  // What it should be, Converse says.
  if (!isObject(inferenceConfig)) return { ...body, inferenceConfig };
  const { max_new_tokens: older, topK, top_k: k = topK, top_p: p, ...common } = inferenceConfig;
  const config = {
    ...common,
    ...(older !== undefined && { maxTokens: older }),
    ...(p !== undefined && { topP: p }),
  };
  const own = {
    ...(k !== undefined && { inferenceConfig: { topK: k } }),
    ...(isObject(reasoningConfig) && { reasoningConfig }),
  };
  return {
    ...body,
    ...(Object.keys(config).length > 0 && { inferenceConfig: config }),
    ...(Object.keys(own).length > 0 && { additionalModelRequestFields: own }),
  };
}

/** Amazon Nova (`messages-v1`): Converse with other places for a few settings. A piece of a stream has its event as its only field. */
export const nova: Codec = {
  like: 'bedrock-converse',
  decodeRequest: (body, asked) => bedrockConverse.decodeRequest(converseBody(body), asked),
  encodeResponse(response, context) {
    const { metrics: _, ...body } = bedrockConverse.encodeResponse(response, context);
    return body;
  },
  writer: (context) =>
    piecesOf(bedrockConverse.encodeStream(context), (text) =>
      text.split('\n').flatMap((line) => {
        const told = parseJson(line);
        return isObject(told) ? [{ [String(told['event'])]: told['data'] }] : [];
      }),
    ),
  decodeResponse: (body) => bedrockConverse.decodeResponse(body, {}),
  reader: () =>
    readingAs(bedrockConverse, (piece) => {
      const [told] = Object.entries(piece).filter(([name]) => name !== METRICS);
      return told === undefined ? undefined : { event: told[0], data: JSON.stringify(told[1]) };
    }),
  clamp(body, tokens) {
    const config = isObject(body['inferenceConfig']) ? body['inferenceConfig'] : {};
    const field = config['max_new_tokens'] === undefined ? 'maxTokens' : 'max_new_tokens';
    return { ...body, inferenceConfig: capped(config, field, tokens) };
  },
};

/** Chat completions. */
export const openai: Codec = {
  like: 'openai-chat',
  decodeRequest: (body, asked) => openaiChat.decodeRequest({ ...body, ...asked }),
  encodeResponse: (response, context) => openaiChat.encodeResponse(response, context),
  writer: (context) => piecesOf(openaiChat.encodeStream(context), eventsIn),
  decodeResponse: (body) => openaiChat.decodeResponse(body, {}),
  reader: () => readingAs(openaiChat, (piece) => ({ data: JSON.stringify(piece) })),
  // The older name is the one that all of these models take.
  clamp: (body, tokens) =>
    body['max_completion_tokens'] === undefined
      ? capped(body, 'max_tokens', tokens)
      : openaiChat.passthrough.clampOutput(body, tokens),
};

/** The choices of a body, each as `edit` has it. */
const withChoices = (body: JsonObject, edit: (choice: JsonObject) => JsonObject): JsonObject =>
  Array.isArray(body['choices']) ? { ...body, choices: objectsOf(body['choices']).map(edit) } : body;

/** Mistral's word for `finish_reason` on Bedrock; ours stays beside it, for clients that look for either. */
const told = (choice: JsonObject): JsonObject => ({ ...choice, stop_reason: choice['finish_reason'] ?? null });

const heard = ({ stop_reason: reason, ...choice }: JsonObject): JsonObject => ({ finish_reason: reason, ...choice });

/**
 * Mistral's chat completions: they end with a `stop_reason`. In streams, pieces of a message are a `message`, as LangChain reads them;
 * nothing published describes them.
 */
export const mistral: Codec = {
  ...openai,
  encodeResponse: (response, context) => withChoices(openai.encodeResponse(response, context), told),
  writer(context) {
    const writer = openai.writer(context);
    const edit = (piece: JsonObject): JsonObject =>
      withChoices(piece, (choice) => ({ ...told(choice), message: choice['delta'] }));
    return { push: (event) => writer.push(event).map(edit), end: () => writer.end().map(edit) };
  },
  decodeResponse: (body) => openai.decodeResponse(isObject(body) ? withChoices(body, heard) : body),
  reader() {
    const reader = openai.reader();
    const edit = (piece: JsonObject): JsonObject =>
      withChoices(piece, ({ message, ...choice }) => ({ delta: message, ...heard(choice) }));
    return { push: (piece) => reader.push(edit(piece)), end: () => reader.end() };
  },
};
