/** Which of a provider's APIs a call goes to, and what the model is called there. */
import type { DialectId } from '../kinds/generate.ts';
import type { Api, Provider, Quirk } from './provider.ts';

/** The API of a call. */
export interface ChosenApi {
  readonly api: Api;
  /** The model's name without a prefix that only chose the API. */
  readonly model: string;
}

/**
 * A prefix of the model's name decides, then the client's own dialect, then the order of the row. Undefined when no API of the row
 * has the model.
 *
 * @param own the kind of the client's body, where its dialect has several: an API that takes this one comes first
 *
 * @example chooseApi(openai, 'responses/gpt-5', 'openai-chat') // the Responses API, model 'gpt-5'
 */
export function chooseApi(
  provider: Provider,
  model: string,
  client: DialectId,
  own?: Required<Pick<Api, 'dialect' | 'variant'>>,
): ChosenApi | undefined {
  const { generate } = provider;
  const forced = forcedApi(provider, model);
  if (forced !== undefined) return { api: forced, model: withoutPrefix(provider, model) };
  const { model: placed } = placeOf(provider, model);
  const fits = ({ serves }: Api): boolean => serves === undefined || serves(placed);
  const exact = own && generate.find((api) => api.dialect === own.dialect && api.variant === own.variant && fits(api));
  const api = exact ?? generate.find((one) => one.dialect === client && fits(one)) ?? generate.find(fits);
  return api === undefined ? undefined : { api, model };
}

/** The model's name without the prefix that asks for one of the provider's APIs. */
export const withoutPrefix = (provider: Provider, model: string): string =>
  model.slice(forcedApi(provider, model)?.forcedBy?.length ?? 0);

/** The API that a prefix of the model's name asks for. */
const forcedApi = ({ generate }: Provider, model: string): Api | undefined =>
  generate.find(({ forcedBy }) => forcedBy !== undefined && model.startsWith(forcedBy));

/** The model's name as the API knows it, and what else the name said. */
export const placeOf = (provider: Provider, model: string): ReturnType<NonNullable<Provider['place']>> =>
  provider.place?.(model) ?? { model, parameters: {} };

/** The edits of bodies for an API. */
export const quirksOf = (provider: Provider, api: Api): readonly Quirk[] => api.quirks ?? provider.quirks ?? [];
