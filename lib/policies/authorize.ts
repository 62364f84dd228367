/** May this caller use this model? Key aliases are applied first. */
import { mayCall, resolveAlias } from '../domain/access.ts';
import { GatewayError } from '../errors.ts';
import type { Policy } from './policy.ts';

/** Applies the key's aliases to the model name and checks the name against the key's models. */
export function authorize(): Policy {
  return async function authorizePolicy(exchange, next) {
    const { caller } = exchange;
    exchange.modelName = exchange.generate.model;
    if (caller?.type === 'key') {
      const { aliases, models } = caller.key;
      exchange.modelName = resolveAlias(aliases, exchange.modelName);
      if (!mayCall(models, exchange.modelName) && !mayCall(models, exchange.generate.model)) {
        throw new GatewayError(
          'permission',
          `This key may not call model "${exchange.generate.model}". It may call: ${models.join(', ')}.`,
          {
            type: 'key_model_access_denied',
            code: 'key_model_access_denied',
            param: 'model',
          },
        );
      }
    }
    return next();
  };
}
