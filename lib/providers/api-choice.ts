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
  const bare = withoutPrefix(provider, model);
  const forced = provider.generate.find(
    ({ forcedBy }) => forcedBy !== undefined && bare !== model && model.startsWith(forcedBy),
  );
  if (forced !== undefined) return { api: forced, model: bare };
  const { model: placed } = placeOf(provider, model);
  const fitting = provider.generate.filter(({ serves }) => serves === undefined || serves(placed));
  const exact = own && fitting.find(({ dialect, variant }) => dialect === own.dialect && variant === own.variant);
  const api = exact ?? fitting.find(({ dialect }) => dialect === client) ?? fitting[0];
  return api === undefined ? undefined : { api, model };
}

/** The model's name without the prefix that asks for one of the provider's APIs. */
export function withoutPrefix({ generate }: Provider, model: string): string {
  const prefix = generate.map(({ forcedBy }) => forcedBy).find((text) => text !== undefined && model.startsWith(text));
  return prefix === undefined ? model : model.slice(prefix.length);
}

/** The model's name as the API knows it, and what else the name said. */
export const placeOf = (provider: Provider, model: string): ReturnType<NonNullable<Provider['place']>> =>
  provider.place?.(model) ?? { model, parameters: {} };

/** The edits of bodies for an API. */
export const quirksOf = (provider: Provider, api: Api): readonly Quirk[] => api.quirks ?? provider.quirks ?? [];
