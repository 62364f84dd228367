/**
 * The part of undici we use, imported from its inner modules: the index also loads fetch, websocket, cache and mocks, which cost
 * 29 ms at a cold start. These paths are no public interface, so the version is pinned exactly and a test loads them.
 */
import type { Agent, Client, Dispatcher, Pool } from 'undici';
import AgentClass from 'undici/lib/dispatcher/agent.js';
import ClientClass from 'undici/lib/dispatcher/client.js';
import PoolClass from 'undici/lib/dispatcher/pool.js';

/** A pool of connections to any number of origins. */
export type { Agent };
/** Pauses, resumes or aborts the answer of one call. */
export type DispatchController = Dispatcher.DispatchController;

/** A handler, told of each step of one call, that learns which connection carries it. */
export interface ConnectionAware extends Dispatcher.DispatchHandler {
  connection?: Connection;
}

/** A connection slot: at most one socket at a time, replaced when it closes, and one call at a time. */
export class Connection extends ClientClass {
  /** Whether the present socket has carried an answer before: it may have gone stale since. */
  reused = false;

  constructor(origin: string | URL, options: Client.Options) {
    super(origin, options);
    this.on('connect', () => {
      this.reused = false;
    });
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: ConnectionAware): boolean {
    handler.connection = this;
    return super.dispatch(options, handler);
  }
}

/** How long a connection may take to open, and an idle one is kept (milliseconds). */
export interface AgentOptions {
  readonly connectTimeoutMs: number;
  readonly keepAliveMs: number;
}

/** An agent for HTTP/1.1 without time limits on headers and body: model calls may think for minutes, the caller has a deadline. */
export function createAgent(options: AgentOptions): Agent {
  const settings: Pool.Options = {
    allowH2: false,
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: options.keepAliveMs,
    keepAliveMaxTimeout: options.keepAliveMs,
    connectTimeout: options.connectTimeoutMs,
    factory: (origin, inner) => new Connection(origin, inner),
  };
  return new AgentClass({ ...settings, factory: (origin) => new PoolClass(origin, settings) });
}
