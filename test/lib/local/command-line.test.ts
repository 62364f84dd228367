import { expect, it } from 'vitest';
import { HELP, readCommandLine } from '../../../lib/local/command-line.ts';

it('has defaults for everything', () => {
  expect(readCommandLine([])).toEqual({ host: '127.0.0.1', port: 4000, data: '.tollgate' });
});

it('takes every flag', () => {
  const given = ['--port', '0', '--host=0.0.0.0', '--config', 'config.yaml', '--data', 'state'];

  expect(readCommandLine(given)).toEqual({ host: '0.0.0.0', port: 0, config: 'config.yaml', data: 'state' });
  expect(readCommandLine(['--ephemeral'])).toEqual({ host: '127.0.0.1', port: 4000 });
  expect(readCommandLine(['--sign-in', 'github_copilot'])).toMatchObject({ signIn: 'github_copilot', data: '.tollgate' });
  expect(readCommandLine(['--help']).show).toBe('help');
  expect(readCommandLine(['--version']).show).toBe('version');
});

it('describes every flag in the help', () => {
  for (const flag of ['port', 'host', 'config', 'data', 'ephemeral', 'sign-in', 'help', 'version'])
    expect(HELP).toContain(`--${flag} `);
});

it.each([
  [['--prot', '1'], "Unknown option '--prot'; --help lists the flags"],
  [['start'], "Unexpected argument 'start'. This command does not take positional arguments; --help lists the flags"],
  [['--port'], "Option '--port <value>' argument missing; --help lists the flags"],
  [['--port', 'many'], '--port: expected a number from 0 to 65535, got "many"'],
  [['--port', '65536'], '--port: expected a number from 0 to 65535, got "65536"'],
  [['--host', ''], '--host: expected an address such as 127.0.0.1'],
  [['--data', ''], '--data: expected the name of a folder'],
  [['--config', ''], '--config: expected the name of a file'],
  [['--ephemeral', '--sign-in', 'x'], '--sign-in and --ephemeral contradict each other: the token has to be kept in a folder'],
  [['--ephemeral', '--data', 'x'], '--data and --ephemeral contradict each other: keep state in a folder, or keep none'],
])('refuses %j in one line', (given, message) => {
  expect(() => readCommandLine(given)).toThrow(message);
});
