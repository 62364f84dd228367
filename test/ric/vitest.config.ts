import { defineConfig } from 'vitest/config';

/** `npm run test:ric`: the built function in the real Lambda runtime client. Apart from `npm test`, since it compiles that client once. */
export default defineConfig({
  root: new URL('../..', import.meta.url).pathname,
  test: {
    include: ['test/ric/*.ric.ts'],
    globalSetup: ['test/ric/setup.ts'],
    fileParallelism: false,
    testTimeout: 20_000,
    hookTimeout: 30_000,
  },
});
