import { describe, expect, it } from 'vitest';
import { messagesOf } from '../../../../lib/dialects/bedrock-invoke/prompt.ts';

const told = (prompt: string) =>
  messagesOf(prompt).map(({ role, parts: [part] }) => [role, part?.type === 'text' && part.text]);

const TURNS = [
  ['system', 'Be short.'],
  ['user', 'Hi'],
  ['assistant', 'Hello'],
  ['user', 'And?\nNow?'],
];

describe('a prompt', () => {
  it.each([
    [
      'Llama 3',
      '<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nBe short.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n' +
        'Hi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nHello<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n' +
        'And?\nNow?<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n',
    ],
    [
      'Llama 4',
      '<|begin_of_text|><|header_start|>system<|header_end|>\n\nBe short.<|eot|><|header_start|>user<|header_end|>\n\nHi<|eot|>' +
        '<|header_start|>assistant<|header_end|>\n\nHello<|eot|><|header_start|>user<|header_end|>\n\nAnd?\nNow?<|eot|>' +
        '<|header_start|>assistant<|header_end|>\n\n',
    ],
    ['Llama 2', '<s>[INST] <<SYS>>\nBe short.\n<</SYS>>\n\nHi [/INST] Hello </s><s>[INST] And?\nNow? [/INST]'],
    [
      'DeepSeek',
      '<｜begin▁of▁sentence｜>Be short.<｜User｜>Hi<｜Assistant｜>Hello<｜end▁of▁sentence｜><｜User｜>And?\nNow?<｜Assistant｜><think>\n',
    ],
  ])('of %s is taken apart into its turns', (_name, prompt) => {
    expect(told(prompt)).toEqual(TURNS);
  });

  it('of Mistral and Titan have no system of their own', () => {
    expect(told('<s>[INST] Hi [/INST] Hello </s>[INST] And? [/INST]')).toEqual([
      ['user', 'Hi'],
      ['assistant', 'Hello'],
      ['user', 'And?'],
    ]);
    expect(told('User: Hi\nBot: Hello\nUser: And?\nBot:')).toEqual([
      ['user', 'Hi'],
      ['assistant', 'Hello'],
      ['user', 'And?'],
    ]);
  });

  it('that begins the answer has it gone on from', () => {
    expect(told('[INST] Hi [/INST] Hel')).toEqual([
      ['user', 'Hi'],
      ['assistant', 'Hel'],
    ]);
  });

  it.each(['Tell me a story.', 'User: is a word\nof mine', '<|start_header_id|>broken', '[INST] no end', '  '])(
    'in no template is what the user says: %j',
    (prompt) => {
      expect(told(prompt)).toEqual([['user', prompt]]);
    },
  );
});
