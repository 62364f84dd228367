/**
 * The commands of DynamoDB that these stores send, under the names they have in the SDK. Each is a name and an input, so that a store needs
 * no SDK to say what it wants; `client.ts` decides who carries it out.
 */
import type * as Sdk from '@aws-sdk/client-dynamodb';

/** What is known of an answer itself. */
export type Metadata = { readonly $metadata: Sdk.GetItemCommandOutput['$metadata'] };

/** One operation with its input. */
export abstract class Command<Input extends object = object, Output extends Metadata = Metadata> {
  abstract readonly operation: Operation;
  readonly input: Input;
  /** Of the type only: what the service answers. */
  declare readonly output?: Output;

  constructor(input: Input) {
    this.input = input;
  }
}

/** Names of the operations, as the service has them. */
export type Operation =
  | 'BatchExecuteStatement'
  | 'BatchGetItem'
  | 'BatchWriteItem'
  | 'CreateTable'
  | 'DeleteItem'
  | 'GetItem'
  | 'PutItem'
  | 'Query'
  | 'Scan'
  | 'TransactWriteItems'
  | 'UpdateItem'
  | 'UpdateTimeToLive';

/** Carries out up to 25 statements of PartiQL, each on its own. */
export class BatchExecuteStatementCommand extends Command<
  Sdk.BatchExecuteStatementCommandInput,
  Sdk.BatchExecuteStatementCommandOutput
> {
  readonly operation = 'BatchExecuteStatement';
}
/** Reads up to 100 items. */
export class BatchGetItemCommand extends Command<Sdk.BatchGetItemCommandInput, Sdk.BatchGetItemCommandOutput> {
  readonly operation = 'BatchGetItem';
}
/** Writes up to 25 items, each on its own. */
export class BatchWriteItemCommand extends Command<Sdk.BatchWriteItemCommandInput, Sdk.BatchWriteItemCommandOutput> {
  readonly operation = 'BatchWriteItem';
}
/** Makes a table. */
export class CreateTableCommand extends Command<Sdk.CreateTableCommandInput, Sdk.CreateTableCommandOutput> {
  readonly operation = 'CreateTable';
}
/** Deletes an item. */
export class DeleteItemCommand extends Command<Sdk.DeleteItemCommandInput, Sdk.DeleteItemCommandOutput> {
  readonly operation = 'DeleteItem';
}
/** Reads an item. */
export class GetItemCommand extends Command<Sdk.GetItemCommandInput, Sdk.GetItemCommandOutput> {
  readonly operation = 'GetItem';
}
/** Writes an item whole. */
export class PutItemCommand extends Command<Sdk.PutItemCommandInput, Sdk.PutItemCommandOutput> {
  readonly operation = 'PutItem';
}
/** Reads a page of a partition. */
export class QueryCommand extends Command<Sdk.QueryCommandInput, Sdk.QueryCommandOutput> {
  readonly operation = 'Query';
}
/** Reads a page of a table. */
export class ScanCommand extends Command<Sdk.ScanCommandInput, Sdk.ScanCommandOutput> {
  readonly operation = 'Scan';
}
/** Writes all of up to 100 items, or none. */
export class TransactWriteItemsCommand extends Command<
  Sdk.TransactWriteItemsCommandInput,
  Sdk.TransactWriteItemsCommandOutput
> {
  readonly operation = 'TransactWriteItems';
}
/** Changes attributes of an item. */
export class UpdateItemCommand extends Command<Sdk.UpdateItemCommandInput, Sdk.UpdateItemCommandOutput> {
  readonly operation = 'UpdateItem';
}
/** Says which attribute is the moment an item expires. */
export class UpdateTimeToLiveCommand extends Command<Sdk.UpdateTimeToLiveCommandInput, Sdk.UpdateTimeToLiveCommandOutput> {
  readonly operation = 'UpdateTimeToLive';
}

/** Who carries commands out. */
export interface Dynamo {
  send<Output extends Metadata>(command: Command<object, Output>): Promise<Output>;
  /** Closes its connections. */
  destroy(): void;
}

/** Whether a write was refused by its own condition; the item as it was comes along where the command asked for it. */
export const isFailedCondition = (error: unknown): error is Sdk.ConditionalCheckFailedException =>
  error instanceof Error && error.name === 'ConditionalCheckFailedException';

/** Whether the service will not do as asked, however often it is. */
export const isRefusal = (error: unknown): boolean => error instanceof Error && '$fault' in error && error.$fault === 'client';

/** Whether a transaction was not carried out; the reasons are one per write. */
export const isCancelled = (error: unknown): error is Sdk.TransactionCanceledException =>
  error instanceof Error && error.name === 'TransactionCanceledException';
