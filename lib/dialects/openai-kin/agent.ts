/** Agents take a conversation and nothing else: models, tools and settings are theirs. */
import type { JsonObject } from '../../kinds/json.ts';
import type { Warn } from '../telling.ts';
import { objectsOf, present, textOf } from '../values.ts';
import { messagesOf, textOfContent, warnRest } from './wire.ts';

/** What somebody said. */
export interface Said {
  readonly role: 'system' | 'user' | 'assistant';
  readonly text: string;
}

/** The conversation as texts. Everything else that the body asks for is told of as lost. */
export function saidIn(body: JsonObject, warn: Warn): readonly Said[] {
  const { model: _model, messages: _messages, stream: _stream, stream_options: _options, user: _user, ...rest } = body;
  warnRest(rest, warn);
  return messagesOf(body).map((message, index) => {
    const text = textOfContent(message['content'], (type) =>
      warn({
        kind: 'dropped',
        field: `messages[${index}].content`,
        reason: `The agent takes text only, no part of type ${type}.`,
      }),
    );
    const calls = objectsOf(message['tool_calls']).map((call) => JSON.stringify(call['function']));
    const { role } = message;
    const speaker = role === 'assistant' ? role : role === 'system' || role === 'developer' ? 'system' : 'user';
    return { role: speaker, text: [text, ...calls].filter((part) => part !== '').join('\n') };
  });
}

const NAMES = { system: 'System', user: 'User', assistant: 'Assistant' } as const;

/** The conversation as one text, for agents that take one message: a lone one is itself. */
export function transcriptOf(body: JsonObject, warn: Warn): string {
  const said = saidIn(body, warn);
  const [only, ...others] = said;
  if (others.length === 0) return only?.text ?? '';
  warn({
    kind: 'changed',
    field: 'messages',
    reason: 'The agent takes one message: the conversation was written out as a transcript.',
  });
  return said.map(({ role, text }) => `${NAMES[role]}: ${text}`).join('\n\n');
}

/** Who asks, for agents that keep sessions by user. */
export const userOf = ({ user }: JsonObject): { readonly user?: string } => present('user', textOf(user));
