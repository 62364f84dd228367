/** One small conversation in the dialects of Gemini, Bedrock, Cohere and Ollama clients: where it goes and what it says. */

/** What to say: the same texts and tools as the scorer's own clients. */
export interface Conversation {
  readonly model: string;
  readonly stream: boolean;
  readonly system: string;
  readonly user: string;
  readonly tools: readonly string[];
}

/** A client dialect: its route, its request, and the recorded request addressed to another model. */
export interface ClientDialect {
  path(model: string, stream: boolean): string;
  request(conversation: Conversation): Readonly<Record<string, unknown>>;
  readdress(request: Readonly<Record<string, unknown>>, model: string, stream: boolean): Readonly<Record<string, unknown>>;
  readonly unsayable: readonly Unsayable[];
}

/** What an answer of a dialect has no place for: a field of the comparison, or one kind of difference in it. */
export interface Unsayable {
  readonly field: string;
  /** Differences it explains; without it, all of the field. */
  readonly difference?: RegExp;
  readonly reason: string;
}

/** Why a difference in a field cannot be otherwise; undefined when it can. */
export const unsayableReason = (client: ClientDialect, field: string, difference: string): string | undefined =>
  client.unsayable.find((known) => known.field === field && known.difference?.test(difference) !== false)?.reason;

const NO_REASONING_TOKENS: Unsayable = {
  field: 'usage.reasoning',
  reason: 'usage has no figure for reasoning tokens; they are part of the output',
};

const MAX_TOKENS = 1024;
const SCHEMA = { type: 'object', properties: { city: { type: 'string', description: 'City name' } } };

const functionTools = (names: readonly string[]): object =>
  names.length === 0
    ? {}
    : {
        tools: names.map((name) => ({
          type: 'function',
          function: { name, description: `Call ${name}`, parameters: SCHEMA },
        })),
      };

const chatMessages = ({ system, user }: Conversation): readonly object[] => [
  { role: 'system', content: system },
  { role: 'user', content: user },
];

/** The model and the wish for a stream are in the path. */
const inPath = (request: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => request;

const inBody: ClientDialect['readdress'] = (request, model, stream) => ({ ...request, model, stream });

export const CLIENT_DIALECTS: Readonly<Record<string, ClientDialect>> = {
  gemini: {
    path: (model, stream) => `/v1beta/models/${model}:${stream ? 'streamGenerateContent?alt=sse' : 'generateContent'}`,
    request: ({ system, user, tools }) => ({
      systemInstruction: { parts: [{ text: system }] },
      contents: [{ role: 'user', parts: [{ text: user }] }],
      generationConfig: { maxOutputTokens: MAX_TOKENS },
      ...(tools.length > 0 && {
        tools: [
          {
            functionDeclarations: tools.map((name) => ({ name, description: `Call ${name}`, parametersJsonSchema: SCHEMA })),
          },
        ],
      }),
    }),
    readdress: inPath,
    unsayable: [],
  },
  'bedrock-converse': {
    path: (model, stream) => `/model/${model}/converse${stream ? '-stream' : ''}`,
    request: ({ system, user, tools }) => ({
      system: [{ text: system }],
      messages: [{ role: 'user', content: [{ text: user }] }],
      inferenceConfig: { maxTokens: MAX_TOKENS },
      ...(tools.length > 0 && {
        toolConfig: {
          tools: tools.map((name) => ({
            toolSpec: { name, description: `Call ${name}`, inputSchema: { json: SCHEMA } },
          })),
        },
      }),
    }),
    readdress: inPath,
    unsayable: [NO_REASONING_TOKENS],
  },
  'cohere-chat': {
    path: () => '/v2/chat',
    request: (conversation) => ({
      model: conversation.model,
      stream: conversation.stream,
      messages: chatMessages(conversation),
      max_tokens: MAX_TOKENS,
      ...functionTools(conversation.tools),
    }),
    readdress: inBody,
    unsayable: [NO_REASONING_TOKENS],
  },
  'ollama-chat': {
    path: () => '/api/chat',
    request: (conversation) => ({
      model: conversation.model,
      stream: conversation.stream,
      messages: chatMessages(conversation),
      options: { num_predict: MAX_TOKENS },
      ...functionTools(conversation.tools),
    }),
    readdress: inBody,
    unsayable: [
      NO_REASONING_TOKENS,
      { field: 'usage.cached', reason: 'usage has no figure for cached tokens; they are part of the input' },
      {
        field: 'finish',
        difference: /^(filter|refusal) became stop$/,
        reason: '`done_reason` knows `stop` and `length` only; the loss is a warning',
      },
    ],
  },
};
