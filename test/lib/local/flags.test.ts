import { describe, expect, it } from 'vitest';
import { readFlags } from '../../../lib/local/flags.ts';
import { StartError } from '../../../lib/local/start-error.ts';

const options = { data: { type: 'string' }, all: { type: 'boolean' } } as const;

describe('flags of a command', () => {
  it('are read', () => {
    expect(readFlags({ args: ['--data', 'here', '--all'], options }).values).toEqual({ data: 'here', all: true });
  });

  it.each([
    [['--bogus'], "Unknown option '--bogus'; --help lists the flags"],
    [['--data'], "Option '--data <value>' argument missing; --help lists the flags"],
    [['word'], "Unexpected argument 'word'. This command does not take positional arguments; --help lists the flags"],
  ])('that are wrong are told in one line: %s', (args, said) => {
    expect(() => readFlags({ args, options })).toThrow(new StartError(said));
  });
});
