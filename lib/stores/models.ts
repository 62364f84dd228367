import type { Deployment } from '../domain/model.ts';

/** Port: deployments that management created. Few enough to be read whole. */
export interface ModelStore {
  /** Changes with every write; cheap to read, so that caches can ask whether they are stale. */
  version(): Promise<number>;
  list(): Promise<readonly Deployment[]>;
  get(id: string): Promise<Deployment | undefined>;
  put(deployment: Deployment, condition: 'new' | 'existing'): Promise<'stored' | 'conflict'>;
  delete(id: string): Promise<Deployment | undefined>;
}
