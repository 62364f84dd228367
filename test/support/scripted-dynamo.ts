/** A service that speaks DynamoDB's protocol as far as it is told to. */
import { sendJson, startUpstream, type Script, type Upstream } from './upstream.ts';

/** The service; what it was sent is in `seen`. */
export interface ScriptedDynamo extends Upstream {
  /** Answers one after another; the last one for ever. */
  inTurn(...scripts: readonly Script[]): void;
  /** Starts counting how many requests are under way; the most there were so far. */
  countOpen(): () => number;
}

const NAME = 'com.amazonaws.dynamodb.v20120810#';

/** The service says no. */
export const refusal = (name: string, status = 400, more: object = {}, headers: Record<string, string> = {}): Script =>
  sendJson({ __type: NAME + name, message: `${name}: no`, ...more }, status, headers);

/** The connection breaks. */
export const cut: Script = (_seen, response) => void response.destroy();

/** Starts one; it answers `{}`. */
export async function startScriptedDynamo(): Promise<ScriptedDynamo> {
  const service = await startUpstream();
  return Object.assign(service, {
    inTurn: (...scripts: readonly Script[]) => {
      let at = 0;
      service.answer((...seen) => scripts[Math.min(at++, scripts.length - 1)]?.(...seen));
    },
    countOpen: () => {
      let [open, most] = [0, 0];
      service.answer((seen, response, request) => {
        most = Math.max(most, ++open);
        setImmediate(() => {
          open--;
          void sendJson({})(seen, response, request);
        });
      });
      return () => most;
    },
  });
}
