import type { Endpoint } from './endpoint.ts';

const invokeAt = (operation: string, stream: boolean): Endpoint => ({
  route: `/model/{model}/${operation}`,
  method: 'POST',
  kind: 'generate',
  dialect: 'bedrock-invoke',
  stream,
  // Ids of models may be ARNs, as in Converse.
  paths: [`/model/{rest}/${operation}`, `/bedrock/model/{rest}/${operation}`],
});

/** Bedrock's InvokeModel, whichever vendor's body it has. */
export const invoke = invokeAt('invoke', false);

/** Bedrock's InvokeModelWithResponseStream. */
export const invokeStream = invokeAt('invoke-with-response-stream', true);
