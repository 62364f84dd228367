import { describe, expect, it } from 'vitest';
import { errorName, lambdaAddress } from '../../../lib/transport/aws-json.ts';

const LAMBDA = {
  AWS_LAMBDA_FUNCTION_NAME: 'gateway',
  AWS_REGION: 'eu-central-1',
  AWS_ACCESS_KEY_ID: 'AKID',
  AWS_SECRET_ACCESS_KEY: 'secret',
  AWS_SESSION_TOKEN: 'token',
};

describe('the address of a service', () => {
  it('is that of the region, with the keys of the function', () => {
    expect(lambdaAddress(LAMBDA, 'dynamodb')).toEqual({
      url: 'https://dynamodb.eu-central-1.amazonaws.com/',
      region: 'eu-central-1',
      keys: { accessKeyId: 'AKID', secretAccessKey: 'secret', sessionToken: 'token' },
    });
  });

  it('is the same in a Web Function, which has no name', () => {
    const { AWS_LAMBDA_FUNCTION_NAME: _, ...unnamed } = LAMBDA;
    const environment = { ...unnamed, AWS_LAMBDA_HTTP_ENDPOINT: '0.0.0.0:3000' };
    expect(lambdaAddress(environment, 'dynamodb')).toEqual(lambdaAddress(LAMBDA, 'dynamodb'));
  });

  for (const region of ['us-east-1', 'ap-southeast-4', 'il-central-1', 'mx-central-1']) {
    it(`is known in ${region}`, () => {
      expect(lambdaAddress({ ...LAMBDA, AWS_REGION: region }, 'dynamodb')?.region).toBe(region);
    });
  }

  for (const region of ['cn-north-1', 'us-gov-west-1', 'us-iso-east-1', 'eusc-de-east-1', '', 'nowhere']) {
    it(`is the SDK's to find in "${region}"`, () => {
      expect(lambdaAddress({ ...LAMBDA, AWS_REGION: region }, 'dynamodb')).toBeUndefined();
    });
  }

  for (const [name, value] of [
    ['AWS_LAMBDA_FUNCTION_NAME', undefined],
    ['AWS_ACCESS_KEY_ID', undefined],
    ['AWS_SECRET_ACCESS_KEY', ''],
    ['AWS_ENDPOINT_URL', 'http://127.0.0.1:8000'],
    ['AWS_ENDPOINT_URL_DYNAMODB', 'http://127.0.0.1:8000'],
    ['AWS_USE_FIPS_ENDPOINT', 'true'],
    ['AWS_ACCOUNT_ID', '123456789012'],
    ['AWS_PROFILE', 'other'],
  ] as const) {
    it(`is the SDK's to find where ${name} is ${value === undefined ? 'missing' : `"${value}"`}`, () => {
      expect(lambdaAddress({ ...LAMBDA, [name]: value }, 'dynamodb')).toBeUndefined();
    });
  }
});

describe('the name of an error', () => {
  it('is read from its type', () => {
    expect(errorName('com.amazonaws.dynamodb.v20120810#ValidationException')).toBe('ValidationException');
    expect(errorName('ThrottlingException:http://internal.amazon.com/')).toBe('ThrottlingException');
    expect(errorName(undefined)).toBe('UnknownError');
  });
});
