/** What a million calls cost on AWS: counted write units and measured CPU, at public prices. */
import type { AdmissionCost } from './admission.ts';

/** USD in us-east-1, on demand, beyond the free tier: pricing pages of Lambda (arm64) and DynamoDB, September 2026. */
const PRICES = { gbSecond: 0.000_013_333_4, request: 0.000_000_2, writeUnit: 0.000_000_625 };
/** Memory of the gateway function, GB: `infra/constructs/data-plane.ts`. */
const MEMORY_GB = 0.5;
/** Seconds that a function URL is billed for: about as long as the model takes. */
const ANSWER_SECONDS = 2;
const STREAM_SECONDS = 10;
const MILLION = 1_000_000;

/** A line of the sheet: USD for a million calls. */
export interface CostLine {
  readonly scopes: number;
  readonly dynamodb: number;
  /** Function URL, DynamoDB included. */
  readonly answers: number;
  readonly streams: number;
  /** CPU seconds of a million calls, which a Web Function is billed for. */
  readonly cpuSeconds: number;
}

/** USD for a million times so many write units. */
export const dollars = (writeUnits: number): number => MILLION * writeUnits * PRICES.writeUnit;

/** The sheet, without the consumer of the ledger's stream. */
export function costLines(costs: readonly AdmissionCost[]): readonly CostLine[] {
  return costs.map(({ scopes, writeUnits, cpuMs }) => {
    const dynamodb = dollars(writeUnits);
    const lasting = (seconds: number): number => MILLION * (PRICES.request + seconds * MEMORY_GB * PRICES.gbSecond) + dynamodb;
    return {
      scopes: scopes.length,
      dynamodb,
      answers: lasting(ANSWER_SECONDS),
      streams: lasting(STREAM_SECONDS),
      cpuSeconds: cpuMs * 1_000,
    };
  });
}

/** What the sheet assumes, for the reader. */
export const ASSUMED = `answers of ${ANSWER_SECONDS} s and streams of ${STREAM_SECONDS} s, ${MEMORY_GB * 1_024} MB, us-east-1, prices of September 2026`;
