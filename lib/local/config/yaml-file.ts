/** YAML as PyYAML reads it (version 1.1: `on` is true, `<<` merges), with the line of every value for messages. */
import { readFileSync } from 'node:fs';
import { isMap, isNode, isScalar, isSeq, LineCounter, parseDocument, type Range } from 'yaml';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import { isErrno, StartError } from '../start-error.ts';

/** A parsed file. */
export interface YamlFile {
  readonly path: string;
  readonly content: JsonObject;
  /** Place of a value: `config.yaml:12`; of the nearest thing around it when it is not there. */
  at(path: readonly (string | number)[]): string;
}

/**
 * Reads a file.
 *
 * @throws StartError naming file and line when it cannot be read or is no YAML mapping.
 */
export function readYamlFile(path: string): YamlFile {
  const lines = new LineCounter();
  const document = parseDocument(readText(path), { version: '1.1', lineCounter: lines, prettyErrors: false });
  const lineOf = (offset: number): string => `${path}:${lines.linePos(offset).line}`;
  const [fault] = document.errors;
  if (fault !== undefined) throw new StartError(`${lineOf(fault.pos[0])}: ${fault.message}`);
  const content = toContent(document, path);
  if (!isObject(content)) throw new StartError(`${path}:1: expected a mapping with keys such as model_list`);
  return {
    path,
    content,
    at(keys) {
      for (let length = keys.length; length > 0; length--) {
        const range = rangeOf(document.getIn(keys.slice(0, length - 1), true), keys[length - 1]);
        if (range) return lineOf(range[0]);
      }
      return `${path}:1`;
    },
  };
}

/** Where an entry of a mapping or list begins; undefined for one that is not there itself, such as a merged one. */
function rangeOf(parent: unknown, key: string | number | undefined): Range | null | undefined {
  if (isMap(parent)) {
    const entry = parent.items.find((pair) => isScalar(pair.key) && pair.key.value === key)?.key;
    return isNode(entry) ? entry.range : undefined;
  }
  const item = isSeq(parent) && typeof key === 'number' ? parent.items[key] : undefined;
  return isNode(item) ? item.range : undefined;
}

/** Aliases that do not resolve, or unfold without end, are found only here. */
function toContent(document: ReturnType<typeof parseDocument>, path: string): unknown {
  try {
    return document.toJS() ?? {};
  } catch (error) {
    throw new StartError(`${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const reason = isErrno(error, 'ENOENT')
      ? 'there is no such file'
      : isErrno(error, 'EISDIR')
        ? 'it is a folder'
        : 'it cannot be read';
    throw new StartError(`config file ${path}: ${reason}`);
  }
}
