/** A provider's answer as events, from the events of its stream or from one whole response: both go through here. */
import { GatewayError } from '../../errors.ts';
import type { GenerateEvent } from '../../kinds/generate.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import type { Decoding } from '../dialect.ts';
import { errorInside } from '../openai-error.ts';
import { numberOf, objectsOf, present, textOf, unknownFields } from '../values.ts';
import { itemDecoder, type Answer, type ItemDecoder } from './items.ts';
import { usageOf } from './usage.ts';
import { DIALECT, finishOf, RESPONSE_FIELDS } from './wire.ts';

const TERMINAL: ReadonlySet<string> = new Set([
  'response.completed',
  'response.incomplete',
  'response.failed',
  'response.cancelled',
]);

/** An item on its way. */
interface Open {
  readonly decoder: ItemDecoder;
  readonly type: string | undefined;
  ended: boolean;
}

/** Types of items by the first word of their events, for servers that do not announce an item. */
const UNANNOUNCED: readonly (readonly [RegExp, string])[] = [
  [/^(output_text|refusal|content_part)\b/, 'message'],
  [/^reasoning/, 'reasoning'],
  [/^function_call/, 'function_call'],
  [/^custom_tool_call/, 'custom_tool_call'],
];

/** Decodes one answer. `take()` hands out the events since the last time. */
export class AnswerDecoder {
  readonly #answer: Answer;
  /** By `output_index`: some servers give an item another id in each event. */
  readonly #items = new Map<number, Open>();
  readonly #all: Open[] = [];
  readonly #callIds = new Set<string>();
  readonly #facts = { call: 0, refusal: 0 };
  readonly #hosted: JsonObject[] = [];
  #events: GenerateEvent[] = [];
  #blocks = 0;
  #started = false;
  #ended = false;

  constructor({ jsonTool }: Decoding) {
    this.#answer = {
      emit: (event) => void this.#events.push(event),
      nextBlock: () => this.#blocks++,
      jsonTool,
      callId: (given) => this.#callId(given),
      note: (fact) => void this.#facts[fact]++,
      noteHosted: (item) => void this.#hosted.push(item),
    };
  }

  /** True once the answer ended, well or not. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Events since the last call. */
  take(): readonly GenerateEvent[] {
    if (this.#events.length === 0) return this.#events;
    const events = this.#events;
    this.#events = [];
    return events;
  }

  /** Reads one event of a stream. */
  push(event: JsonObject): void {
    const type = textOf(event['type']) ?? '';
    const { response } = event;
    if (type === 'error' || (type === '' && event['error'] !== undefined)) this.fail(errorInside(event));
    else if (TERMINAL.has(type)) this.finish(isObject(response) ? response : {}, type.slice('response.'.length));
    else if (isObject(response)) this.#start(response);
    else if (type.startsWith('response.')) this.#item(type.slice('response.'.length), event);
  }

  /** Reads a whole response. */
  whole(response: JsonObject): void {
    this.finish(response, textOf(response['status']) ?? 'completed');
  }

  /** The answer is complete: its items as they came, or all of them from the response when none did; then usage and end. */
  finish(response: JsonObject, type: string): void {
    this.#start(response);
    const output = objectsOf(response['output']);
    if (this.#all.length === 0) for (const [index, item] of output.entries()) this.#add(index, item).decoder.done(item);
    else for (const [index, open] of this.#items) this.#complete(open, output[index]);
    this.#close();
    const usage = usageOf(response, this.#hosted);
    if (usage !== undefined) this.#answer.emit({ type: 'usage', usage });
    const status = textOf(response['status']) ?? type;
    if (status === 'failed' || type === 'failed') {
      this.fail(errorInside({ error: response['error'] ?? { message: 'The provider failed and did not say why.' } }));
      return;
    }
    this.#ended = true;
    const details = response['incomplete_details'];
    const reason = isObject(details) ? textOf(details['reason']) : undefined;
    const said = { calls: this.#facts.call > 0, refusal: this.#facts.refusal > 0 };
    this.#answer.emit({ type: 'finish', choice: 0, reason: finishOf(status, reason, said), raw: reason ?? status });
  }

  /** The answer broke off: closes blocks, then the error. Nothing follows. */
  fail(error: GatewayError): void {
    if (this.#ended) return;
    this.#close();
    this.#ended = true;
    this.#answer.emit({ type: 'error', error });
  }

  #start(response: JsonObject): void {
    if (this.#started) return;
    this.#started = true;
    const own = unknownFields(response, RESPONSE_FIELDS);
    this.#answer.emit({
      type: 'start',
      ...present('id', textOf(response['id'])),
      ...present('model', textOf(response['model'])),
      ...present('created', numberOf(response['created_at'])),
      ...present('extensions', own && { [DIALECT]: own }),
    });
  }

  /** An event about an item. */
  #item(type: string, event: JsonObject): void {
    this.#start({});
    const index = numberOf(event['output_index']) ?? Math.max(0, this.#all.length - (type === 'output_item.added' ? 0 : 1));
    const { item } = event;
    if (type === 'output_item.added') {
      if (isObject(item)) this.#add(index, item);
    } else if (type === 'output_item.done') {
      if (!isObject(item)) return;
      const known = this.#items.get(index);
      this.#complete(known === undefined || known.ended ? this.#add(index, item) : known, item);
    } else {
      this.#itemOf(type, index)?.decoder.push(type, event);
    }
  }

  #itemOf(type: string, index: number): Open | undefined {
    const known = this.#items.get(index);
    if (known !== undefined) return known.ended ? undefined : known;
    const kind = UNANNOUNCED.find(([pattern]) => pattern.test(type))?.[1];
    return kind === undefined ? undefined : this.#add(index, { type: kind });
  }

  #add(index: number, item: JsonObject): Open {
    const open: Open = { decoder: itemDecoder(item, this.#answer), type: textOf(item['type']), ended: false };
    this.#items.set(index, open);
    this.#all.push(open);
    return open;
  }

  #complete(open: Open, item: JsonObject | undefined): void {
    if (open.ended || item === undefined || item['type'] !== open.type) return;
    open.ended = true;
    open.decoder.done(item);
  }

  #close(): void {
    for (const open of this.#all) {
      if (!open.ended) open.decoder.close();
      open.ended = true;
    }
  }

  /** The provider's id, made unique. */
  #callId(given: string | undefined): string {
    const at = this.#callIds.size;
    const id = given === undefined || this.#callIds.has(given) ? `${given ?? 'call'}_${at}` : given;
    this.#callIds.add(id);
    return id;
  }
}
