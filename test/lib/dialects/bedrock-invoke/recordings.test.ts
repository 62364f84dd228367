/** What Bedrock really answered, where the recordings are at hand: `../shared` beside the project. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bedrockInvoke, bedrockInvokeUpstream } from '../../../../lib/dialects/bedrock-invoke/index.ts';
import { bodyOf } from '../../../../lib/dialects/bedrock-invoke/wire.ts';
import { foldEvents } from '../../../../lib/kinds/fold.ts';
import { isObject, type JsonObject } from '../../../../lib/kinds/json.ts';

const folder = resolve(import.meta.dirname, '../../../../../shared/fixtures/bedrock');
const found = existsSync(folder);
if (!found) console.log(`recordings of Bedrock: skipped, there is no ${folder}`);

const names = (kind: string, ending: string): string[] =>
  found
    ? readdirSync(join(folder, kind))
        .filter((name) => name.endsWith(ending))
        .map((name) => name.slice(0, -ending.length))
    : [];
const read = (kind: string, name: string): string => readFileSync(join(folder, kind, name), 'utf8');
const json = (kind: string, name: string): JsonObject => JSON.parse(read(kind, name)) as JsonObject;

describe.skipIf(!found)('a recording', () => {
  it.each(names('invoke', '.response.json'))('of a whole answer is read (%s)', (name) => {
    const request = json('invoke', `${name}.request.json`);
    const body = bodyOf(request, 'm');
    expect(bedrockInvoke.decodeRequest(request, { model: 'm' }).messages.length).toBeGreaterThan(0);

    const answer = foldEvents(bedrockInvokeUpstream(body).decodeResponse(json('invoke', `${name}.response.json`), {}));

    expect(answer.error).toBeUndefined();
    expect(answer.choices[0]?.parts.length).toBeGreaterThan(0);
    expect(answer.usage).toMatchObject({
      inputTokens: expect.any(Number) as number,
      outputTokens: expect.any(Number) as number,
    });
  });

  it.each(names('invoke-stream', '.decoded.jsonl'))('of a stream is read (%s)', (name) => {
    const decoder = bedrockInvokeUpstream(bodyOf(json('invoke-stream', `${name}.request.json`), 'm')).decodeStream({});
    const lines = read('invoke-stream', `${name}.decoded.jsonl`).trim().split('\n');
    const pieces = lines.map((line) => (JSON.parse(line) as { payload: { bytes_decoded: unknown } }).payload.bytes_decoded);
    const frames = pieces.filter(isObject).map((piece) => {
      const data = JSON.stringify({ bytes: Buffer.from(JSON.stringify(piece)).toString('base64') });
      return { event: 'chunk', data };
    });

    const answer = foldEvents([...frames.flatMap((frame) => decoder.push(frame)), ...decoder.end()]);

    const metrics = pieces.filter(isObject).at(-1)?.['amazon-bedrock-invocationMetrics'];
    expect(answer.error).toBeUndefined();
    expect(answer.choices[0]?.parts.length).toBeGreaterThan(0);
    expect(isObject(metrics) && answer.usage?.inputTokens).toBeGreaterThanOrEqual(
      Number(isObject(metrics) && metrics['inputTokenCount']),
    );
  });
});
