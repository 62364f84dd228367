import type { Endpoint } from './endpoint.ts';

/** Answers whenever the process does. Needs no key. */
export const liveliness: Endpoint = {
  route: '/health/liveliness',
  method: 'GET',
  kind: 'liveliness',
  dialect: 'openai-chat',
  paths: ['/health/liveliness', '/health/liveness'],
};

/** Answers when the stores do. Needs no key, tells no details. */
export const readiness: Endpoint = {
  route: '/health/readiness',
  method: 'GET',
  kind: 'readiness',
  dialect: 'openai-chat',
  paths: ['/health/readiness'],
};
