/**
 * Bodies on S3: one object per call, gzipped JSON at `<day>/<call id>.json.gz`. A lifecycle rule of the bucket takes them away. The SDK is
 * loaded with the first call that is kept.
 */
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { S3Client } from '@aws-sdk/client-s3';
import { GatewayError } from '../../errors.ts';
import type { BodyRecord, BodyStore } from '../bodies.ts';

/** Where the bucket is. */
export interface S3Options {
  readonly bucket: string;
  readonly region?: string;
  /** Another service that speaks S3's protocol. */
  readonly endpoint?: string;
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

const CONNECTION_TIMEOUT_MS = 1_000;
const REQUEST_TIMEOUT_MS = 5_000;
const MAX_ATTEMPTS = 2;

const pack = promisify(gzip);
const unpack = promisify(gunzip);

/** Bodies in a bucket. */
export function createBodyStore({ bucket, ...options }: S3Options): BodyStore {
  let loading: Promise<{ readonly sdk: typeof import('@aws-sdk/client-s3'); readonly client: S3Client }> | undefined;
  const load = async () => {
    const sdk = await import('@aws-sdk/client-s3');
    const client = new sdk.S3Client({
      ...options,
      ...(options.endpoint === undefined ? {} : { forcePathStyle: true }),
      maxAttempts: MAX_ATTEMPTS,
      requestHandler: {
        connectionTimeout: CONNECTION_TIMEOUT_MS,
        requestTimeout: REQUEST_TIMEOUT_MS,
        throwOnRequestTimeout: true,
      },
    });
    return { sdk, client };
  };
  const ready = () => (loading ??= load());

  return {
    async put(record) {
      const { sdk, client } = await ready();
      await client.send(
        new sdk.PutObjectCommand({
          Bucket: bucket,
          Key: objectKey(record.id, record.at),
          Body: await pack(JSON.stringify(record)),
          ContentType: 'application/json',
          ContentEncoding: 'gzip',
        }),
      );
    },

    async get(id, at) {
      const { sdk, client } = await ready();
      try {
        const { Body } = await client.send(new sdk.GetObjectCommand({ Bucket: bucket, Key: objectKey(id, at) }));
        const bytes = await Body?.transformToByteArray();
        return bytes === undefined ? undefined : (JSON.parse((await unpack(bytes)).toString()) as BodyRecord);
      } catch (cause) {
        if (cause instanceof sdk.NoSuchKey) return undefined;
        throw new GatewayError('overloaded', 'The gateway cannot reach its store of bodies right now. Try again shortly.', {
          code: 'store_unavailable',
          cause,
        });
      }
    },
  };
}

/** Days make objects easy to find by hand; the id is safe in a key, its like from elsewhere is made so. */
const objectKey = (id: string, at: number): string =>
  `${new Date(at).toISOString().slice(0, 10)}/${encodeURIComponent(id)}.json.gz`;
