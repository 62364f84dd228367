/**
 * The APIs of this dialect. "Recalled" marks facts that no published source at hand confirms.
 * Sources besides those named: LiteLLM's and Portkey's adapters, checked 2026-11-22.
 */
import type { Place, Setting, StreamPlaces, Variant } from './wire.ts';

/** Names of the APIs. */
export type VariantId =
  | 'aleph-alpha'
  | 'anthropic-complete'
  | 'bytez'
  | 'cloudflare-run'
  | 'custom'
  | 'fal'
  | 'langflow'
  | 'nlp-cloud'
  | 'ollama-generate'
  | 'palm'
  | 'petals'
  | 'sagemaker'
  | 'tgi'
  | 'triton'
  | 'watsonx';

type Names = Readonly<Partial<Record<Setting, string>>>;

/** Settings that are fields of one object in the body; with no name, of the body itself. */
const within = (field: string | undefined, names: Names): Variant['settings'] =>
  Object.fromEntries(Object.entries(names).map(([setting, name]) => [setting, field === undefined ? [name] : [field, name]]));

const prompt = (...at: readonly string[]): Variant['input'] => ({ type: 'prompt', at });

/** `length`, `eos_token` or `stop_sequence`: in the details, where they were asked for. */
const TGI_FINISH: Place = ['details', 'finish_reason'];

/** One token an event; the last one repeats the whole text. */
const TGI_STREAM: StreamPlaces = {
  framing: 'sse',
  text: ['token', 'text'],
  mark: ['token', 'special'],
  end: ['generated_text'],
  finish: TGI_FINISH,
  inputTokens: ['details', 'input_length'],
  outputTokens: ['details', 'generated_tokens'],
};

/** Hugging Face's text-generation-inference: `/generate` and `/generate_stream` (types of `@huggingface/tasks`). */
const tgi: Variant = {
  input: prompt('inputs'),
  settings: within('parameters', {
    maxOutputTokens: 'max_new_tokens',
    temperature: 'temperature',
    topP: 'top_p',
    topK: 'top_k',
    seed: 'seed',
    frequencyPenalty: 'frequency_penalty',
    stop: 'stop',
  }),
  constants: [
    [['parameters', 'details'], true],
    [['parameters', 'return_full_text'], false],
  ],
  drawing: [['parameters', 'do_sample'], true],
  whole: { text: [['generated_text'], [0, 'generated_text']], finish: TGI_FINISH },
  stream: TGI_STREAM,
};

