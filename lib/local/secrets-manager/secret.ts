/**
 * One secret with its versions, as the emulator keeps it, and the rules of staging labels. Facts: AWS Secrets Manager API
 * reference (as in the type declarations of `@aws-sdk/client-secrets-manager`). Times are epoch seconds, as on the wire.
 */

/** Label of the version that readers get by default. */
export const CURRENT = 'AWSCURRENT';
/** Label of the version that was current before. */
export const PREVIOUS = 'AWSPREVIOUS';

const MAX_VALUE_BYTES = 65_536;
/** Unlabelled versions are kept this long, so that a repeated request still finds the one it made. */
const UNLABELLED_SECONDS = 86_400;

/** An error in the words of the service; `type` is its `__type`. */
export class ServiceFault extends Error {
  override readonly name = 'ServiceFault';
  readonly type: string;

  constructor(type: string, message: string) {
    super(message);
    this.type = type;
  }
}

/** Text or bytes (base64), never both. */
export interface SecretValue {
  readonly SecretString?: string | undefined;
  readonly SecretBinary?: string | undefined;
}

/** One value the secret has, or had. */
export interface SecretVersion extends SecretValue {
  readonly id: string;
  readonly createdAt: number;
  readonly stages: readonly string[];
}

/** A label of the owner. */
export interface Tag {
  readonly Key: string;
  readonly Value: string;
}

/** A secret as stored. `deletedAt`: the moment after which it is gone for good. */
export interface Secret {
  readonly name: string;
  readonly arn: string;
  readonly description?: string | undefined;
  readonly kmsKeyId?: string | undefined;
  readonly tags: readonly Tag[];
  readonly createdAt: number;
  readonly changedAt: number;
  readonly accessedAt?: number;
  readonly deletedAt?: number;
  readonly versions: readonly SecretVersion[];
}

/** What a new version is made of. `token` becomes its id. */
export interface NewVersion extends SecretValue {
  readonly token: string;
  readonly stages?: readonly string[] | undefined;
}

/** True when the request carries a value at all. */
export const hasValue = (value: SecretValue): boolean => value.SecretString !== undefined || value.SecretBinary !== undefined;

/** The version made with this token, if the request repeats it; a token reused for another value is refused. */
export function repeatedVersion(secret: Secret, version: NewVersion): SecretVersion | undefined {
  const known = secret.versions.find((candidate) => candidate.id === version.token);
  if (known === undefined) return undefined;
  if (known.SecretString === version.SecretString && known.SecretBinary === version.SecretBinary) return known;
  throw new ServiceFault(
    'ResourceExistsException',
    `You can't use ClientRequestToken ${version.token} because that value is already in use for a version of secret ${secret.arn}.`,
  );
}

/**
 * The secret with one more version. Its labels leave the versions that had them; when `AWSCURRENT` moves, `AWSPREVIOUS` goes to the
 * version that was current.
 */
export function withVersion(secret: Secret, version: NewVersion, now: number): Secret {
  checkValue(version);
  const { token, stages = [CURRENT], SecretString, SecretBinary } = version;
  const moved = stages.includes(CURRENT) ? [...stages, PREVIOUS] : stages;
  const relabelled = secret.versions.map((other) => {
    const kept = other.stages.filter((stage) => !moved.includes(stage));
    const becomesPrevious = other.stages.includes(CURRENT) && stages.includes(CURRENT);
    return { ...other, stages: becomesPrevious ? [...kept, PREVIOUS] : kept };
  });
  const kept = relabelled.filter((other) => other.stages.length > 0 || other.createdAt > now - UNLABELLED_SECONDS);
  const added: SecretVersion = { id: token, createdAt: now, stages, SecretString, SecretBinary };
  return { ...secret, changedAt: now, versions: [...kept, added] };
}

function checkValue({ SecretString, SecretBinary }: SecretValue): void {
  if (SecretString !== undefined && SecretBinary !== undefined) {
    throw new ServiceFault(
      'InvalidParameterException',
      "You can't specify both a binary secret value and a string secret value.",
    );
  }
  const bytes = SecretString === undefined ? Buffer.byteLength(SecretBinary ?? '', 'base64') : Buffer.byteLength(SecretString);
  if (bytes > MAX_VALUE_BYTES) {
    throw new ServiceFault(
      'ValidationException',
      `The secret value has ${bytes} bytes; at most ${MAX_VALUE_BYTES} are allowed.`,
    );
  }
}

/** The version a reader asked for: by id, by label, or the current one. */
export function findVersion(secret: Secret, id?: string, stage?: string): SecretVersion {
  const found = secret.versions.find((version) =>
    id === undefined ? version.stages.includes(stage ?? CURRENT) : version.id === id,
  );
  if (found === undefined) {
    const which = id === undefined ? `staging label: ${stage ?? CURRENT}` : `VersionId: ${id}`;
    throw new ServiceFault('ResourceNotFoundException', `Secrets Manager can't find the specified secret value for ${which}`);
  }
  if (stage !== undefined && !found.stages.includes(stage)) {
    throw new ServiceFault(
      'InvalidRequestException',
      'You provided a VersionStage that is not associated to the provided VersionId.',
    );
  }
  return found;
}
