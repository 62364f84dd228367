/** Deployments for tests. */
import type { Deployment } from '../../../lib/domain/model.ts';

/** A deployment with these facts and nothing else of interest. */
export function deploymentOf(facts: Partial<Deployment>): Deployment {
  return {
    id: 'deployment-1',
    modelName: 'name',
    provider: 'openai',
    model: 'some-model',
    credential: { type: 'none' },
    info: {},
    source: 'config',
    ...facts,
  };
}