/** The APIs, by name. */
export const VARIANTS: Readonly<Record<VariantId, Variant>> = {
  /** `POST /complete`. Streams exist, in a form that nothing at hand describes. Figures of usage are recalled. */
  'aleph-alpha': {
    input: prompt('prompt'),
    named: true,
    settings: within(undefined, {
      maxOutputTokens: 'maximum_tokens',
      temperature: 'temperature',
      topP: 'top_p',
      topK: 'top_k',
      frequencyPenalty: 'frequency_penalty',
      presencePenalty: 'presence_penalty',
      stop: 'stop_sequences',
    }),
    cap: 1024,
    whole: {
      text: [['completions', 0, 'completion']],
      finish: ['completions', 0, 'finish_reason'],
      inputTokens: ['num_tokens_prompt_total'],
      outputTokens: ['num_tokens_generated'],
    },
  },

  /** `POST /v1/complete` (types of Anthropic's SDK). */
  'anthropic-complete': {
    input: { type: 'prompt', at: ['prompt'], human: true },
    named: true,
    settings: {
      ...within(undefined, {
        maxOutputTokens: 'max_tokens_to_sample',
        temperature: 'temperature',
        topP: 'top_p',
        topK: 'top_k',
        stop: 'stop_sequences',
      }),
      user: ['metadata', 'user_id'],
    },
    cap: 4096,
    whole: { text: [['completion']], finish: ['stop_reason'] },
    stream: {
      framing: 'sse',
      asked: ['stream'],
      text: ['completion'],
      end: ['stop_reason'],
      finish: ['stop_reason'],
    },
  },

  /** `POST /models/v2/{model}`. Its streams are bare text, in which neither an end nor an error can be told. */
  bytez: {
    input: { type: 'messages', at: ['messages'], parts: true },
    settings: within('params', { maxOutputTokens: 'max_new_tokens', temperature: 'temperature', topP: 'top_p' }),
    constants: [[['stream'], false]],
    whole: { text: [['output', 'content', 0, 'text'], ['output', 'content'], ['output']] },
  },

  /** `POST /ai/run/{model}`. */
  'cloudflare-run': {
    input: { type: 'messages', at: ['messages'] },
    settings: within(undefined, {
      maxOutputTokens: 'max_tokens',
      temperature: 'temperature',
      topP: 'top_p',
      seed: 'seed',
      frequencyPenalty: 'frequency_penalty',
      presencePenalty: 'presence_penalty',
      stop: 'stop',
    }),
    whole: {
      text: [['result', 'response']],
      finish: ['result', 'finish_reason'],
      inputTokens: ['result', 'usage', 'prompt_tokens'],
      outputTokens: ['result', 'usage', 'completion_tokens'],
    },
    stream: {
      framing: 'sse',
      asked: ['stream'],
      text: ['response'],
      end: 'done',
      finish: ['finish_reason'],
      inputTokens: ['usage', 'prompt_tokens'],
      outputTokens: ['usage', 'completion_tokens'],
    },
  },

  /** `POST` to an address of the operator's, for servers written for LiteLLM (`main.py` and its documentation of `custom_llm_server`). */
  custom: {
    input: { type: 'prompt', at: ['params', 'prompt'], listed: true },
    named: true,
    settings: within('params', { maxOutputTokens: 'max_tokens', temperature: 'temperature', topP: 'top_p', topK: 'top_k' }),
    whole: { text: [['data', 0, 'output', 0]] },
  },

  /** `POST /{model}` of models that answer questions about a picture (LiteLLM's `fal_ai/chat`, checked 2026-11-28). They take no cap. */
  fal: {
    input: prompt('prompt'),
    image: ['image_url'],
    settings: within(undefined, { temperature: 'temperature', topP: 'top_p' }),
    whole: {
      text: [['output']],
      reasoning: ['reasoning'],
      finish: ['finish_reason'],
      inputTokens: ['usage_info', 'input_tokens'],
      outputTokens: ['usage_info', 'output_tokens'],
    },
  },

  /**
   * `POST /api/v1/run/{flow}` (LiteLLM's adapter, checked 2026-11-28). A flow has its own settings, and is told the conversation as one
   * message. Its streams are left aside.
   */
  langflow: {
    input: prompt('input_value'),
    settings: {},
    constants: [
      [['input_type'], 'chat'],
      [['output_type'], 'chat'],
    ],
    whole: {
      text: [
        ['outputs', 0, 'outputs', 0, 'results', 'message', 'text'],
        ['outputs', 0, 'outputs', 0, 'outputs', 'message', 'message'],
      ],
    },
  },

  /** `POST /{model}/generation`. Its streams are lines of text without a described end. */
  'nlp-cloud': {
    input: prompt('text'),
    settings: within(undefined, {
      maxOutputTokens: 'max_length',
      temperature: 'temperature',
      topP: 'top_p',
      topK: 'top_k',
      frequencyPenalty: 'frequency_penalty',
      presencePenalty: 'presence_penalty',
      stop: 'stop_sequences',
    }),
    whole: { text: [['generated_text']], inputTokens: ['nb_input_tokens'], outputTokens: ['nb_generated_tokens'] },
  },

  /** `POST /api/generate` (types of the `ollama` package). Streams unless told not to. */
  'ollama-generate': {
    input: prompt('prompt'),
    named: true,
    settings: within('options', {
      maxOutputTokens: 'num_predict',
      temperature: 'temperature',
      topP: 'top_p',
      topK: 'top_k',
      seed: 'seed',
      frequencyPenalty: 'frequency_penalty',
      presencePenalty: 'presence_penalty',
      stop: 'stop',
    }),
    constants: [[['stream'], false]],
    whole: {
      text: [['response']],
      reasoning: ['thinking'],
      finish: ['done_reason'],
      inputTokens: ['prompt_eval_count'],
      outputTokens: ['eval_count'],
    },
    stream: {
      framing: 'ndjson',
      asked: ['stream'],
      text: ['response'],
      end: ['done'],
      unfinished: false,
      finish: ['done_reason'],
      inputTokens: ['prompt_eval_count'],
      outputTokens: ['eval_count'],
    },
  },

  /** `POST /v1beta3/models/{model}:generateText`, discontinued: for whoever still serves it. Names of settings are recalled. */
  palm: {
    input: prompt('prompt', 'text'),
    settings: within(undefined, {
      maxOutputTokens: 'maxOutputTokens',
      temperature: 'temperature',
      topP: 'topP',
      topK: 'topK',
      stop: 'stopSequences',
    }),
    whole: { text: [['candidates', 0, 'output']] },
  },

  /** `POST /api/v1/generate`, a form (`http_api.py` of petals-infra/chat.petals.dev). Without a cap it would write 20 tokens. */
  petals: {
    input: prompt('inputs'),
    named: true,
    settings: within(undefined, {
      maxOutputTokens: 'max_new_tokens',
      temperature: 'temperature',
      topP: 'top_p',
      topK: 'top_k',
    }),
    cap: 256,
    drawing: [['do_sample'], 1],
    whole: { text: [['outputs']] },
  },

  /**
   * `POST /endpoints/{name}/invocations`: Hugging Face's containers. Pipelines refuse `details`, so the end is not told. Streams are
   * those of text-generation-inference inside AWS's frames, which the row takes off; lines end as the container likes. That, and the list
   * around whole answers, is recalled.
   */
  sagemaker: {
    ...tgi,
    constants: [[['parameters', 'return_full_text'], false]],
    stream: { ...TGI_STREAM, framing: 'ndjson', asked: ['stream'], lines: true },
  },

  tgi,

  /** Triton's generate extension: `/generate` and `/generate_stream`. What `parameters` take depends on the backend; these are common. */
  triton: {
    input: prompt('text_input'),
    settings: within('parameters', {
      maxOutputTokens: 'max_tokens',
      temperature: 'temperature',
      topP: 'top_p',
      topK: 'top_k',
    }),
    cap: 2000,
    whole: { text: [['text_output']] },
    stream: { framing: 'sse', asked: ['stream'], text: ['text_output'], end: 'close' },
  },

  /**
   * `POST /ml/v1/text/generation` and `/text/generation_stream`. Without a cap it would write 20 tokens. Every event of a stream has a
   * `stop_reason`, and figures that run: the input stands in the first.
   */
  watsonx: {
    input: prompt('input'),
    named: true,
    settings: within('parameters', {
      maxOutputTokens: 'max_new_tokens',
      temperature: 'temperature',
      topP: 'top_p',
      topK: 'top_k',
      seed: 'random_seed',
      stop: 'stop_sequences',
    }),
    cap: 1024,
    drawing: [['parameters', 'decoding_method'], 'sample'],
    whole: {
      text: [['results', 0, 'generated_text']],
      finish: ['results', 0, 'stop_reason'],
      inputTokens: ['results', 0, 'input_token_count'],
      outputTokens: ['results', 0, 'generated_token_count'],
    },
    stream: {
      framing: 'sse',
      text: ['results', 0, 'generated_text'],
      end: ['results', 0, 'stop_reason'],
      unfinished: 'not_finished',
      finish: ['results', 0, 'stop_reason'],
      inputTokens: ['results', 0, 'input_token_count'],
      outputTokens: ['results', 0, 'generated_token_count'],
    },
  },
};
