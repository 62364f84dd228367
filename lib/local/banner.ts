/** What a newcomer reads when the gateway is up. */

/** The facts of a run. */
export interface Run {
  readonly version: string;
  readonly url: string;
  readonly masterKey: { readonly secret: string; readonly origin: string };
  readonly virtualKey: { readonly secret: string; readonly alias: string };
  /** The model of the example; absent when no model can be named. */
  readonly model?: string | undefined;
  /** One line each: what is offered. */
  readonly providers: readonly string[];
  /** One line each: what is kept where. */
  readonly state: readonly string[];
}

/** How the master key's origin is told. */
const ORIGINS: Readonly<Record<string, string>> = { made: 'made for you', config: 'from the config file' };

/** Three lines of JavaScript that work as pasted, where the `openai` package is installed. */
export function example(url: string, secret: string, model: string): readonly string[] {
  return [
    "import OpenAI from 'openai';",
    `const openai = new OpenAI({ baseURL: '${url}/v1', apiKey: '${secret}' });`,
    `console.log((await openai.chat.completions.create({ model: ${quoted(model)}, messages: [{ role: 'user', content: 'Hello' }] })).choices[0].message.content);`,
  ];
}

const quoted = (text: string): string => `'${text.replaceAll(/['\\]/g, String.raw`\$&`)}'`;

/** The whole text, without the line that says it is ready. */
export function banner(run: Run): string {
  const { masterKey, virtualKey } = run;
  const rows = [
    ['Base URL', run.url],
    ['Master key', `${masterKey.secret}  (${ORIGINS[masterKey.origin] ?? `from ${masterKey.origin}`})`],
    ['Virtual key', `${virtualKey.secret}  (${virtualKey.alias})`],
    ...run.providers.map((line, index) => [index === 0 ? 'Providers' : '', line]),
    ...run.state.map((line, index) => [index === 0 ? 'State' : '', line]),
  ];
  const table = rows.map(([name = '', text]) => `  ${name.padEnd(12)} ${text}`);
  const lines =
    run.model === undefined ? [] : ['', ...example(run.url, virtualKey.secret, run.model).map((line) => `  ${line}`)];
  return [`Tollgate ${run.version}`, '', ...table, ...lines, ''].join('\n');
}

/** The address to print for what was listened on: a name for all addresses is no address to call. */
export function urlOf(host: string, port: number): string {
  const everywhere: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '[::1]' };
  const shown = everywhere[host] ?? (host.includes(':') ? `[${host}]` : host);
  return `http://${shown}:${port}`;
}
