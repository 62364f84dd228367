/** A conversation as the one prompt these APIs take. */
import type { Message, Part, Warning } from '../../kinds/generate.ts';

/** A prompt, and what must end the answer besides the client's own stop sequences. */
export interface Prompt {
  readonly text: string;
  readonly stop?: string;
}

/** Who speaks in a transcript. */
interface Speakers {
  readonly user: string;
  readonly assistant: string;
  readonly tool: string;
  /** True where models were trained on transcripts: a lone message of the user is written as one too. */
  readonly always?: boolean;
}

const SPEAKERS: Speakers = { user: 'User', assistant: 'Assistant', tool: 'Tool' };

/** What Anthropic's text completions were trained on: turns that begin with an empty line. */
export const HUMAN: Speakers = { user: 'Human', assistant: 'Assistant', tool: 'Human', always: true };

/**
 * One user message is the prompt itself. Anything else becomes a transcript that ends where the assistant speaks next; a last message
 * of the assistant is continued. The prompt's `stop` ends the answer there: such models would go on and write the user's next words too.
 *
 * @example "Be kind.\n\nUser: Hi\n\nAssistant: Hello\n\nUser: Bye\n\nAssistant:"
 */
export function promptOf(messages: readonly Message[], warn: (warning: Warning) => void, speakers = SPEAKERS): Prompt {
  const [first] = messages;
  const texts = messages.map((message, index) => textOf(message, index, warn));
  const lone = messages.length === 1 && first?.role === 'user';
  if (lone && speakers.always !== true) return { text: texts[0] ?? '' };
  if (!lone) {
    warn({
      kind: 'changed',
      field: 'messages',
      reason: 'The API takes one prompt: the conversation was written out as a transcript.',
    });
  }
  const turns = messages.map(({ role }, index) => {
    const text = texts[index] ?? '';
    return role === 'system' || role === 'developer' ? text : `${speakers[role]}: ${text}`;
  });
  if (messages.at(-1)?.role !== 'assistant') turns.push(`${speakers.assistant}:`);
  const text = turns.join('\n\n');
  return { text: speakers.always === true ? `\n\n${text}` : text, stop: `\n\n${speakers.user}:` };
}

/** The words of a message. Calls of tools and what came of them are told as text; media are lost. */
export function textOf(message: Message, index: number, warn: (warning: Warning) => void): string {
  const words = (parts: readonly Part[]): string[] =>
    parts.flatMap((part) => {
      switch (part.type) {
        case 'text':
        case 'refusal':
          return [part.text];
        case 'tool-call':
          return [`${part.name}(${part.arguments})`];
        case 'tool-result':
          return words(part.parts);
        case 'reasoning':
          return [];
        case 'image':
        case 'audio':
        case 'document':
        case 'opaque':
          break;
      }
      warn({ kind: 'dropped', field: `messages[${index}].content`, reason: `The API takes text only, no ${part.type}.` });
      return [];
    });
  return words(message.parts).join('');
}
