import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../lib/kinds/json.ts';
import { demoAnswer, wordsOf, type DemoChoice } from '../../../lib/local/demo-model.ts';

const user = (content: unknown): JsonObject => ({ role: 'user', content });
const tool = (name: string, parameters?: JsonObject): JsonObject => ({
  type: 'function',
  function: { name, ...(parameters === undefined ? {} : { parameters }) },
});
const weather = tool('get_weather', { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] });
const clock = tool('clock');

function only(request: JsonObject): DemoChoice {
  const [choice] = demoAnswer(request).choices;
  if (choice === undefined) throw new Error('no choice');
  return choice;
}

const called = (request: JsonObject): string[] => only(request).toolCalls.map(({ name }) => name);

describe('what the demo model says', () => {
  it('repeats the user and says plainly what it is', () => {
    const choice = only({ messages: [user('What is up?')] });

    expect(choice.text).toContain('demo model of Tollgate');
    expect(choice.text).toContain('no language model');
    expect(choice.text).toContain('You said: What is up?');
    expect(choice.finish).toBe('stop');
  });

  it('reads lists of parts', () => {
    const parts = [
      { type: 'text', text: 'Look' },
      { type: 'image_url', image_url: { url: 'data:' } },
    ];

    expect(only({ messages: [user(parts)] }).text).toContain('You said: Look (image_url)');
  });

  it('has something to say to nobody', () => {
    expect(only({ messages: [] }).text).toContain('You said: (nothing)');
  });

  it('gives as many answers as asked', () => {
    const { choices } = demoAnswer({ messages: [user('Hi')], n: 3 });

    expect(choices.map(({ text }) => /answer \d of 3/.exec(text)?.[0])).toEqual([
      'answer 1 of 3',
      'answer 2 of 3',
      'answer 3 of 3',
    ]);
  });

  it('stops at the first stop sequence', () => {
    expect(only({ messages: [user('Hi')], stop: ['zzz', ' demo'] })).toMatchObject({ text: 'Hello from the', finish: 'stop' });
    expect(only({ messages: [user('Hi')], stop: ' from' })).toMatchObject({ text: 'Hello', finish: 'stop' });
  });

  it('keeps to the token limit', () => {
    expect(only({ messages: [user('Hi')], max_tokens: 3 })).toMatchObject({ text: 'Hello from', finish: 'length' });
    expect(demoAnswer({ messages: [user('Hi')], max_completion_tokens: 3 }).completionTokens).toBe(3);
    expect(only({ messages: [user('Hi')], max_tokens: 1000 }).finish).toBe('stop');
  });

  it('keeps to a schema', () => {
    const schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };

    const { text } = only({
      messages: [user('Tell me about Paris.')],
      response_format: { type: 'json_schema', json_schema: { name: 'x', schema } },
    });

    expect(JSON.parse(text)).toEqual({ city: 'Paris' });
  });

  it('writes JSON when asked', () => {
    const { text } = only({ messages: [user('Hi')], response_format: { type: 'json_object' } });

    expect(JSON.parse(text)).toEqual({ demo: true, you_said: 'Hi' });
  });

  it('tells what a tool answered', () => {
    const messages = [user('weather'), { role: 'assistant', tool_calls: [] }, { role: 'tool', content: '18 degrees' }];

    expect(only({ messages, tools: [weather] })).toMatchObject({
      text: expect.stringContaining('18 degrees') as string,
      toolCalls: [],
    });
  });
});

describe('which tools the demo model calls', () => {
  it.each<[string, JsonObject, string[]]>([
    ['one that the text speaks of', { messages: [user('What is the weather in Paris?')] }, ['get_weather']],
    ['one that the text names', { messages: [user('Run get_weather')] }, ['get_weather']],
    ['all that the text speaks of', { messages: [user('Ask the clock and the weather')] }, ['get_weather', 'clock']],
    ['the first when any tool will do', { messages: [user('Use a tool, please')] }, ['get_weather']],
    ['none when nothing asks for one', { messages: [user('Hello')] }, []],
    ['none when told so', { messages: [user('weather')], tool_choice: 'none' }, []],
    ['one when it must', { messages: [user('Hello')], tool_choice: 'required' }, ['get_weather']],
    ['the fitting one when it must', { messages: [user('clock')], tool_choice: 'required' }, ['clock']],
    [
      'the one it must',
      { messages: [user('weather')], tool_choice: { type: 'function', function: { name: 'clock' } } },
      ['clock'],
    ],
    ['one at a time when told so', { messages: [user('clock and weather')], parallel_tool_calls: false }, ['get_weather']],
    ['none after results', { messages: [user('weather'), { role: 'tool', content: 'x' }] }, []],
  ])('%s', (_name, request, names) => {
    expect(called({ tools: [weather, clock], ...request })).toEqual(names);
  });

  it('calls none that are not offered', () => {
    expect(called({ messages: [user('Use a tool')], tool_choice: 'required' })).toEqual([]);
    expect(called({ messages: [user('Use a tool')], tools: [{ type: 'web_search' }, null] })).toEqual([]);
  });

  it('fills their arguments', () => {
    const choice = only({ messages: [user('What is the weather in Paris?')], tools: [weather, clock] });

    expect(choice).toEqual({
      text: '',
      toolCalls: [{ name: 'get_weather', arguments: '{"city":"Paris"}' }],
      finish: 'tool_calls',
    });
  });
});

describe('what the demo model counts', () => {
  it('grows with what it read and wrote', () => {
    const short = demoAnswer({ messages: [user('Hi')] });
    const long = demoAnswer({ messages: [user('Hi '.repeat(100))], tools: [clock] });

    expect(short.promptTokens).toBe(5);
    expect(long.promptTokens).toBeGreaterThan(100);
    expect(long.completionTokens).toBeGreaterThan(short.completionTokens);
  });

  it('is the same each time', () => {
    expect(demoAnswer({ messages: [user('Hi')], n: 2 })).toEqual(demoAnswer({ messages: [user('Hi')], n: 2 }));
  });
});

describe('the words of a text', () => {
  it.each(['', 'one', ' two  words\n', '\n\na\u00e9 😀 b', '   '])('are the text: %j', (text) => {
    expect(wordsOf(text).join('')).toBe(text);
  });
});
