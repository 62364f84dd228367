/** The APIs of this dialect, by name. */
import { a2a } from './a2a.ts';
import { agentEngine } from './agent-engine.ts';
import { azureAgents } from './azure-agents.ts';
import { gigachat } from './gigachat.ts';
import { langgraph } from './langgraph.ts';
import { ociCohereV2 } from './oci-cohere-v2.ts';
import { ociCohere } from './oci-cohere.ts';
import { ociGeneric } from './oci-generic.ts';
import { sap } from './sap.ts';
import type { Kin } from './wire.ts';

/** One translation each. */
export const KIN = {
  a2a,
  'agent-engine': agentEngine,
  'azure-agents': azureAgents,
  gigachat,
  langgraph,
  'oci-cohere': ociCohere,
  'oci-cohere-v2': ociCohereV2,
  'oci-generic': ociGeneric,
  sap,
} as const satisfies Readonly<Record<string, Kin>>;

/** Names of the APIs. */
export type KinId = keyof typeof KIN;
