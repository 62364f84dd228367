/** An OpenAI-like model on a script: repeats what it hears, calls the first tool it is offered, reads its result back, and fails on request. */
import { chatAnswer, chatChunk, sendChunks, sendJson, usageChunk, type Script } from './upstream.ts';

interface Said {
  readonly role: string;
  readonly content?: unknown;
}
interface Offered {
  readonly function: { readonly name: string };
}

const textOf = (content: unknown): string =>
  typeof content === 'string' ? content : ((content ?? []) as { text?: string }[]).map(({ text }) => text ?? '').join('');

/** `fail` in the last message gives a 400 with the text "It failed."; a tool gets `{"city":"Paris"}`; a result comes back as text. */
export const scriptedChat: Script = (seen, response, request) => {
  const messages = seen.body['messages'] as readonly Said[];
  const tools = seen.body['tools'] as readonly Offered[] | undefined;
  const last = messages.at(-1);
  const heard = textOf(last?.content);
  const stream = seen.body['stream'] === true;
  if (heard.includes('fail'))
    return sendJson({ error: { message: 'It failed.', type: 'invalid_request_error' } }, 400)(seen, response, request);
  const name = last?.role === 'tool' ? undefined : tools?.[0]?.function.name;
  if (name === undefined) {
    const words = `You said: ${heard}`;
    const [first, ...rest] = words.split(/(?<= )/);
    return stream
      ? sendChunks([
          chatChunk({ role: 'assistant', content: first }),
          ...rest.map((content) => chatChunk({ content })),
          chatChunk({}, 'stop'),
          usageChunk(),
        ])(seen, response, request)
      : sendJson(chatAnswer(words))(seen, response, request);
  }
  const call = { id: 'call_1', type: 'function', function: { name, arguments: '{"city":"Paris"}' } };
  return stream
    ? sendChunks([
        chatChunk({ role: 'assistant', tool_calls: [{ index: 0, ...call }] }),
        chatChunk({}, 'tool_calls'),
        usageChunk(),
      ])(seen, response, request)
    : sendJson(
        chatAnswer('', {
          choices: [
            { index: 0, message: { role: 'assistant', content: null, tool_calls: [call] }, finish_reason: 'tool_calls' },
          ],
        }),
      )(seen, response, request);
};
