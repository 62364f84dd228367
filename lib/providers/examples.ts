/** A small, current chat model of each well-known provider, for examples that are to work as pasted. Names as the provider has them. */
export const EXAMPLE_MODELS: ReadonlyMap<string, string> = new Map([
  ['anthropic', 'claude-haiku-4-5'],
  ['cerebras', 'llama3.1-8b'],
  ['deepseek', 'deepseek-chat'],
  ['demo', 'demo'],
  ['fireworks_ai', 'gpt-oss-20b'],
  ['groq', 'llama-3.1-8b-instant'],
  ['mistral', 'mistral-small-latest'],
  ['nvidia_nim', 'meta/llama-3.1-8b-instruct'],
  ['openai', 'gpt-4o-mini'],
  ['openrouter', 'openai/gpt-4o-mini'],
  ['perplexity', 'sonar'],
  ['together_ai', 'openai/gpt-oss-20b'],
  ['xai', 'grok-3-mini'],
]);
