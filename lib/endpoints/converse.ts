import type { Endpoint } from './endpoint.ts';

const converseAt = (operation: string, stream: boolean): Endpoint => ({
  route: `/model/{model}/${operation}`,
  method: 'POST',
  kind: 'generate',
  dialect: 'bedrock-converse',
  stream,
  // Ids of models may be ARNs, which hold slashes; AWS SDKs percent-encode them.
  paths: [`/model/{rest}/${operation}`, `/bedrock/model/{rest}/${operation}`],
});

/** Bedrock's Converse. */
export const converse = converseAt('converse', false);

/** Bedrock's ConverseStream. */
export const converseStream = converseAt('converse-stream', true);
