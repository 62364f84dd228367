/** Synthesizes the app for tests, with empty bundles and the context of `cdk.json`. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BUNDLES } from '../../infra/bundle.ts';
import { createApp } from '../../infra/app.ts';

const { context } = JSON.parse(readFileSync(new URL('../../cdk.json', import.meta.url), 'utf8')) as {
  context: Record<string, unknown>;
};

/** One resource of a template. */
export interface Resource {
  readonly Type: string;
  readonly Properties: Readonly<Record<string, unknown>>;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
}

/** The templates of both stacks. @throws when `cdk-nag` or CloudFormation's own rules find a fault nobody acknowledged */
export function synth(choices: Readonly<Record<string, string>> = {}): {
  readonly data: TemplateJson;
  readonly gateway: TemplateJson;
} {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-synth-'));
  try {
    for (const { name, file } of BUNDLES) {
      mkdirSync(join(folder, 'dist', name), { recursive: true });
      writeFileSync(join(folder, 'dist', name, file), '');
    }
    const { app, data, gateway } = createApp(
      { context: { ...context, ...choices }, outdir: join(folder, 'out') },
      join(folder, 'dist'),
    );
    const assembly = app.synth();
    const template = (name: string) => assembly.getStackByName(name).template as TemplateJson;
    return { data: template(data.stackName), gateway: template(gateway.stackName) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A template as JSON. */
export interface TemplateJson {
  readonly Resources: Readonly<Record<string, Resource>>;
  readonly Outputs?: Readonly<Record<string, { readonly Value: unknown }>>;
}

/** The resources of a type, by logical id. */
export const resourcesOf = (template: TemplateJson, type: string): Readonly<Record<string, Resource>> =>
  Object.fromEntries(Object.entries(template.Resources).filter(([, resource]) => resource.Type === type));
