/**
 * Prompts in the templates that vendors document for their models, taken apart into the turns they were made of, so that any model can
 * be asked them. A prompt in no template is what the user says.
 */
import type { Message } from '../../kinds/generate.ts';

type Role = 'system' | 'user' | 'assistant';

const ROLES: Readonly<Record<string, Role>> = {
  system: 'system',
  user: 'user',
  User: 'user',
  assistant: 'assistant',
  Assistant: 'assistant',
  Bot: 'assistant',
};

/** Llama 3: `<|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>`; Llama 4 has shorter words for the same. */
const LLAMA =
  /<\|(?:start_header_id|header_start)\|>(\w+)<\|(?:end_header_id|header_end)\|>([\s\S]*?)(?=<\|(?:eot_id|eot|eom_id|eom|start_header_id|header_start)\|>|$)/g;

/** Llama 2 and Mistral: `<s>[INST] <<SYS>>Be short.<</SYS>> Hi [/INST] Hello </s>[INST] Bye [/INST]`. */
const INST = /\[INST\]([\s\S]*?)\[\/INST\]([\s\S]*?)(?=<\/s>|\[INST\]|$)/g;
const SYSTEM = /<<SYS>>([\s\S]*?)<<\/SYS>>/;

/** DeepSeek R1: `<｜begin▁of▁sentence｜>Be short.<｜User｜>Hi<｜Assistant｜><think>\n`. */
const DEEPSEEK = /<｜(User|Assistant)｜>([\s\S]*?)(?=<｜|$)/g;

/** Titan: `User: Hi\nBot:`. */
const TITAN = /(?:^|\n)(User|Bot):([\s\S]*?)(?=\n(?:User|Bot):|$)/g;

type Turn = readonly [role: Role, text: string];

/** The turns of a prompt, the first of them not empty; a last one of the assistant's is what it is to go on from. */
export function messagesOf(prompt: string): readonly Message[] {
  const turns = turnsOf(prompt)
    .map(([role, text]): Turn => [role, text.trim()])
    .filter(([, text]) => text !== '' && text !== '<think>');
  const told: readonly Turn[] = turns.some(([role]) => role === 'user') ? turns : [['user', prompt]];
  return told.map(([role, text]) => ({ role, parts: [{ type: 'text', text }] }));
}

function turnsOf(prompt: string): readonly Turn[] {
  if (/<\|(?:start_header_id|header_start)\|>/.test(prompt)) return marked(prompt, LLAMA);
  if (prompt.includes('[INST]')) return instructed(prompt);
  if (prompt.includes('<｜User｜>')) {
    const system = prompt.slice(0, prompt.indexOf('<｜User｜>')).replace(/<｜[^｜]*｜>/g, '');
    return [['system', system], ...marked(prompt, DEEPSEEK)];
  }
  return /^\s*User:[\s\S]*\nBot:\s*$/.test(prompt) ? marked(prompt.trimStart(), TITAN) : [];
}

const marked = (prompt: string, turn: RegExp): Turn[] =>
  [...prompt.matchAll(turn)].map(([, role = '', text = '']): Turn => [ROLES[role] ?? 'user', text]);

function instructed(prompt: string): Turn[] {
  return [...prompt.matchAll(INST)].flatMap(([, asked = '', answered = '']): Turn[] => [
    ['system', SYSTEM.exec(asked)?.[1] ?? ''],
    ['user', asked.replace(SYSTEM, '')],
    ['assistant', answered],
  ]);
}
