/** What every route of management answers. */
import * as z from 'zod/mini';
import { ACTIVITY_ANSWERS } from './activity.ts';
import { answers, note, object, text, word, type Answers } from './fields.ts';
import { INVITATION_ANSWERS } from './invitations.ts';
import { KEY_ANSWERS } from './keys.ts';
import { MAPPING_ANSWERS } from './mappings.ts';
import { METRIC_ANSWERS } from './metrics.ts';
import { MODEL_ANSWERS } from './models.ts';
import { PEOPLE_ANSWERS } from './people.ts';
import { READING_ANSWERS } from './reading.ts';
import { RECORD_ANSWERS } from './records.ts';
import { SPEND_ANSWERS } from './spend.ts';

const alive = answers(word('Alive.', ["I'm alive!"]));

/** By verb and path. */
export const ANSWERS: Answers = {
  ...KEY_ANSWERS,
  ...MAPPING_ANSWERS,
  ...PEOPLE_ANSWERS,
  ...INVITATION_ANSWERS,
  ...RECORD_ANSWERS,
  ...READING_ANSWERS,
  ...MODEL_ANSWERS,
  ...SPEND_ANSWERS,
  ...ACTIVITY_ANSWERS,
  ...METRIC_ANSWERS,
  'GET /health/liveliness': alive,
  'GET /health/liveness': alive,
  'GET /health/readiness': answers(
    object({ status: word('Ready.', ['healthy']), db: word('Its tables answer.', ['connected']) }),
    503,
  ),
  'GET /openapi.json': answers(
    note(z.looseObject({ openapi: text('Version of the specification.', '3.1.1') }), {
      description: 'A document of OpenAPI 3.1.',
    }),
  ),
};
