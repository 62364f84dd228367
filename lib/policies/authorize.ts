/** May this caller use this model? What is refused here is refused in the same words whether the model exists or not. */
import { NO_MODELS, type AccessLevel } from '../domain/access.ts';
import { GatewayError } from '../errors.ts';
import { modelAccess, type ModelAccessDeps } from './model-access.ts';
import type { Policy } from './policy.ts';

/**
 * Sets `exchange.modelName` to what aliases make of the model.
 *
 * @throws GatewayError `permission` in the name of the first level that does not allow it
 */
export function authorize(deps: ModelAccessDeps): Policy {
  return async function authorizePolicy(exchange, next) {
    const { caller, generate, tagged } = exchange;
    const { modelName, refusedBy } = await modelAccess(deps, caller, generate.model, tagged);
    exchange.modelName = modelName;
    if (refusedBy !== undefined) throw accessDenied(refusedBy, generate.model);
    return next();
  };
}

/** LiteLLM's words. A key's own list is told to whoever holds the key; the lists of those above it are not. */
function accessDenied({ of, models }: AccessLevel, model: string): GatewayError {
  const type = `${of}_model_access_denied`;
  const message =
    of === 'user' && models.includes(NO_MODELS)
      ? `User not allowed to access model. No default model access, only team models allowed. Tried to access ${model}`
      : `${of} not allowed to access model. ${
          of === 'key' ? `This key can only access models=[${models.map((name) => `'${name}'`).join(', ')}]. ` : ''
        }Tried to access ${model}`;
  return new GatewayError('permission', message, { type, code: type, param: 'model' });
}
