import { describe, expect, it } from 'vitest';
import { deploymentsFor, isIn, matchFor } from '../../../lib/domain/offer.ts';
import { aDeployment } from '../../support/exchange.ts';

const shared = aDeployment({ id: 'shared', modelName: 'gpt-4o' });
const own = aDeployment({ id: 'own', modelName: 'byo_1', info: { team_id: 't', team_public_model_name: 'gpt-4o' } });
const all = [shared, own];
const ids = (name: string, audience: string | null | undefined) =>
  matchFor(all, name, audience).map(({ deployment }) => deployment.id);

describe("a team's own deployments", () => {
  it('come alone for its keys, under their public name', () => {
    expect(ids('gpt-4o', 't')).toEqual(['own']);
  });

  it('do not exist for others', () => {
    expect(ids('gpt-4o', 'u')).toEqual(['shared']);
    expect(ids('gpt-4o', null)).toEqual(['shared']);
    expect(ids('byo_1', 'u')).toEqual([]);
    expect(deploymentsFor(all, null)).toEqual([shared]);
  });

  it('are there for the operator by their own names', () => {
    expect(ids('gpt-4o', undefined)).toEqual(['shared']);
    expect(ids('byo_1', undefined)).toEqual(['own']);
  });

  it('are the same objects each time, so that what is known of them is found again', () => {
    expect(deploymentsFor(all, 't')[1]).toBe(deploymentsFor(all, 't')[1]);
  });
});

describe('what was found before', () => {
  it('is told to nobody else, whatever names clients invent', () => {
    const list = [...all, aDeployment({ id: 'any', modelName: '*' })];
    const names = ['gpt-4o', '1 t gpt-4o', 'nobody gpt-4o', 'operator gpt-4o', 't gpt-4o', 'gpt-4o\nt'];

    for (const audience of ['t', 'u', '1 t', null, undefined]) {
      for (const name of names) {
        const anew = matchFor([...list], name, audience);
        expect(matchFor(list, name, audience)).toEqual(anew);
        expect(matchFor(list, name, audience)).toEqual(anew);
      }
    }
  });
});

describe('the region of a deployment', () => {
  it.each([
    ['eu-west-1', 'eu', true],
    ['europe-west4', 'eu', true],
    ['westeurope', 'eu', true],
    ['us-east-1', 'eu', false],
    ['us-east-1', 'us', true],
    ['eastus2', 'us', true],
    ['australiaeast', 'us', false],
    ['euphoria', 'eu', false],
  ] as const)('%s is in %s: %s', (place, region, expected) => {
    expect(isIn(aDeployment({ parameters: { aws_region_name: place } }), region)).toBe(expected);
    expect(isIn(aDeployment({ info: { region_name: place } }), region)).toBe(expected);
  });

  it('is none where it is not said', () => {
    expect(isIn(aDeployment(), 'eu')).toBe(false);
  });
});
