/** Families of models behind the one API: what they take beside its common fields differs. */

/** A family; `other` takes the common fields only. */
export type Family = 'claude' | 'nova' | 'gpt' | 'other';

/**
 * The family of a model id, inference profile or ARN. An ARN that does not name its model (an application inference profile, a
 * provisioned or custom model, a prompt) is taken for Claude.
 *
 * @example familyOf('us.anthropic.claude-sonnet-4-5-20250929-v1:0') // 'claude'
 */
export function familyOf(model: string): Family {
  const name = model.slice(model.lastIndexOf('/') + 1);
  if (/(?:^|\.)anthropic\./.test(name)) return 'claude';
  if (/(?:^|\.)amazon\.nova/.test(name)) return 'nova';
  if (/(?:^|\.)openai\./.test(name)) return 'gpt';
  return model.startsWith('arn:') && !name.includes('.') ? 'claude' : 'other';
}

/** Whether the model knows cache points; others refuse a request that has them. */
export const knowsCachePoints = (family: Family): boolean => family === 'claude' || family === 'nova';
